/** The right panel: why something is risky, and the facts of what is selected. */

import { byId, clean, count, el, moment, plural, short } from "./dom.js";
import { kindLook, kindName } from "./marks.js";
import { nodeUrl, ringUrl } from "./wire.js";

const fact = (name, value) =>
  value === null || value === undefined || value === "" ? [] : [el("dt", {}, name), el("dd", {}, value)];

const bdi = (text) => el("bdi", {}, clean(text));

export const levelChip = (level) => el("span", { className: `chip ${clean(level)}` }, clean(level));

const signed = (points) => (points < 0 ? `−${Math.abs(points)}` : `+${points}`);

/** A score on the line from 0 to 100, with the thresholds marked. */
function scale(score, thresholds) {
  const line = el("div", { className: thresholds.length ? "scale" : "scale even", role: "img", "aria-label": `${score} of 100` });
  for (const at of thresholds) {
    const mark = el("i", { className: "mark" }, String(at));
    mark.style.left = `${at}%`;
    line.append(mark);
  }
  const needle = el("b", { className: "needle" });
  needle.style.left = `${Math.min(100, Math.max(0, score))}%`;
  line.append(needle);
  return line;
}

function score(value, words, thresholds) {
  return el("div", { className: "score" },
    el("strong", {}, String(value)), el("span", { className: "of" }, "of 100"), words, scale(value, thresholds));
}

/** A card; pointing at it or focusing it lights some nodes on the graph. */
function litCard(ids, light, className, ...parts) {
  const on = () => light(ids);
  const off = () => light([]);
  return el("li", { className, tabIndex: 0, onmouseenter: on, onmouseleave: off, onfocus: on, onblur: off }, ...parts);
}

function reasonCard({ code, text, points, evidence = [] }, light) {
  return litCard(evidence, light, points < 0 ? "card lower" : "card",
    el("span", { className: "points" }, signed(points)),
    el("p", {}, bdi(text)),
    el("small", {}, `${clean(code)} · ${plural(evidence.length, "node")} as evidence`));
}

/** What speaks for the ring, and on how little the case rests. */
function innocence({ innocent_reading: reading, fewest_links: links = [] }, light) {
  const fewest = links.length === 1 ? "Without the links of this one it would not be high"
    : `Without the links of these ${links.length} it would not be high`;
  return reading ? [
    el("h3", {}, "If it is innocent"),
    el("ul", { className: "cards", id: "why-innocent" },
      el("li", { className: "card lower" }, el("p", {}, bdi(reading.charAt(0).toUpperCase() + reading.slice(1)))),
      ...(links.length ? [litCard(links, light, "card", el("p", {}, fewest), el("small", {}, links.map(clean).join(" · ")))] : [])),
  ] : [];
}

/** What a ring is, in one sentence. */
function sentence({ size, identifiers = [] }, palette) {
  const tally = new Map();
  for (const { kind } of identifiers) tally.set(kind, (tally.get(kind) ?? 0) + 1);
  const lower = (kind, number) => kindName(palette, kind, number).replace(/^[A-Z](?=[a-z-])/, (letter) => letter.toLowerCase());
  const shared = [...tally].map(([kind, number]) => plural(number, lower(kind, "one"), lower(kind, "many")));
  const list = new Intl.ListFormat("en").format(shared);
  return `${plural(size, "account")} ${list ? `share ${list}` : "act together"}.`;
}

/** Why a ring is risky: the points of all reasons add up to its score. */
function ringWhy(ring, { palette, light }) {
  const reasons = ring.reasons ?? [];
  const sum = reasons.reduce((total, { points }) => total + points, 0);
  return [
    el("p", { className: "lead" }, bdi(ring.summary ?? sentence(ring, palette))),
    score(ring.risk_score, levelChip(ring.risk_level), palette.thresholds),
    el("h3", {}, plural(reasons.length, "reason")),
    el("ul", { className: "cards" }, ...reasons.map((reason) => reasonCard(reason, light))),
    el("p", { className: "sum", id: "why-sum" }, "adds up to ", el("strong", {}, String(sum))),
    ...innocence(ring, light),
  ];
}

const ringLinks = (ids) =>
  el("span", { className: "links" }, ...ids.map((id) => el("a", { href: ringUrl(id), title: clean(id) }, clean(id))));

/** What is unusual about an account. */
function accountWhy(account, { palette }) {
  const flags = account.flags ?? [];
  const words = account.anomaly_reasons ?? [];
  const anomaly = account.anomaly_score ?? null;
  const rings = account.ring_ids ?? [];
  return [
    el("p", { className: "lead" }, rings.length
      ? `In ${plural(rings.length, "ring")}; the highest risk score is ${account.risk_score ?? "not known"}.`
      : "In no open ring."),
    rings.length ? ringLinks(rings) : null,
    el("h3", {}, "Anomaly"),
    anomaly === null ? el("p", { className: "note" }, "Not scored yet.")
      : score(anomaly, el("span", { className: "of" }, "high is unusual"), []),
    words.length ? el("ul", { className: "plain" }, ...words.map((text) => el("li", {}, bdi(text)))) : null,
    el("h3", {}, plural(flags.length, "flag")),
    el("ul", { className: "cards" }, ...flags.map(({ rule, at, detail }) => el("li", { className: "card" },
      el("p", {}, bdi(detail)), el("small", {}, `${clean(rule)} · ${moment(at)}`)))),
    palette ? el("dl", {}, ...fact("Events", count(account.event_count)),
      ...fact("First seen", moment(account.first_seen)), ...fact("Last seen", moment(account.last_seen))) : null,
  ];
}

export function renderWhy(page, tools) {
  const parts = page.why ? ringWhy(page.why, tools)
    : page.account ? accountWhy(page.account, tools)
      : [el("p", { className: "note" }, "Open a ring or an account to see why it stands out.")];
  byId("why").replaceChildren(...parts.filter(Boolean));
}

function expandButtons(node, { palette, hidden, expand }) {
  if (node.is_hub) {
    return [el("p", { className: "note" },
      `A hub: ${plural(node.degree, "account")} use it, too many to mean anything. It is not expanded.`)];
  }
  const kinds = Object.entries(hidden(node.id));
  const button = (label, more, wanted) => el("button", { type: "button", className: "expand", onclick: () => expand(node.id, wanted) },
    el("span", {}, label), el("b", {}, more));
  if (!kinds.length) return [el("p", { className: "note" }, "Every known neighbour is on the canvas.")];
  const all = kinds.reduce((sum, [, more]) => sum + more, 0);
  return [
    el("div", { className: "expands" },
      ...kinds.map(([kind, more]) => button(kindName(palette, kind), count(more), [kind])),
      kinds.length > 1 ? button("All kinds", count(all), []) : null),
  ];
}

function nodeDetails(node, tools) {
  const { palette, hide, collapse } = tools;
  const swatch = el("i", { className: `swatch ${kindLook(palette, node.kind).shape}` });
  swatch.style.background = kindLook(palette, node.kind).fill;
  const rings = node.ring_ids ?? [];
  return [
    el("p", { className: "kind" }, swatch, kindName(palette, node.kind, "one"), node.is_member ? " · member of this ring" : ""),
    el("h2", { className: "name" }, bdi(node.label)),
    el("h3", {}, "Expand"),
    ...expandButtons(node, tools),
    el("h3", {}, "Facts"),
    el("dl", {},
      ...fact("Id", bdi(node.id)),
      ...fact("Risk", node.risk_score == null ? null : el("span", {}, `${node.risk_score} `, levelChip(node.risk_level ?? ""))),
      ...fact("Anomaly", node.anomaly_score == null ? null : `${node.anomaly_score} of 100`),
      ...fact(node.kind === "account" ? "Neighbours" : "Accounts", count(node.degree)),
      ...fact("Events", node.event_count == null ? null : count(node.event_count)),
      ...fact("First seen", moment(node.first_seen)),
      ...fact("Last seen", moment(node.last_seen)),
      ...fact("Rings", rings.length ? ringLinks(rings) : null)),
    el("div", { className: "actions" },
      el("a", { className: "button", href: nodeUrl(node) }, "Open its page"),
      el("button", { type: "button", onclick: () => collapse(node.id) }, "Collapse"),
      el("button", { type: "button", onclick: () => hide([node.id]) }, "Hide")),
  ];
}

const VERBS = {
  USED: "used", TRANSFERRED: "transferred to", REFERRED: "referred",
  COACTED: "acted in step with", BEGAN_WITH: "began together with",
};

function linkDetails(link, { nodeOf, select }) {
  const end = (id) => el("button", { type: "button", className: "end", onclick: () => select(id) },
    bdi(short(nodeOf(id)?.label ?? id, 60)));
  const amount = link.amount_micros == null ? null
    : `${(link.amount_micros / 1e6).toLocaleString("en", { minimumFractionDigits: 2 })} ${clean(link.currency ?? "")}`;
  return [
    el("p", { className: "kind" }, "Relationship"),
    el("h2", { className: "name" }, clean(link.type)),
    el("div", { className: "ends" }, end(link.source), el("span", {}, VERBS[link.type] ?? "to"), end(link.target)),
    el("h3", {}, "Facts"),
    el("dl", {},
      ...fact("Events", count(link.event_count)),
      ...fact("Amount", amount),
      ...fact("First seen", moment(link.first_seen)),
      ...fact("Last seen", moment(link.last_seen))),
  ];
}

/** Facts of the selected node or link, or a hint. */
export function renderDetails(chosen, tools) {
  const parts = chosen?.node ? nodeDetails(chosen.node, tools)
    : chosen?.link ? linkDetails(chosen.link, tools)
      : [el("p", { className: "note" }, "Select a node or a link. Double-click a node to expand it.")];
  byId("details").replaceChildren(...parts.filter(Boolean));
}

/** Make the two tabs work by mouse and arrow keys; returns how to open one. */
export function setUpTabs() {
  const names = ["why", "details"];
  const open = (name, focus = false) => {
    for (const each of names) {
      const tab = byId(`tab-${each}`);
      tab.setAttribute("aria-selected", String(each === name));
      tab.tabIndex = each === name ? 0 : -1;
      byId(each).hidden = each !== name;
      if (focus && each === name) tab.focus();
    }
  };
  for (const name of names) {
    byId(`tab-${name}`).addEventListener("click", () => open(name));
    byId(`tab-${name}`).addEventListener("keydown", ({ key }) => {
      if (key === "ArrowLeft" || key === "ArrowRight") open(names.find((other) => other !== name), true);
    });
  }
  return open;
}
