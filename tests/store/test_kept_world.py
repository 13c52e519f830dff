"""A world that today's version left behind: it opens, says the same, and the first runs with it do nothing twice.

The world and what is expected of it were written by
BEXSYNC_KEEP_STATE=v3 pytest tests/store/test_kept_world.py -n0 -p no:randomly -k test_keep
"""

from __future__ import annotations

import json
import lzma
import os
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import dates
from bexsync.ports.contact_effects import CUSTOMER
from front_door import called
from store.kept_history import a_past, always_the_same, come_to_rest, under_way
from store.kept_world import KEPT, Both, Rows, Site, journal, opened, pack, served

_EXPECTED = "expected.json.xz"
_KEEP = KEPT.parent / os.environ.get("BEXSYNC_KEEP_STATE", "")
_CANCELLED = 19
WORLDS = ("quiet", "under-way")
COMMANDS = (
    ("invoices", "list"),
    ("links", "list"),
    ("products", "list"),
    ("errors", "list", "--all"),
    ("runs",),
    ("status",),
)
SHOWN = {
    "main": ("main-partly", "main-open", "verify-held", "send-conflict", "claim-rejected", "adopt-held"),
    "second": ("second-paid", "second-firm", "position-conflict", "issue-held", "contact-edit-rejected"),
}
# That version never looked whether a reference had been written, and left both for another `links adopt`.
FOUND_SINCE = {
    "main | claim | bexsync:main:invoice:claim-doubt-done@100": "done",
    "main | claim | bexsync:main:invoice:claim-sending-done@103": "done",
}
# That version linked a document only with the answer to the reference, and told the shop only then; it told of one
# record at a time, where now those that are told together are under way together.
LINKED_SINCE = {
    "quiet": {"adopt": "5 done, 1 held, 1 rejected"},
    "under-way": {
        "adopt": "11 done, 1 held, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "event": "172 done, 2 in_doubt, 1 planned, 6 sending",
    },
}
UNDER_WAY = ("planned", "sending", "in_doubt")

# How many effects of each kind stand in each state; only the ledger can refuse, hold and contradict.
JOURNAL = {
    "quiet": {
        "adopt": "3 done, 1 held, 1 rejected",
        "catalog": "4 done",
        "claim": "2 done, 1 rejected",
        "contact": "1 conflict, 77 done, 1 rejected",
        "contact_archive": "1 done, 1 rejected",
        "contact_edit": "2 done, 1 rejected",
        "contact_relation": "2 done, 1 rejected",
        "contact_restore": "2 done, 1 rejected",
        "draft_delete": "1 done, 1 rejected",
        "event": "109 done",
        "invoice": "1 conflict, 68 done, 1 held, 1 rejected",
        "invoice_cancel": "2 done, 1 held, 1 rejected",
        "invoice_delete": "2 done, 1 held, 1 rejected",
        "invoice_edit": "16 done, 2 held, 1 rejected",
        "issue": "23 done, 1 held, 1 rejected",
        "item": "1 conflict, 50 done, 1 rejected",
        "item_edit": "1 conflict, 2 done, 1 rejected",
        "position": "1 conflict, 24 done, 1 rejected",
        "positions_clear": "15 done, 1 rejected",
        "send": "1 conflict, 21 done, 1 held, 1 rejected",
        "stock": "2 done",
        "verify": "13 done, 1 held, 1 rejected",
    },
    "under-way": {
        "adopt": "6 done, 1 held, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "catalog": "5 done, 2 in_doubt, 1 planned, 2 sending",
        "claim": "2 done, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "contact": "1 conflict, 157 done, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "contact_archive": "1 done, 1 in_doubt, 1 planned, 1 rejected, 1 sending",
        "contact_edit": "2 done, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "contact_relation": "2 done, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "contact_restore": "2 done, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "draft_delete": "1 done, 1 in_doubt, 1 planned, 1 rejected, 1 sending",
        "event": "173 done, 2 in_doubt, 1 planned, 2 sending",
        "invoice": "1 conflict, 128 done, 1 held, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "invoice_cancel": "2 done, 1 held, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "invoice_delete": "2 done, 1 held, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "invoice_edit": "31 done, 2 held, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "issue": "35 done, 1 held, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "item": "1 conflict, 50 done, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "item_edit": "1 conflict, 2 done, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "position": "1 conflict, 34 done, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "positions_clear": "25 done, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "send": "1 conflict, 35 done, 1 held, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
        "stock": "2 done, 2 in_doubt, 1 planned, 2 sending",
        "verify": "13 done, 1 held, 2 in_doubt, 1 planned, 1 rejected, 2 sending",
    },
}


def expected() -> dict[str, Any]:
    """What the version that wrote the world says of it, and did with it."""
    return dict(json.loads(lzma.decompress((KEPT / _EXPECTED).read_bytes())))


def as_recorded(value: Any, both: Both, key: str = "") -> Any:
    """Data without what depends on the place; ids of the ledger are texts, moments those of Greenwich."""
    if isinstance(value, dict):
        return {name: as_recorded(one, both, name) for name, one in value.items()}
    if isinstance(value, list):
        return [as_recorded(one, both, key) for one in value]
    if value and key.endswith("_at"):
        return datetime.fromisoformat(value).astimezone(UTC).isoformat()
    if key.endswith("_id") and value is not None:
        return str(value)
    return value.replace(str(both.folder), "{folder}") if isinstance(value, str) else value


def said_of_orders(data: dict[str, Any]) -> Iterator[Any]:
    """Takes out what the version that wrote the world could not say, since it had no orders."""
    yield data.pop("others", None)  # a record had one link
    yield data.pop("of_orders", None)
    for name in ("orders", "blocked_orders"):
        yield data.get("waiting", {}).pop(name, None)


def figures(both: Both, site: Site) -> dict[str, Any]:
    """What the program says of a site to those who ask."""
    shown = [("links", "show", shop_id) for shop_id in SHOWN[site.name]]
    said = {}
    for command in (*COMMANDS, *shown):
        run = called(site, *command, "--json")
        assert run.returncode == 0, run.stdout
        data = json.loads(run.stdout)["data"]
        data.pop("at", None)  # when it was asked
        for run in (*data.get("runs", ()), *data.get("jobs", ())):
            state = "ended" if run["ended_at"] else "killed"
            assert run.pop("state") == state  # which that version did not say
        assert not any(said_of_orders(data))
        said[" ".join(command)] = as_recorded(data, both)
    with site.workspace() as workspace:
        store = workspace.store
        said["customers"] = sorted([customer, str(contact)] for customer, contact, _ in store.links.marks(CUSTOMER))
        keys = store.mentions.said_between("invoices push", dates.NOW, both.clock.now())
        said["mentions"] = sorted(keys)
        mails = [f"{shop_id}@example.ch" for shop_id in SHOWN[site.name]]
        said["contacts"] = {mail: [str(row.ledger_id) for row in store.contacts.by_mail(mail)] for mail in mails}
    return dict(json.loads(json.dumps(said)))


def states(rows: Rows) -> dict[str, str]:
    """The state of each effect, by its scope, kind and key."""
    return {" | ".join(name): row[0] for name, row in rows.items()}


def counted(both: Both) -> dict[str, str]:
    """How many effects of each kind stand in each state."""
    counts: dict[str, Counter[str]] = {}
    for (_, kind, _), (state, *_) in journal(both).items():
        counts.setdefault(kind, Counter())[state] += 1
    return {kind: ", ".join(f"{n} {state}" for state, n in sorted(of.items())) for kind, of in counts.items()}


def retried(both: Both) -> dict[str, str]:
    """A person lets everything be tried again; what becomes of all that was refused, held or contradicted."""
    before = {name for name, state in states(journal(both)).items() if state in ("rejected", "held", "conflict")}
    for site in both.sites:
        assert called(site, "errors", "retry", "all").returncode == 0
        site.push()
        site.sync_products()
    after = states(journal(both))
    return {name: after[name] for name in sorted(before)}


def settled(both: Both) -> dict[str, str]:
    """Everything runs until it rests; what becomes of all that was under way."""
    before = {name for name, state in states(journal(both)).items() if state in UNDER_WAY}
    come_to_rest(both)
    for site in both.sites:
        site.try_connection()
    after = states(journal(both))
    return {name: after.get(name, "forgotten") for name in sorted(before)}


@pytest.mark.skipif("BEXSYNC_KEEP_STATE" not in os.environ, reason="writes files to be kept")
def test_keep_the_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(tmp_path, monkeypatch, dates.NOW) as both:
        always_the_same(monkeypatch)
        a_past(both)
        pack(both, _KEEP / "quiet.tar.xz")
        under_way(both, monkeypatch)
        pack(both, _KEEP / "under-way.tar.xz")


@pytest.mark.skipif("BEXSYNC_KEEP_STATE" not in os.environ, reason="writes files to be kept")
def test_keep_what_is_expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, Any] = {}
    for name in WORLDS:
        with opened(name, tmp_path / name, monkeypatch, _KEEP, minutes=1) as both:
            found |= {f"{name} {site.name}": figures(both, site) for site in both.sites}
    with opened("quiet", tmp_path / "retried", monkeypatch, _KEEP, hours=1) as both:
        found["retried"] = retried(both)
    with opened("under-way", tmp_path / "settled", monkeypatch, _KEEP, days=1) as both:
        found["settled"] = settled(both)
    (_KEEP / _EXPECTED).write_bytes(lzma.compress(json.dumps(found, indent=1).encode(), preset=9))


@pytest.mark.parametrize("name", WORLDS)
def test_it_opens_and_every_effect_is_there(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(name, tmp_path, monkeypatch, minutes=1) as both:
        with both.main.workspace():
            pass
        assert counted(both) == JOURNAL[name]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_same_runs_still_come_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(tmp_path, monkeypatch, dates.NOW) as both:
        always_the_same(monkeypatch)
        a_past(both)
        assert counted(both) == {**JOURNAL["quiet"], **LINKED_SINCE["quiet"]}
        under_way(both, monkeypatch)
        assert counted(both) == {**JOURNAL["under-way"], **LINKED_SINCE["under-way"]}


@pytest.mark.parametrize("site", ["main", "second"])
@pytest.mark.parametrize("name", WORLDS)
def test_it_says_what_it_said(name: str, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(name, tmp_path, monkeypatch, minutes=1) as both:
        assert figures(both, getattr(both, site)) == expected()[f"{name} {site}"]


def told(both: Both) -> dict[str, bytes]:
    """Everything that the shops were told."""
    files = [path for site in both.sites for path in sorted((site.shop / "out").rglob("*")) if path.is_file()]
    return {str(path.relative_to(both.folder)): _as_then(path) for path in files}


def _as_then(path: Path) -> bytes:
    """A file as the version that wrote the world had it: its status list held invoices alone, without `kind`."""
    content = path.read_bytes()
    if path.name != "status.csv":
        return content
    lines = content.replace(b"(create contact ", b"(create ").splitlines(keepends=True)
    return b"".join(re.sub(rb",(kind|invoice)(?=\r?\n)", b"", line) for line in lines)


@pytest.mark.parametrize("site", ["main", "second"])
def test_where_nothing_is_under_way_the_first_runs_only_read(
    site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened("quiet", tmp_path, monkeypatch, hours=1) as both:
        before = journal(both), told(both)
        for job in getattr(both, site).jobs():
            job()
            assert (journal(both), told(both)) == before
            assert both.main.writes() == 0
        assert both.sandbox.requests


@pytest.mark.long
def test_what_was_refused_is_tried_again_when_a_person_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened("quiet", tmp_path, monkeypatch, hours=1) as both:
        assert retried(both) == expected()["retried"]


@pytest.mark.long
def test_what_is_under_way_comes_to_its_end_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened("under-way", tmp_path, monkeypatch, days=1) as both:
        assert settled(both) == {**expected()["settled"], **FOUND_SINCE}
        standing = [row for row in both.main.invoices() if row["kb_item_status_id"] != _CANCELLED]
        references = Counter(row["api_reference"] for row in standing if row["api_reference"])
        assert {name for name, count in references.items() if count > 1} == {"bexsync:main:invoice:invoice-conflict"}
        mailed = Counter(mail.invoice_id for mail in both.sandbox.mails)
        assert max(mailed.values()) == 1
        codes = Counter(row["intern_code"] for row in both.sandbox.items())
        assert {code for code, count in codes.items() if count > 1} == {"A-item-conflict"}
        for site in both.sites:
            events = {event["event_id"]: (event["event"], event.get("number")) for event in site.events()}
            assert len(set(events)) == len({(e["event_id"], e["event"], e.get("number")) for e in site.events()})
        assert not {state for state, *_ in journal(both).values()} & {"sending", "in_doubt"}
        before = journal(both), both.main.writes(), told(both)
        come_to_rest(both)
        assert (journal(both), both.main.writes(), told(both)) == before
