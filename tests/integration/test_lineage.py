"""Rings that last: what became of them, and what investigators say of them, through real Neo4j."""

import io
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.world import World
from detection import pipeline
from detection.pipeline import Run, detect
from detection.settings import DetectionSettings
from graph.dispositions import Conclusion, Verdict, dispose_ring, read_dispositions
from graph.errors import InputError, StoreAwayError
from graph.model import Ring, RingStatus
from graph.store import GraphStore
from graph.views import get_ring
from ingest.dead_letters import DeadLetterFile
from ingest.files import FileSource
from ingest.pipeline import ingest
from tests.conftest import CommandLine
from tests.events import as_lines, event
from tests.events import ring as ring_events

SETTINGS = DetectionSettings()


class Scene:
    """Accounts of one test, and the runs over them."""

    def __init__(self, world: World, store: GraphStore, prefix: str, folder: Path) -> None:
        self.world, self.store, self.prefix, self.folder = world, store, prefix, folder
        self.number = 0
        self.run: Run | None = None

    def name(self, letter: str) -> str:
        return f"{self.prefix}{letter}"

    def play(self, *uses: str, full: bool = False) -> list[Ring]:
        """`device:accounts`, a letter or a number each; then a run: the rings it looked at."""
        events: list[dict[str, Any]] = []
        for use in uses:
            device, _, accounts = use.partition(":")
            for letter in accounts.split(",") if "," in accounts else accounts:
                self.number += 1
                key = f"{self.prefix}{device}"
                events.append(event(self.name(letter), self.number, device_id=key))
        if events:
            self.write(events)
        return self.detect(full=full)

    def write(self, events: list[dict[str, Any]]) -> None:
        letters = DeadLetterFile(self.folder / "dead.jsonl")
        values = as_lines(events).splitlines()
        with self.world.writer(self.store, letters) as writer:
            source = FileSource(values, self.world.ingest.batch_size, writer.hold, io.BytesIO())
            ingest(source, writer, threading.Event(), self.world.ingest.checkpoint_seconds)

    def detect(self, full: bool = False) -> list[Ring]:
        self.run = detect(self.store, SETTINGS, full=full)
        rings = self.run.rings if self.run else []
        return [ring for ring in rings if ring.account_ids[0].startswith(self.prefix)]

    def letters(self, ring: Ring) -> str:
        return "".join(account_id.removeprefix(self.prefix) for account_id in ring.account_ids)

    def told(self, *ring_ids: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
        """What the last run did to these: kind, who joined, who left, other rings."""
        changes = self.run.changes if self.run else []
        return [
            (c.kind.value, self._short(c.joined), self._short(c.left), c.others)
            for c in changes
            if c.ring_id in ring_ids
        ]

    def _short(self, account_ids: tuple[str, ...]) -> str:
        return "".join(account_id.removeprefix(self.prefix) for account_id in account_ids)

    def confirm(self, ring: Ring, *excluded: str) -> None:
        ids = tuple(self.name(letter) for letter in excluded)
        verdict = Verdict(Conclusion.CONFIRMED, "seen", ids)
        dispose_ring(self.store, ring.ring_id, verdict, 1)

    def say(self, ring: Ring, conclusion: Conclusion) -> None:
        dispose_ring(self.store, ring.ring_id, Verdict(conclusion, "seen"), 1)


@pytest.fixture
def scene(world: World, store: GraphStore, prefix: str, tmp_path: Path) -> Scene:
    return Scene(world, store, prefix, tmp_path)


def get(client: httpx.Client, path: str, **params: Any) -> Any:
    answer = client.get(f"/api/v1{path}", params=params, follow_redirects=False)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_ring_is_born_grows_lapses_and_says_so(scene: Scene, client: httpx.Client) -> None:
    (ring,) = scene.play("d:abcd")
    ring_id = ring.ring_id
    assert scene.told(ring_id) == [("born", "abcd", "", ())]
    first = get(client, f"/rings/{ring_id}/changes")
    assert [c["kind"] for c in first["changes"]] == ["born"]
    assert first["net"]["joined"] == [scene.name(letter) for letter in "abcd"]
    assert (first["net"]["score_before"], first["net"]["score_after"]) == (None, ring.risk_score)
    looked = first["as_of"]["run_id"]

    (grown,) = scene.play("d:ef")
    assert scene.told(ring_id) == [("grew", "ef", "", ())]
    assert scene.detect() == []
    assert scene.run is None
    since = get(client, f"/rings/{ring_id}/changes", since=looked)
    assert [c["kind"] for c in since["changes"]] == ["grew"]
    assert since["net"] == {
        "joined": [scene.name(letter) for letter in "ef"],
        "left": [],
        "score_before": ring.risk_score,
        "score_after": grown.risk_score,
        "level_before": ring.risk_level,
        "level_after": grown.risk_level,
        "absorbed": [],
        "split_into": [],
    }
    nothing = get(client, f"/rings/{ring_id}/changes", since=since["as_of"]["run_id"])
    assert (nothing["changes"], nothing["net"]["joined"]) == ([], [])
    assert nothing["net"]["score_before"] == nothing["net"]["score_after"] == grown.risk_score

    scene.play("d:" + ",".join(str(n) for n in range(60)))
    assert scene.told(ring_id) == [("lapsed", "", "abcdef", ())]
    page = get(client, f"/rings/{ring_id}/changes", limit=2)
    assert [c["kind"] for c in page["changes"]] == ["born", "grew"]
    assert (page["net"]["joined"], page["net"]["score_after"]) == ([], None)
    rest = get(client, f"/rings/{ring_id}/changes", limit=2, cursor=page["next_cursor"])
    assert [c["kind"] for c in rest["changes"]] == ["lapsed"]
    assert (rest["net"], rest["next_cursor"]) == (None, None)
    told = page["changes"] + rest["changes"]
    # other tests may have brought the time of the graph on: then all have the same
    late = get(client, f"/rings/{ring_id}/changes", since=told[1]["at"])
    assert late["changes"] == [c for c in told if c["at"] >= told[1]["at"]]


def test_who_leaves_shrinks_a_ring(scene: Scene) -> None:
    (ring,) = scene.play("d:abcd", "e:abcd", "f:abx")
    assert scene.letters(ring) == "abcdx"
    # the only thing that x shares turns into a kiosk
    (shrunk,) = scene.play("f:" + ",".join(str(n) for n in range(60)))
    assert (shrunk.ring_id, scene.letters(shrunk)) == (ring.ring_id, "abcd")
    assert scene.told(ring.ring_id) == [("shrank", "", "x", ())]


def test_a_split_names_parent_and_child(scene: Scene, client: httpx.Client) -> None:
    (ring,) = scene.play("d:abcdefgh", "l:abcde", "r:fgh")
    rings = scene.play("d:" + ",".join(str(n) for n in range(60)))
    (child,) = [each for each in rings if each.ring_id != ring.ring_id]
    assert sorted(scene.letters(each) for each in rings) == ["abcde", "fgh"]
    assert scene.letters(child) == "fgh"
    assert scene.told(ring.ring_id) == [("split", "", "fgh", (child.ring_id,))]
    assert scene.told(child.ring_id) == [("born", "fgh", "", (ring.ring_id,))]
    of_parent = get(client, f"/rings/{ring.ring_id}/lineage")
    (found,) = of_parent["children"]
    assert (found["ring_id"], found["status"], found["size"]) == (child.ring_id, "open", 3)
    assert (found["risk_score"], found["distance"]) == (child.risk_score, 1)
    assert (of_parent["parents"], of_parent["is_cut"]) == ([], False)
    (found,) = get(client, f"/rings/{child.ring_id}/lineage")["parents"]
    assert (found["ring_id"], found["via"]) == (ring.ring_id, [child.ring_id])
    net = get(client, f"/rings/{ring.ring_id}/changes", since=scene_run(client, ring, -1))["net"]
    assert net["split_into"] == [child.ring_id]


def scene_run(client: httpx.Client, ring: Ring, back: int) -> str:
    """The run before the last change of a ring."""
    changes = get(client, f"/rings/{ring.ring_id}/changes")["changes"]
    number = int(changes[back]["run_id"].removeprefix("run-")) - 1
    return f"run-{number:08d}"


def test_mergers_one_after_the_other_lead_to_the_last_ring(
    scene: Scene, client: httpx.Client
) -> None:
    one, two, three = scene.play("p:abc", "q:defgh", "r:ijklmnopqrst")
    assert [scene.letters(each) for each in sorted((one, two, three), key=scene.letters)] == [
        "abc",
        "defgh",
        "ijklmnopqrst",
    ]
    a, b, c = sorted((one, two, three), key=scene.letters)
    (joined,) = scene.play("pq:abcdefgh")
    assert joined.ring_id == b.ring_id
    assert scene.told(b.ring_id) == [("absorbed", "abc", "", (a.ring_id,))]
    assert scene.told(a.ring_id) == [("merged", "", "abc", (b.ring_id,))]
    (last,) = scene.play("qr:abcdefghijklmnopqrst")
    assert last.ring_id == c.ring_id
    for path in ("", "/score", "/graph", "/changes", "/lineage", "/dispositions"):
        for gone in (a, b):
            url = f"/api/v1/rings/{gone.ring_id}{path}?limit=7"
            answer = client.get(url, follow_redirects=False)
            assert answer.status_code == 308, path
            assert answer.headers["location"] == f"/api/v1/rings/{c.ring_id}{path}?limit=7"
    assert client.get(f"/rings/{a.ring_id}").headers["location"] == f"/rings/{c.ring_id}"
    relatives = get(client, f"/rings/{c.ring_id}/lineage")
    assert [(r["ring_id"], r["distance"], r["merged_into"]) for r in relatives["absorbed"]] == [
        (b.ring_id, 1, c.ring_id),
        (a.ring_id, 2, b.ring_id),
    ]
    cut = get(client, f"/rings/{c.ring_id}/lineage", limit=1)
    assert ([r["ring_id"] for r in cut["absorbed"]], cut["is_cut"]) == ([b.ring_id], True)
    # what is said about an old id is said about the ring that took it over
    body = {"disposition": "dismissed", "reason": "a school"}
    answer = client.post(f"/api/v1/rings/{a.ring_id}/dispositions", json=body)
    assert answer.status_code == 308
    assert client.post(answer.headers["location"], json=body).status_code == 201
    assert read_dispositions(scene.store, ring_id=c.ring_id, limit=9)[0].reason == "a school"


def test_a_confirmed_ring_keeps_its_id_in_a_merger_with_a_larger_one(
    scene: Scene, store: GraphStore
) -> None:
    small, large = sorted(scene.play("p:abc", "q:" + "defghijklmnopqrst"), key=scene.letters)
    scene.confirm(small)
    (joined,) = scene.play("pq:abcdefghijklmnopqrst")
    assert joined.ring_id == small.ring_id
    assert get_ring(store, large.ring_id)[1] == small.ring_id
    assert scene.told(small.ring_id) == [("absorbed", "defghijklmnopqrst", "", (large.ring_id,))]


def test_what_was_taken_back_counts_no_more_in_a_merger(scene: Scene) -> None:
    small, large = sorted(scene.play("p:abc", "q:" + "defghijklmnopqrst"), key=scene.letters)
    scene.confirm(small)
    scene.say(small, Conclusion.UNSURE)
    (joined,) = scene.play("pq:abcdefghijklmnopqrst")
    assert joined.ring_id == large.ring_id


def test_a_confirmed_ring_holds_after_what_it_shares_became_a_hub(
    scene: Scene, store: GraphStore, client: httpx.Client
) -> None:
    (ring,) = scene.play("d:abcdef")
    scene.confirm(ring)
    (same,) = scene.detect()
    assert (same.ring_id, same.risk_score, same.reasons) == (
        ring.ring_id,
        ring.risk_score,
        ring.reasons,
    )
    assert scene.told(ring.ring_id) == []
    (held,) = scene.play("d:" + ",".join(str(n) for n in range(60)))
    assert (held.ring_id, held.account_ids) == (ring.ring_id, ring.account_ids)
    assert held.identifiers == ()
    assert held.first_seen <= held.last_seen == ring.last_seen
    assert held.risk_score < ring.risk_score
    # read from any of its members, it is whole
    (again,) = scene.play("z:f")
    assert again == held
    assert get_ring(store, ring.ring_id)[0] == held
    before = get(client, f"/rings/{ring.ring_id}/changes")["changes"]
    (full,) = scene.detect(full=True)
    assert full == held
    assert get(client, f"/rings/{ring.ring_id}/changes")["changes"] == before
    scene.say(ring, Conclusion.DISMISSED)
    assert scene.detect() == []
    assert get_ring(store, ring.ring_id)[0].status is RingStatus.LAPSED


def test_who_is_excluded_stays_out_although_a_card_is_shared(
    scene: Scene, store: GraphStore
) -> None:
    (ring,) = scene.play("d:abcdex", "e:abcdex")
    scene.confirm(ring, "x")
    (without,) = scene.detect()
    assert (without.ring_id, scene.letters(without)) == (ring.ring_id, "abcde")
    assert scene.told(ring.ring_id) == [("shrank", "", "x", ())]
    # somebody new, of whom nothing was said, does not bring x back
    (grown,) = scene.play("d:y", "e:y", "f:xy")
    assert scene.letters(grown) == "abcdey"
    (full,) = scene.detect(full=True)
    assert full == grown
    # who confirms the ring as it is does not ask for x again
    scene.confirm(grown)
    assert [scene.letters(each) for each in scene.detect()] == ["abcdey"]
    scene.say(grown, Conclusion.UNSURE)
    assert [scene.letters(each) for each in scene.detect()] == ["abcdexy"]
    assert links(store, ring) == 0


def links(store: GraphStore, ring: Ring) -> int:
    text = "MATCH ()-[l:MUST_LINK|CANNOT_LINK]->() WHERE l.ring_id = '%s' RETURN count(l) AS n"
    return int(store.run_schema(text % ring.ring_id)[0]["n"])


def test_a_dismissed_heir_takes_back_what_was_said_of_the_ring_it_took_over(
    scene: Scene, store: GraphStore
) -> None:
    a, b = sorted(scene.play("p:abc", "q:defgh"), key=scene.letters)
    scene.confirm(a)
    scene.confirm(b)
    (joined,) = scene.play("pq:abcdefgh")
    assert joined.ring_id == b.ring_id
    assert (links(store, a), links(store, b)) == (3, 10)
    scene.say(joined, Conclusion.DISMISSED)
    assert (links(store, a), links(store, b)) == (0, 0)


def test_a_benign_identifier_links_nobody_and_is_no_reason(
    scene: Scene, store: GraphStore, client: httpx.Client
) -> None:
    (ring,) = scene.play("d:abcdef", "e:abcd")
    key = f"device:{scene.prefix}d"
    url = f"/api/v1/identifiers/{key}/dispositions"
    answer = client.post(url, json={"disposition": "benign", "reason": "the office's kiosk"})
    assert answer.status_code == 201, answer.text
    assert get(client, f"/identifiers/{key}")["benign_at"] == answer.json()["at"]
    (left,) = scene.detect()
    assert (left.ring_id, scene.letters(left)) == (ring.ring_id, "abcd")
    assert [each.key for each in left.identifiers] == [f"device:{scene.prefix}e"]
    assert not any(key in reason.evidence for reason in left.reasons)
    (full,) = scene.detect(full=True)
    assert full == left
    other = f"/api/v1/identifiers/device:{scene.prefix}e/dispositions"
    client.post(other, json={"disposition": "benign", "reason": "another"})
    assert scene.detect() == []
    assert get_ring(store, ring.ring_id)[0].status is RingStatus.LAPSED
    client.post(url, json={"disposition": "unsure", "reason": "not so sure"})
    (back,) = scene.detect()
    assert scene.letters(back) == "abcdef"
    said = get(client, f"/identifiers/{key}/dispositions")["dispositions"]
    assert [each["disposition"] for each in said] == ["unsure", "benign"]


def test_dispositions_by_rest_are_kept_and_the_last_counts(
    scene: Scene, client: httpx.Client
) -> None:
    (ring,) = scene.play("d:abcdx")
    url = f"/api/v1/rings/{ring.ring_id}/dispositions"
    confirmed = {
        "disposition": "confirmed",
        "reason": "one person",
        "excluded_account_ids": [scene.name("x")],
    }
    answer = client.post(url, json=confirmed)
    assert answer.status_code == 201, answer.text
    assert answer.json()["excluded_account_ids"] == [scene.name("x")]
    for said in ("unsure", "dismissed"):
        assert client.post(url, json={"disposition": said, "reason": "?"}).status_code == 201
    found = client.get(url).json()
    assert [each["disposition"] for each in found["dispositions"]] == [
        "dismissed",
        "unsure",
        "confirmed",
    ]
    assert found["is_cut"] is False
    assert client.get(url, params={"limit": 2}).json()["is_cut"] is True
    scene.detect()


def test_what_cannot_be_said_is_a_problem_document(scene: Scene, client: httpx.Client) -> None:
    (ring,) = scene.play("d:abc")
    good = {"disposition": "confirmed", "reason": "seen"}
    url = f"/api/v1/rings/{ring.ring_id}/dispositions"
    device = f"/api/v1/identifiers/device:{scene.prefix}d/dispositions"
    bodies: list[tuple[str, Any, int]] = [
        ("/api/v1/rings/none/dispositions", good, 404),
        ("/api/v1/identifiers/device:none/dispositions", good | {"disposition": "benign"}, 404),
        (url, good | {"disposition": "benign"}, 422),
        (device, good, 422),
        (url, {"disposition": "confirmed"}, 422),
        (url, good | {"reason": " "}, 422),
        (url, good | {"excluded": []}, 422),
        (url, good | {"excluded_account_ids": ["stranger"]}, 400),
        (url, good | {"excluded_account_ids": [scene.name(each) for each in "bc"]}, 400),
        (url, {**good, "disposition": "unsure", "excluded_account_ids": [scene.name("a")]}, 400),
    ]
    for path, body, status in bodies:
        answer = client.post(path, json=body)
        assert (answer.status_code, answer.json()["status"]) == (status, status), (path, body)
        assert answer.headers["content-type"] == "application/problem+json"
    plain = client.post(url, content=b'{"disposition": "dismissed", "reason": "x"}')
    assert plain.status_code == 415
    assert client.get(url).json()["dispositions"] == []
    for path, status in (
        ("none/changes", 404),
        ("none/lineage", 404),
        ("none/dispositions", 404),
        (f"{ring.ring_id}/changes?since=yesterday", 400),
        (f"{ring.ring_id}/changes?since=2026-01-01T00:00:00", 400),
        (f"{ring.ring_id}/changes?cursor=WzEsICJ4Il0", 400),
        (f"{ring.ring_id}/lineage?limit=0", 422),
    ):
        answer = client.get(f"/api/v1/rings/{path}")
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_command_says_it_of_the_ring_that_stands(scene: Scene, cli: CommandLine) -> None:
    a, b = sorted(scene.play("p:abc", "q:defgh"), key=scene.letters)
    (joined,) = scene.play("pq:abcdefgh")
    assert joined.ring_id == b.ring_id
    done = cli.run(
        "dispose", a.ring_id, "--as", "confirmed", "--reason", "one hand",
        "--exclude", scene.name("g"), "--exclude", scene.name("h"),
    )  # fmt: skip
    assert f"ring {a.ring_id} was taken over by {b.ring_id}" in done.stdout
    assert [scene.letters(each) for each in scene.detect()] == ["abcdef"]
    refused = cli.run("dispose", "none", "--as", "unsure", "--reason", "x", expect=1)
    assert "there is no ring 'none'" in refused.stderr
    cli.run("dispose", b.ring_id, "--as", "guilty", "--reason", "x", expect=2)


def test_a_lapsed_ring_cannot_be_confirmed(scene: Scene) -> None:
    (ring,) = scene.play("d:abc")
    scene.play("d:" + ",".join(str(n) for n in range(60)))
    with pytest.raises(InputError, match="lapsed"):
        scene.confirm(ring)
    scene.say(ring, Conclusion.DISMISSED)


def test_a_dismissed_ring_is_quiet_until_a_quarter_of_it_is_others(scene: Scene) -> None:
    events = ring_events(scene.prefix, 20)

    def grow(size: int) -> tuple[Ring, list[int]]:
        scene.write([one for one in events if int(one["account_id"][-3:]) < size])
        (found,) = scene.detect()
        assert scene.run is not None
        alerts = [each for each in scene.run.alerts if each.ring_id == found.ring_id]
        return found, [each.sequence for each in alerts]

    found, alerts = grow(12)
    assert (found.size, alerts) == (12, [1])
    scene.say(found, Conclusion.DISMISSED)
    assert grow(13)[1] == []
    grown, alerts = grow(20)
    assert (grown.ring_id, grown.size, alerts) == (found.ring_id, 20, [2])
    # dismissed again and taken back: as if nothing had been said
    scene.say(grown, Conclusion.DISMISSED)
    scene.say(grown, Conclusion.UNSURE)
    assert grow(20)[1] == []


def test_what_is_said_while_a_run_goes_on_makes_it_begin_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = sorted(scene.play("p:abc", "q:" + "defghijklmnopqrst"), key=scene.letters)
    pause = pipeline.find_communities

    def confirm_meanwhile(*arguments: Any) -> Any:
        monkeypatch.setattr(pipeline, "find_communities", pause)
        scene.confirm(small)
        return pause(*arguments)

    monkeypatch.setattr(pipeline, "find_communities", confirm_meanwhile)
    with pytest.raises(StoreAwayError, match="repeated"):
        scene.play("pq:abcdefghijklmnopqrst")
    (joined,) = scene.detect()
    assert (joined.ring_id, joined.size) == (small.ring_id, 20)
    assert get_ring(scene.store, large.ring_id)[1] == small.ring_id
