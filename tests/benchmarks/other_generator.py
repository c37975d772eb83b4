#!/usr/bin/env python3
"""Account events with planted rings, by somebody who had not seen the simulator or the detectors.

`python -m tests.benchmarks.other_generator --accounts N --days D --seed S --out FILE --truth FILE`.
It is kept as it was written, so that what it says of the product stays an outsider's word: do not
tune to it, and do not make it easier. Ten kinds of rings among households with changing addresses,
offices, carriers, kiosks, second-hand devices, rents, salaries and shared bills. Some rings are near
the limit on purpose: one IP passed on from stranger to stranger, a collector paid at any time.
"""

import argparse
import csv
import datetime as dt
import json

import numpy as np

ap = argparse.ArgumentParser()
for name, usual in (("accounts", 20000), ("days", 30), ("seed", 1)):
    ap.add_argument("--" + name, type=int, default=usual)
for name in ("out", "truth"):
    ap.add_argument("--" + name, required=True)
ap.add_argument("--start", default="2026-04-01", help="first day (UTC)")
A = ap.parse_args()
N, D = A.accounts, float(A.days)
R = np.random.default_rng(A.seed)
DAY0 = dt.datetime.fromisoformat(A.start).replace(tzinfo=dt.UTC)
HOUR, MIN = 1 / 24, 1 / 1440  # all times are days since the start
U = R.uniform
# ---------------------------------------------------------------- small tools
HOURS = (
    np.array(
        [
            0.25,
            0.15,
            0.1,
            0.08,
            0.08,
            0.12,
            0.3,
            0.6,
            0.9,
            1,
            1,
            1.05,
            1.1,
            1.05,
            1,
            1,
            1.05,
            1.15,
            1.25,
            1.35,
            1.4,
            1.25,
            0.9,
            0.5,
        ]
    )
    / 1.4
)
counts = dict(dev=0, ip=0, ins=0, addr=0)


def new(kind, n=None):
    """The next unused identifier(s) of a kind, as table indices."""
    first = counts[kind]
    counts[kind] += 1 if n is None else n
    return first if n is None else np.arange(first, first + n)


def rt(lo, hi, n=None):
    """Random times in [lo, hi) that follow the daily rhythm."""
    shape = (int(n),) if n is not None else np.broadcast(np.asarray(lo), np.asarray(hi)).shape
    lo, hi = np.broadcast_to(lo, shape).ravel(), np.broadcast_to(hi, shape).ravel()
    t = U(lo, hi)
    todo = np.arange(t.size)
    for _ in range(40):
        todo = todo[U(size=todo.size) > HOURS[(t[todo] % 1 * 24).astype(int)]]
        if not todo.size:
            break
        t[todo] = U(lo[todo], hi[todo])
    return float(t[0]) if shape == () else t


def Zipf(n, s):
    cum = np.cumsum((np.arange(n) + 1.0) ** -s)
    return lambda k=None: np.searchsorted(cum, U(0, cum[-1], k), side="right")


def prime(n):
    n = int(n)
    while any(n % k == 0 for k in range(2, int(n**0.5) + 1)):
        n += 1
    return n


def money(mean, n=None, sigma=0.9):
    return np.maximum(R.lognormal(np.log(mean), sigma, n) * 100, 100).astype(np.int64)  # cents


# ---------------------------------------------------------------- the population
n_emp, n_shop, n_char, n_exch, n_land = (
    max(3, N // 200),
    max(3, N // 500),
    max(1, N // 4000),
    3,
    max(2, N // 150),
)
NP = N - n_emp - n_shop - n_char - n_exch - n_land  # people are 0..NP-1, then the organisations
emp, shop, char, exch, land = np.split(np.arange(NP, N), np.cumsum([n_emp, n_shop, n_char, n_exch]))
sizes = R.choice([1, 2, 3, 4, 5], NP, p=[0.38, 0.30, 0.15, 0.12, 0.05])
hh = np.repeat(np.arange(NP), sizes)[:NP]
hh = np.concatenate([hh, hh[-1] + 1 + np.arange(N - NP)])  # each organisation for itself
H = int(hh[-1]) + 1
hh_size, hh_head = np.bincount(hh, minlength=H), np.searchsorted(hh, np.arange(H))
multi = hh_size > 1
addr_of = new("addr", H)
dev1, card1 = new("dev", N), new("ins", N)
dev2, card2 = (
    np.where(U(size=N) < 0.45, new("dev", N), -1),
    np.where(U(size=N) < 0.3, new("ins", N), -1),
)
hh_dev = np.where(multi & (U(size=H) < 0.3), new("dev", H), -1)
hh_card = np.where(multi & (U(size=H) < 0.35), new("ins", H), -1)
rate = np.minimum(R.lognormal(-0.75, 1.15, N), 40)
rate[NP:] *= 3

# home addresses: 65 % last about 90 days, 25 % change weekly, 10 % nightly, out of pools used by others before and after
lease = R.choice(3, H, p=[0.65, 0.25, 0.10])
phase = U(0, 1, H)
home_base = new("ip", 2 * H)[0]
rank = np.zeros(H, int)  # a household's number among those of its kind of lease
for cls in range(3):
    rank[lease == cls] = np.arange((lease == cls).sum())
pools = {}
for cls, per, G in ((1, 7, 7), (2, 1, 1)):
    P, E = prime(4 * max(10, (lease == cls).sum()) / G), int(D // per) + 3
    pools[cls] = (
        per,
        G,
        P,
        new("ip", P * G)[0],
        R.integers(1, P, (G, E)),
        R.integers(0, P, (G, E)),
    )


def home_ip(h, t):
    out = home_base + h + H * ((t / 90 + phase[h]) >= 1)
    for cls, (per, G, P, base, a, b) in pools.items():
        s = lease[h] == cls
        k, g = rank[h[s]] // G, rank[h[s]] % G
        e = (
            np.floor((t[s] + g - (1 + 4 * phase[h[s]]) * HOUR) / per).astype(int) + 1
        )  # changes between 1 and 5 in the night
        out[s] = base + g * P + (a[g, e] * k + b[g, e]) % P
    return out


# mobile carriers: few exit addresses for everybody (CGNAT)
N_EXIT = max(2, N // 4000)
carrier_ip = new("ip", 4 * N_EXIT).reshape(4, N_EXIT)
carrier = np.where(U(size=N) < 0.85, R.integers(0, 4, N), -1)
# offices of 5 to 60, each with one address; an employer has several offices
office = np.full(N, -1)
staff, at, n_office = R.permutation(NP)[: int(NP * 0.55)], 0, 0
while at < staff.size:
    k = int(np.clip(R.lognormal(2.7, 0.7), 5, 60))
    office[staff[at : at + k]] = n_office
    at, n_office = at + k, n_office + 1
office_ip, office_emp = new("ip", n_office), emp[R.integers(0, n_emp, n_office)]
# kiosks and internet cafes: a device used by dozens, two devices behind one address
n_kiosk = max(2, N // 400)
kiosk_dev, kiosk_ip = new("dev", n_kiosk), np.repeat(new("ip", n_kiosk), 2)[:n_kiosk]
kiosk = np.full(N, -1)
for k in range(n_kiosk):
    kiosk[R.integers(0, NP, R.integers(25, 90))] = k
hot_ip, hot_pick = new("ip", max(5, N // 200)), Zipf(max(5, N // 200), 0.8)
vpn_ip, vpn = new("ip", 15), U(size=N) < 0.04
# a device that goes to a stranger once, or is simply replaced
swap_t, dev_next = np.full(N, np.inf), np.full(N, -1)
who = R.permutation(NP)
ns, nu = max(1, NP // 80), max(1, NP // 30)
seller, buyer, upgr = who[:ns], who[ns : 2 * ns], who[2 * ns : 2 * ns + nu]
swap_t[seller], swap_t[upgr] = U(0, D, ns), U(0, D, nu)
swap_t[buyer] = swap_t[seller] + U(0.2, 6, ns)
dev_next[buyer] = dev1[seller]
dev_next[seller], dev_next[upgr] = new("dev", ns), new("dev", nu)


def context(a, t):
    """Device and address of ordinary sessions of the accounts at the times."""
    n, hour = len(a), t % 1 * 24
    wd = (DAY0.weekday() + np.floor(t)).astype(int) % 7
    ip = home_ip(hh[a], t)
    u, home = U(size=n), np.ones(n, bool)
    dev = np.where(t >= swap_t[a], dev_next[a], dev1[a])
    dev = np.where((dev2[a] >= 0) & (U(size=n) < 0.25), dev2[a], dev)

    def where(cond, value):
        ip[cond] = value[cond] if np.ndim(value) else value
        home[cond] = False

    where((carrier[a] >= 0) & (u < 0.3), carrier_ip[carrier[a], R.integers(0, N_EXIT, n)])
    where((office[a] >= 0) & (wd < 5) & (hour > 8) & (hour < 18) & (u > 0.35), office_ip[office[a]])
    where((u > 0.3) & (u < 0.33), hot_ip[hot_pick(n)])
    where(vpn[a] & (U(size=n) < 0.4), vpn_ip[R.integers(0, 15, n)])
    hd = hh_dev[hh[a]]
    dev = np.where(home & (hd >= 0) & (U(size=n) < 0.2), hd, dev)
    k = (kiosk[a] >= 0) & (U(size=n) < 0.15)
    where(k, kiosk_ip[kiosk[a]])
    return np.where(k, kiosk_dev[kiosk[a]], dev), ip


def card(a):
    n = len(a)
    c = np.where((card2[a] >= 0) & (U(size=n) < 0.25), card2[a], card1[a])
    return np.where((hh_card[hh[a]] >= 0) & (U(size=n) < 0.3), hh_card[hh[a]], c)


# targets: merchants (payments), items (reviews, in groups of taste), posts (content); power laws
N_MER, N_GRP, N_POST = max(100, N // 20), max(5, N // 100), max(100, N // 4)
mer, grp_pick, in_grp, item_all, post = (
    Zipf(N_MER, 1.05),
    Zipf(N_GRP, 0.5),
    Zipf(100, 0.8),
    Zipf(N_GRP * 100, 1),
    Zipf(N_POST, 1),
)
ITEM0, POST0 = N_MER, N_MER + N_GRP * 100
taste = grp_pick((N, 2))
item_shuffle = R.permutation(N_GRP * 100)
# friends: a small world (neighbours, colleagues, a few far away)
off = R.geometric(0.15, (N, 6)) * R.choice([-1, 1], (N, 6))
friends = (np.arange(N)[:, None] + off) % NP
far, coll = U(size=(N, 6)) < 0.15, (U(size=(N, 6)) < 0.15) & (office >= 0)[:, None]
friends[far] = R.integers(0, NP, far.sum())
by_office = np.argsort(office, kind="stable")
lo_off, hi_off = np.searchsorted(office[by_office], [np.arange(n_office), np.arange(n_office) + 1])
ci, cj = np.nonzero(coll)
friends[ci, cj] = by_office[R.integers(lo_off[office[ci]], hi_off[office[ci]])]
friends[friends == np.arange(N)[:, None]] = R.integers(0, 10)
# ---------------------------------------------------------------- events are columns
TYPES = ["login", "payment", "content", "review", "transfer", "subscription", "signup", "referral"]
LOGIN, PAY, CONTENT, REVIEW, TRANSFER, SUBSCR, SIGNUP, REFERRAL = range(8)
COLS = ["t", "a", "typ", "dev", "ip", "ins", "tgt", "cp", "amt", "addr"]
chunks = []


def add(t, a, typ, **cols):
    """Events; a column that is not given is none (-1), device and address then come from the ordinary life."""
    t, a = np.asarray(t, float), np.asarray(a)
    c = {k: np.broadcast_to(cols.get(k, -1), t.shape).astype(np.int64) for k in COLS[2:]}
    c["typ"] = np.broadcast_to(typ, t.shape).astype(np.int64)
    d, i = context(a, t)
    c["dev"], c["ip"] = np.where(c["dev"] < 0, d, c["dev"]), np.where(c["ip"] < 0, i, c["ip"])
    pay = c["typ"] == PAY
    own = pay & (c["ins"] < 0)
    c["ins"][own] = card(a[own])
    c["tgt"][pay], c["amt"][pay] = mer(pay.sum()), money(28, pay.sum())
    at_home = pay & (c["addr"] < 0) & (U(size=t.size) < 0.15)
    c["addr"][at_home] = addr_of[hh[a[at_home]]]
    chunks.append(dict(c, t=t, a=a))


# ---------------------------------------------------------------- the rings
KINDS = [
    "shared_card",
    "shared_device",
    "passed_on",
    "weak_links",
    "fan_in",
    "circle",
    "lockstep",
    "review_slow",
    "slow_growth",
    "sybil_farm",
]
rows, joined = [], {}


def ev(t, a, typ, **k):
    rows.append((t, a, typ, k))


def takes_part(n, things, p, least=1, connected=False):
    """Members x things: who takes part in what, each with probability p, at least `least` times, in one piece."""
    while True:
        m = U(size=(n, things)) < p
        for i in np.nonzero(m.sum(1) < least)[0]:
            m[i, R.choice(things, min(least, things), replace=False)] = True
        reach, last = m[0].copy(), 0
        while reach.sum() > last:
            last = reach.sum()
            reach |= m[m[:, reach].any(1)].any(0)
        if not connected or (reach.all() and (m.sum(0) > 1).all()):
            return m


def use(a, lo, hi, n, dev=-1, ip=-1, ins=-1):
    """n uses of a shared thing, in the time given."""
    for t in rt(lo, hi, n):
        ev(t, a, PAY if ins >= 0 else LOGIN, dev=dev, ip=ip, ins=ins)
        if ins < 0 and U() < 0.5:
            ev(t + U(1, 15) * MIN, a, PAY, dev=dev, ip=ip)


def ring(kind, no, m):
    n, p = len(m), U(0.5, 0.9)
    t0 = U(0.02, 0.3) * D
    t1 = t0 + U(0.4, 0.65) * D
    mobile = carrier_ip[
        R.integers(0, 4)
    ]  # a shared phone is on mobile data, so its address says nothing

    def pass_on(t, a, cents):
        ev(t, a, TRANSFER, cp=cash_out, amt=int(cents * U(0.8, 0.95)))

    cash_out = int(R.choice(exch))
    if kind in ("shared_card", "shared_device"):
        for col in takes_part(n, int(R.integers(1, 4)), p, 1, True).T:
            thing = new("ins" if kind == "shared_card" else "dev")
            for a in m[col]:
                use(
                    a,
                    t0,
                    t1,
                    1 + R.poisson(1.5),
                    **(
                        dict(ins=thing)
                        if kind == "shared_card"
                        else dict(dev=thing, ip=R.choice(mobile))
                    ),
                )
    elif kind == "passed_on":
        mode = R.choice(["device", "ip", "both"])
        part = takes_part(n, 1 if mode != "both" else 2, p, 1, True)
        dev, ip = (new("dev") if mode != "ip" else -1), (new("ip") if mode != "device" else -1)
        edge = np.cumsum(np.append(0, U(0.2, 1, n)))
        edge = t0 + edge / edge[-1] * min(U(0.25, 0.8) * n, 0.65 * D)
        for i, a in enumerate(m):
            d, q = dev if part[i, 0] else -1, ip if part[i, -1] else -1
            q = R.choice(mobile) if q < 0 <= d else q
            use(
                a, edge[i], edge[i] + 0.9 * (edge[i + 1] - edge[i]), 2 + R.poisson(1.5), dev=d, ip=q
            )
    elif kind == "weak_links":
        for col in takes_part(n, int(R.integers(2, 5)), p, 1, True).T:
            ip, times = new("ip"), rt(t0, t1, int(R.integers(2, 6)))
            for a, come in zip(m[col], takes_part(col.sum(), len(times), 0.8), strict=False):
                for t in times[come]:
                    ev(t + U(0, U(1, 3)) * HOUR, a, LOGIN, ip=ip)
        if no % 2:
            where = new("addr")
            for a in m[U(size=n) < p]:
                ev(rt(t0, t1), a, PAY, addr=where)
    elif kind == "fan_in":
        boss, rest = m[0], m[1:]
        k = int(R.integers(4, 10))
        rounds, wide, pot = np.sort(rt(t0, t1, k)), U(2, 6) * HOUR, []
        for a, come in zip(rest, takes_part(n - 1, k, p, 2), strict=False):
            for t in rounds[come] + U(0, wide, come.sum()) if no % 2 else rt(t0, t1, come.sum()):
                pot.append((t, int(money(120, sigma=0.6))))
                ev(t, a, TRANSFER, cp=boss, amt=pot[-1][1])
        pot.sort()
        have, due = 0, pot[0][0] + U(0.3, 1.2)
        for t, cents in [*pot, (pot[-1][0] + 2, 0)]:
            if t > due:
                pass_on(due, boss, have)
                have, due = 0, t + U(0.3, 1.2)
            have += cents
    elif kind == "circle":
        hop = min(U(1.5, 10) * HOUR, 0.8 * D / (3.5 * n))
        t, laps = U(0.02, 0.1) * D, int(R.integers(3, 7))
        for come in takes_part(n, laps, p, 2).T:
            if come.sum() < 3:
                come[:3] = True
            line, cents = m[come], int(money(900, sigma=0.5))
            for a, b in zip(line, np.roll(line, -1), strict=False):
                t += hop * R.gamma(3, 1 / 3)
                cents = int(cents * U(0.93, 0.995))
                ev(t, a, TRANSFER, cp=b, amt=cents)
            t += U(0.2, 1) * min(1, 6 * hop)
    elif kind in ("lockstep", "review_slow"):
        quick = kind == "lockstep"
        k = int(R.integers(6, 16 if quick else 13))
        typ = CONTENT if quick and no % 2 else REVIEW
        for col in takes_part(n, k, p, 3).T:
            tgt = ITEM0 + grp_pick() * 100 + R.integers(5, 60)  # in demand, not popular
            if quick:  # any target; three in ten by popularity
                tgt = (
                    POST0 + (post() if U() < 0.3 else R.integers(0, N_POST))
                    if typ == CONTENT
                    else ITEM0
                    + item_shuffle[item_all() if U() < 0.3 else R.integers(0, N_GRP * 100)]
                )
            t, wide = rt(t0, t1), U(5, 60) * MIN
            for a in m[col]:
                ev(t + U(0, wide) if quick else rt(t, t + 2), a, typ, tgt=tgt)
    elif kind == "slow_growth":
        gap, start = U(1.5, 3.5), U(0.02, 0.1) * D
        grow = min(
            n - 2, int((0.93 * D - start) / gap)
        )  # those who do not fit were there at the beginning
        join = start + np.append(U(0, 1, n - grow), 1 + gap * (np.arange(grow) + U(0.3, 1, grow)))
        n_dev = int(R.integers(1, 3))
        for j, col in enumerate(takes_part(n, n_dev + 1, p, 1, True).T):
            thing = new("dev" if j < n_dev else "ins")
            for i in np.nonzero(col)[0]:
                end = min(D, join[i] + U(4, 15))
                how = dict(dev=thing, ip=R.choice(mobile)) if j < n_dev else dict(ins=thing)
                use(m[i], join[i], join[i] + 1, 1, **how)
                use(m[i], join[i], end, R.poisson(1.5), **how)
        joined.update({a: t for a, t in zip(m, join, strict=False) if U() < 0.5})
    elif kind == "sybil_farm":
        funder, sink, rest = m[0], m[1], m[2:]
        days = t0 + np.cumsum(U(0.7, 1.6, int((t1 - t0) / 1.15)))
        for d, come in zip(days, takes_part(n - 2, len(days), p, 2).T, strict=False):
            t, burst, who = rt(d, d + 0.6), U(5, 60) * MIN, rest[come]
            have = {a: int(money(150, sigma=0.4)) for a in who}
            for a in who:
                ev(t + U(0, burst), a=funder, typ=TRANSFER, cp=a, amt=have[a])
            for _ in range(R.binomial(len(who), 0.5) if len(who) > 1 else 0):
                a, b = R.choice(who, 2, replace=False)
                cents = int(have[a] * U(0.2, 0.6))
                have[a], have[b] = have[a] - cents, have[b] + cents
                ev(t + burst + U(0, 3) * HOUR, a, TRANSFER, cp=b, amt=max(cents, 1))
            for a in who:
                ev(
                    t + burst + U(3, 18) * HOUR,
                    a,
                    TRANSFER,
                    cp=sink,
                    amt=int(have[a] * U(0.93, 1)) + 1,
                )
            if who.size and U() < 0.6:
                pass_on(t + burst + U(18, 24) * HOUR, sink, sum(have.values()))


per_kind = max(1, round(N * 0.025 / 10 / len(KINDS)))
while True:
    ring_sizes = np.clip(np.round(4 + R.exponential(6.2, per_kind * len(KINDS))), 4, 40).astype(int)
    if N < 4000 or 0.022 * N < ring_sizes.sum() < 0.028 * N:
        break
pick, at, label = R.permutation(NP), 0, {}
for j, n in enumerate(ring_sizes):
    kind, no = KINDS[j % len(KINDS)], j // len(KINDS) + 1
    n = max(n, 5) if kind == "sybil_farm" else n
    ring(kind, no, pick[at : at + n])
    label.update(dict.fromkeys(pick[at : at + n].tolist(), f"{kind}-{no}"))
    at += n
rows = [r for r in rows if r[0] < D]
# ---------------------------------------------------------------- sign-ups: 15 % are new, before whatever a ring has them do
first = np.full(N, D)
for r in rows:
    for a in (r[1], r[3].get("cp", r[1])):
        first[a] = min(first[a], r[0])
is_new = U(size=N) < 0.15
is_new[NP:] = False
signup = np.where(is_new, rt(0, np.maximum(first * 0.98, 0.01)), 0)
for a, t in joined.items():
    is_new[a], signup[a] = True, max(0, min(t, first[a]) - U(0.1, 6) * HOUR)
add(signup[is_new], np.nonzero(is_new)[0], SIGNUP)
ref = np.nonzero(is_new & (U(size=N) < 0.25))[0]
by = friends[ref, 0]
ok = signup[by] < signup[ref]
add(signup[ref[ok]] + U(1, 30, ok.sum()) * MIN, by[ok], REFERRAL, cp=ref[ok])
if rows:
    add(
        [r[0] for r in rows],
        [r[1] for r in rows],
        [r[2] for r in rows],
        **{c: np.array([r[3].get(c, -1) for r in rows]) for c in COLS[3:]},
    )
# ---------------------------------------------------------------- ordinary life
n_ses = np.maximum(1, R.poisson(rate * (D - signup) / 2.04))
sa = np.repeat(np.arange(N), n_ses)
st = rt(signup[sa] + 0.002, D)
sdev, sip = context(sa, st)
acts = R.poisson(1.3, sa.size)
hello = (acts == 0) | (U(size=sa.size) < 0.8) | (np.diff(sa, prepend=-1) > 0)
add(st[hello], sa[hello], LOGIN, dev=sdev[hello], ip=sip[hello])
s = np.repeat(np.arange(sa.size), acts)
a, t = (
    sa[s],
    st[s] + R.gamma(1 + np.arange(s.size) - np.repeat(np.cumsum(acts) - acts, acts), 3 * MIN),
)
typ = R.choice([PAY, CONTENT, REVIEW, TRANSFER, SUBSCR], s.size, p=[0.47, 0.2, 0.12, 0.19, 0.02])
k = s.size
own_item = taste[a, R.integers(0, 2, k)] * 100 + in_grp(k)
item = ITEM0 + np.where(U(size=k) < 0.6, own_item, item_shuffle[item_all(k)])
tgt = np.select([typ == CONTENT, typ == REVIEW, typ == SUBSCR], [POST0 + post(k), item, mer(k)], -1)
slot = np.minimum(R.geometric(0.4, k) - 1, 5)
cp = np.select(
    [(v := U(size=k)) < 0.75, v < 0.89, v < 0.92],
    [friends[a, slot], shop[Zipf(n_shop, 0.9)(k)], R.choice(char, k)],
    R.choice(exch, k),
)
cp = np.where((typ == TRANSFER) & (cp != a) & (t > signup[cp]), cp, -1)
typ[(typ == TRANSFER) & (cp < 0)] = LOGIN
amt = np.where(cp >= 0, money(35, k, 1.1), np.where(typ == SUBSCR, 999, -1))
back = (cp >= 0) & (cp < NP) & (U(size=k) < 0.3)  # the friend sends instead
a2, cp2 = np.where(back, cp, a), np.where(back, a, cp)
add(
    t,
    a2,
    typ,
    dev=np.where(back, -1, sdev[s]),
    ip=np.where(back, -1, sip[s]),
    tgt=tgt,
    cp=cp2,
    amt=amt,
)


def send(t, a, b, amt):
    ok = (t < D) & (t >= np.maximum(signup[a], signup[b])) & (a != b)
    add(t[ok], a[ok], TRANSFER, cp=b[ok], amt=np.broadcast_to(amt, t.shape)[ok])


# a new post is looked at within hours by very many
k = int(0.05 * N * D)
born, w = U(-2, D, N_POST), np.cumsum(rate)
pk, a = post(k), np.searchsorted(w, U(0, w[-1], k))
t = born[pk] + R.exponential(0.8, k)
ok = (t > signup[a]) & (t < D) & (U(size=k) < HOURS[(t % 1 * 24).astype(int)])
add(t[ok], a[ok], CONTENT, tgt=POST0 + pk[ok])
# the bill: friends pay back the one who paid, the same evening or the next day
k = int(0.0008 * N * D)
host, t = R.integers(0, NP, k), rt(0, D, k)
for j in range(6):
    send(
        t + R.exponential(0.25, k),
        np.where(U(size=k) < 0.6, friends[host, j], host),
        host,
        money(18, k, 0.4),
    )
# rent on the 1st to 3rd, flat mates pay their share before; salaries on the 25th to 28th or on Fridays; organisations pay on
rents, day_r = (U(size=H) < 0.35) & (hh_head < NP), R.integers(1, 4, H)
lord, rent = land[Zipf(n_land, 0.6)(H)], money(800, H, 0.3)
shares = rents & multi & (U(size=H) < 0.4)
payday = np.where(U(size=n_emp) < 0.2, 0, R.integers(25, 29, n_emp))
worker = np.nonzero((office >= 0) & (U(size=N) < 0.6))[0]
boss_of, wage = office_emp[office[worker]], money(2200, worker.size, 0.35)
for d in range(int(D)):
    day = DAY0 + dt.timedelta(days=d)
    h = np.nonzero(rents & (day_r == day.day))[0]
    send(rt(d, d + 1, h.size), hh_head[h], lord[h], rent[h])
    h = np.nonzero(shares & (day_r == (day + dt.timedelta(days=2)).day))[0]
    m = np.nonzero(np.isin(hh, h) & (np.arange(N) != hh_head[hh]))[0]
    send(rt(d, d + 2, m.size), m, hh_head[hh[m]], rent[hh[m]] // hh_size[hh[m]])
    due = (payday == day.day) | ((payday == 0) & (day.weekday() == 4))
    on = due[boss_of - emp[0]]
    run = rt(d + 7 * HOUR, d + 16 * HOUR, n_emp)
    send(
        run[boss_of - emp[0]][on] + U(0, 1, on.sum()) * HOUR,
        boss_of[on],
        worker[on],
        np.where(payday[boss_of - emp[0]] == 0, wage // 4, wage)[on],
    )
org = np.repeat(np.concatenate([shop, char, land]), int(D // 3) + 1)
send(
    rt(0, D, org.size), org, R.choice(np.concatenate([shop, emp]), org.size), money(1500, org.size)
)
k = int(0.004 * N * D)
send(rt(0, D, k), R.choice(exch, k), R.integers(0, NP, k), money(200, k, 1.1))
# ---------------------------------------------------------------- writing
C = {c: np.concatenate([x[c] for x in chunks]) for c in COLS}
ms = int(DAY0.timestamp() * 1000) + (C["t"] * 86400000).astype(np.int64)
order = np.argsort(ms, kind="stable")
order = order[(C["t"][order] >= 0) & (C["t"][order] < D)]


def tokens(n, prefix, digits):
    """n different random names: nothing in a name tells how it came to be."""
    got = np.zeros(0, np.int64)
    while got.size < n:
        got = np.unique(np.concatenate([got, R.integers(0, 16**digits, int(n * 1.1) + 10)]))
    return [f"{prefix}{x:0{digits}x}" for x in R.permutation(got)[:n]]


acc, dev_s, ins_s = (
    tokens(N, "u", 8),
    tokens(counts["dev"], "d-", 12),
    tokens(counts["ins"], "card_", 10),
)
OCT = np.array(
    [
        24,
        31,
        46,
        62,
        73,
        77,
        78,
        79,
        80,
        82,
        84,
        85,
        86,
        87,
        88,
        89,
        90,
        91,
        92,
        93,
        94,
        95,
        109,
        176,
        178,
        188,
        212,
        213,
        217,
    ]
)
got = np.zeros(0, np.int64)
while got.size < counts["ip"]:
    k = int(counts["ip"] * 1.1) + 10
    got = np.unique(
        np.concatenate(
            [
                got,
                R.choice(OCT, k) << 24
                | R.integers(0, 256, k) << 16
                | R.integers(0, 256, k) << 8
                | R.integers(1, 255, k),
            ]
        )
    )
ip_s = [
    f"{x >> 24}.{x >> 16 & 255}.{x >> 8 & 255}.{x & 255}"
    for x in R.permutation(got)[: counts["ip"]].tolist()
]
STREETS = [
    "Mill Lane",
    "Station Road",
    "Church Street",
    "High Street",
    "Oak Avenue",
    "Park Road",
    "Kings Road",
    "Garden Street",
    "Harbour Way",
    "Elm Close",
]
CITIES = ["Leeds", "Bristol", "Gent", "Graz", "Porto", "Lyon", "Malmo", "Turin", "Brno", "Cork"]
NAMES = [
    "anna",
    "ben",
    "carla",
    "david",
    "eva",
    "finn",
    "greta",
    "hugo",
    "ida",
    "jonas",
    "kira",
    "leo",
    "mia",
    "noah",
    "olga",
    "paul",
    "rosa",
    "sam",
    "tara",
    "uwe",
]
houses = R.choice(60000 * 10, counts["addr"], replace=False).tolist()
addr_s = [
    f"{1 + x % 150} {STREETS[x // 150 % 10]}, {10000 + x // 1500 * 7} {CITIES[x // 1500 % 10]}"
    for x in houses
]
mails = [
    f"{NAMES[x % 20]}.{acc[i][1:6]}{x}@{('gmail.com', 'outlook.com', 'gmx.net', 'yahoo.com')[x % 4]}"
    for i, x in enumerate(R.integers(0, 10000, N).tolist())
]
phones = [f"+49151{x}" for x in R.choice(80000000, N, replace=False) + 10000000]
tgt_s = tokens(N_MER, "m-", 6) + tokens(N_GRP * 100, "item-", 8) + tokens(N_POST, "post-", 8)
eid = tokens(order.size, "", 10)
flag = U(size=order.size)
cols = [ms[order].tolist()] + [C[c][order].tolist() for c in COLS[1:]]
with open(A.out, "w") as f:
    for i, (when, a, y, d, ip, ins, tgt, cp, amt, addr) in enumerate(zip(*cols, strict=False)):
        e = {
            "event_id": eid[i],
            "type": TYPES[y],
            "account_id": acc[a],
            "occurred_at": when,
            "device_id": dev_s[d],
            "ip": ip_s[ip],
        }
        if ins >= 0:
            e["payment_instrument"] = {"id": ins_s[ins], "kind": "card"}
        for name, there, table, x in (
            ("email", y == SIGNUP or (y == LOGIN and flag[i] < 0.05), mails, a),
            ("phone", y == SIGNUP or (y == LOGIN and flag[i] > 0.97), phones, a),
            ("address", addr >= 0, addr_s, addr),
            ("target_id", tgt >= 0, tgt_s, tgt),
            ("counterparty_account_id", cp >= 0, acc, cp),
        ):
            if there:
                e[name] = table[x]
        if amt >= 0:
            e["amount"], e["currency"] = f"{amt // 100}.{amt % 100:02d}", "EUR"
        e["outcome"] = "success"
        f.write(json.dumps(e, separators=(",", ":")) + "\n")
with open(A.truth, "w", newline="") as f:
    out = csv.writer(f)
    out.writerow(["account_id", "label", "ring_id"])
    out.writerows(sorted([acc[a], int(a in label), label.get(a, "")] for a in range(N)))
