"""REST over the real graph, through a real server."""

import base64
from pathlib import Path

import httpx
import pytest

from detection.pipeline import detect
from detection.settings import DetectionSettings
from graph.dispositions import Conclusion, Verdict, dispose_ring
from graph.model import Ring
from graph.store import GraphStore
from graph.times import now_ms
from tests.conftest import CommandLine
from tests.events import as_lines, ring


@pytest.fixture
def found(cli: CommandLine, store: GraphStore, prefix: str, tmp_path: Path) -> Ring:
    """A ring in the graph."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(as_lines(ring(f"{prefix}a/b?", 6)))
    cli.run("replay", str(path), "--to", "graph")
    run = detect(store, DetectionSettings())
    assert run is not None
    return next(r for r in run.rings if r.account_ids[0].startswith(prefix))


def coded(text: str) -> str:
    return "~" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_health(client: httpx.Client) -> None:
    assert client.get("/api/v1/health").json() == {"status": "ok"}
    assert client.get("/api/v1/ready").json() == {"status": "ok"}


def test_rings_in_pages(client: httpx.Client, found: Ring) -> None:
    seen, cursor = [], None
    while True:
        query = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = client.get("/api/v1/rings", params=query).json()
        seen += page["rings"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    ranks = [(-r["risk_score"], r["ring_id"]) for r in seen]
    assert ranks == sorted(set(ranks))
    assert found.ring_id in [r["ring_id"] for r in seen]
    assert client.get("/api/v1/rings", params={"limit": 1000}).json()["rings"] == seen


def test_a_ring_its_score_and_its_picture(client: httpx.Client, found: Ring) -> None:
    one = client.get(f"/api/v1/rings/{found.ring_id}").json()
    score = client.get(f"/api/v1/rings/{found.ring_id}/score").json()
    assert one["account_ids"] == list(found.account_ids)
    assert score["risk_score"] == sum(r["points"] for r in one["reasons"]) == one["risk_score"]
    picture = client.get(f"/api/v1/rings/{found.ring_id}/graph").json()
    nodes = {node["id"]: node for node in picture["nodes"]}
    assert {f"account:{a}" for a in found.account_ids} <= nodes.keys()
    assert all(link["source"] in nodes and link["target"] in nodes for link in picture["links"])
    assert len({link["id"] for link in picture["links"]}) == len(picture["links"])
    assert {e for r in one["reasons"] for e in r["evidence"]} <= nodes.keys()
    cut = client.get(f"/api/v1/rings/{found.ring_id}/graph?limit=3").json()
    assert (len(cut["nodes"]), cut["is_cut"]) == (3, True)
    assert cut["total_nodes"] == picture["total_nodes"]


def test_neighbourhood_counts_what_it_hides(client: httpx.Client, found: Ring) -> None:
    account = coded(found.account_ids[0])
    assert client.get(f"/api/v1/accounts/{account}").json()["ring_ids"] == [found.ring_id]
    url = f"/api/v1/accounts/{account}/neighbourhood"
    everything = client.get(url).json()
    devices = client.get(url, params={"kinds": "device"}).json()
    assert {n["kind"] for n in devices["nodes"][1:]} == {"device"}
    assert len(everything["nodes"]) == everything["total_nodes"]
    centre = devices["nodes"][0]
    drawn = {n["kind"] for n in everything["nodes"]} - {"device"}
    assert centre["hidden"].keys() == drawn
    key = coded(next(n["id"] for n in devices["nodes"][1:]))
    around = client.get(f"/api/v1/identifiers/{key}/neighbourhood", params={"limit": 1}).json()
    assert around["is_cut"]
    assert around["nodes"][0]["hidden"] == {"account": 2}


def test_detectors_say_how_right_they_were(
    client: httpx.Client, found: Ring, store: GraphStore
) -> None:
    before = client.get("/api/v1/detectors").json()
    dispose_ring(store, found.ring_id, Verdict(Conclusion.CONFIRMED, "fraud"), now_ms())
    after = client.get("/api/v1/detectors").json()
    assert (after["live"], after["challenger"], after["rings"]) == ("tails", None, [])
    calibration = after["calibration"]
    assert (calibration["source"], calibration["is_calibrated"]) == ("simulated", False)
    assert calibration["threshold"] > 0
    counts = [sum(row["confirmed"] for row in each["precision"]) for each in (before, after)]
    # all rings, and each reason of this one
    codes = {reason.code for reason in found.reasons}
    assert counts[1] - counts[0] == 1 + len(codes)
    assert {row["reason"] for row in after["precision"]} >= codes


def test_flags_and_alerts(client: httpx.Client, found: Ring) -> None:
    page = client.get(
        "/api/v1/flagged-accounts", params={"reason": "shared_device", "limit": 1000}
    ).json()
    assert set(found.account_ids) <= {a["account_id"] for a in page["accounts"]}
    assert {f["rule"] for a in page["accounts"] for f in a["flags"]} == {"shared_device"}
    alerts = client.get("/api/v1/alerts", params={"limit": 1000}).json()["alerts"]
    if found.risk_level.rank >= 2:
        assert found.ring_id in [alert["ring_id"] for alert in alerts]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/rings/none", 404),
        ("/api/v1/accounts/none", 404),
        ("/api/v1/accounts/~!!", 400),
        ("/api/v1/accounts/none/neighbourhood", 404),
        ("/api/v1/accounts/x/neighbourhood?kinds=spoon", 400),
        ("/api/v1/identifiers/device:none/neighbourhood", 404),
        ("/api/v1/rings?cursor=e30", 400),
        ("/api/v1/rings?limit=0", 422),
        ("/api/v1/rings?since=2026-01-01T00:00:00", 400),
        ("/api/v1/flagged-accounts?reason=none", 400),
        ("/api/v1/nothing", 404),
        ("/rings/none", 404),
    ],
)
def test_errors_are_problem_documents(client: httpx.Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["detail"]


def test_another_host_name_gets_no_answer(client: httpx.Client) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400


def test_pages_carry_a_strict_policy(client: httpx.Client, found: Ring) -> None:
    account = coded(found.account_ids[0])
    for path in ("/", f"/rings/{found.ring_id}", f"/accounts/{account}"):
        answer = client.get(path)
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
