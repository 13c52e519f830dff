"""The folder shop: the contract of every shop, and what is its own."""

from __future__ import annotations

import csv
import itertools
import json
import multiprocessing
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bexsync.errors import ConfigurationProblem, TryLater
from bexsync.ports.shop import IncomingRecord, InvalidInput, SourceReport, SourceState, StatusRow
from bexsync.records import Customer, Invoice, InvoiceLine
from bexsync.shops.folder.durable import free_name, move_beside, opened_folder, tame_name
from bexsync.shops.folder.layout import Layout, Owner
from bexsync.shops.folder.shop import FolderShop
from constants import set_constant
from contract.shop import (
    Drop,
    EventContract,
    ShopContract,
    SourceContract,
    StatusListContract,
    an_event,
    an_invoice,
    handed_over,
    ids,
    taken,
    unreadable,
)

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
Tree = Callable[[], object]


def tree_of(root: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns) if path.is_file() else (b"", 0)
        for path in sorted(root.rglob("*"))
    }


def put(root: Path, name: str, content: str | bytes, *, age: float = 60.0) -> Path:
    """A file in in/ that was last written `age` seconds ago."""
    path = root / "in" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    moment = NOW.timestamp() - age
    os.utime(path, (moment, moment))
    return path


def record(shop_id: str = "R-1", **fields: Any) -> dict[str, Any]:
    return {"schema": "bexsync/1", "kind": "invoice", **an_invoice(shop_id, **fields)}


def lines(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


@pytest.fixture
def shop(root: Path) -> FolderShop:
    return FolderShop(root, now=lambda: NOW)


class TestTheFolder(ShopContract, SourceContract, EventContract, StatusListContract):
    @pytest.fixture
    def shop(self, root: Path) -> FolderShop:
        return FolderShop(root, now=lambda: NOW)

    @pytest.fixture
    def drop(self, root: Path) -> Drop:
        ages = itertools.count(1000, -1)

        def put_envelope(*records: Mapping[str, Any], kind: str = "invoice") -> None:
            age = next(ages)
            envelope = {"schema": "bexsync/1", "kind": kind, "records": records}
            put(root, f"drop-{2000 - age}.json", json.dumps(envelope), age=age)

        return put_envelope

    @pytest.fixture
    def traces(self, root: Path) -> Tree:
        return lambda: tree_of(root)

    @pytest.fixture
    def delivered(self, root: Path) -> Callable[[], list[Mapping[str, Any]]]:
        def read() -> list[Mapping[str, Any]]:
            files = sorted((root / "out").glob("events-*.ndjson"))
            return [json.loads(line) for file in files for line in file.read_text().splitlines()]

        return read

    @pytest.fixture
    def published(self, root: Path) -> Callable[[], list[Mapping[str, str]]]:
        def read() -> list[Mapping[str, str]]:
            with (root / "out" / "status.csv").open(newline="") as stream:
                return list(csv.DictReader(stream))

        return read


# ---- forms of a file


@pytest.mark.parametrize(
    ("name", "content", "places"),
    [
        ("one.json", json.dumps(record()), ["record 1"]),
        ("array.json", json.dumps([record("R-1"), record("R-2")]), ["record 1", "record 2"]),
        (
            "envelope.json",
            json.dumps({"schema": "bexsync/1", "kind": "invoice", "records": [an_invoice("R-1"), an_invoice("R-2")]}),
            ["record 1", "record 2"],
        ),
        (
            "half.json",
            json.dumps({"schema": "bexsync/1", "records": [{**an_invoice(), "kind": "invoice"}]}),
            ["record 1"],
        ),
        ("twice.json", json.dumps({"schema": "bexsync/1", "kind": "invoice", "records": [record()]}), ["record 1"]),
        ("lines.ndjson", lines(record("R-1"), record("R-2")), ["line 1", "line 2"]),
        ("blank.ndjson", "\n" + lines(record("R-1")) + "  \r\n" + lines(record("R-2")), ["line 2", "line 4"]),
        ("last.jsonl", lines(record("R-1")) + json.dumps(record("R-2")), ["line 1", "line 2"]),
        ("SHOUT.JSON", json.dumps(record()), ["record 1"]),
        ("mark.json", b"\xef\xbb\xbf" + json.dumps(record()).encode(), ["record 1"]),
        ("mark.ndjson", b"\xef\xbb\xbf" + lines(record("R-1"), record("R-2")).encode(), ["line 1", "line 2"]),
        ("crlf.ndjson", lines(record("R-1"), record("R-2")).replace("\n", "\r\n"), ["line 1", "line 2"]),
        ("same.ndjson", lines(record("R-1"), record("R-1", total="108.1")), ["line 1"]),
    ],
)
def test_forms_of_a_file(shop: FolderShop, root: Path, name: str, content: str | bytes, places: list[str]) -> None:
    put(root, name, content)
    found = list(handed_over(shop, claim=True))
    assert [type(f) for f in found] == [IncomingRecord] * len(places)
    assert [f.location for f in found] == places
    assert {f.source for f in found} == {name}
    assert names(root / "work") == [name]
    assert names(root / "in") == []


def test_numbers_are_read_exactly(shop: FolderShop, root: Path) -> None:
    put(root, "a.json", json.dumps(record()).replace('"108.10"', "108.1000000000000000000"))
    [intake] = taken(shop)
    assert isinstance(intake.record, Invoice)
    assert intake.record.total == Decimal("108.1")


def test_a_customer_in_an_envelope_keeps_its_kind(shop: FolderShop, root: Path) -> None:
    customer = {"shop_id": "K-1", "kind": "person", "company_name": "Atelier Blanc"}
    put(root, "a.json", json.dumps({"schema": "bexsync/1", "kind": "customer", "records": [customer]}))
    [intake] = taken(shop)
    assert isinstance(intake.record, Customer)
    assert not intake.record.is_company


# ---- sentences about bad files: (name, content, [(location, message)])

NO_OBJECT = "where a record, that is an object with fields, belongs"
TWICE = "occurs twice in one object, so nobody can say which one counts"
BROKEN = '{"schema": "bexsync/1", "kind": '
BAD_FILES: list[tuple[str, str | bytes, list[tuple[str, str]]]] = [
    ("a.json", "", [("", "is empty")]),
    ("a.ndjson", "\n \n", [("", "is empty")]),
    ("a.ndjson", b"\xef\xbb\xbf", [("", "is empty")]),
    ("a.json", "[]", [("", "holds no records")]),
    ("a.json", '{"schema": "bexsync/1", "kind": "invoice", "records": []}', [("", "holds no records")]),
    ("a.json", BROKEN, [("", "is not valid JSON: Expecting value in line 1, column 33")]),
    ("a.json", "null", [("", f"holds no record: record 1 is null {NO_OBJECT}")]),
    ("a.json", "[1, 2]", [("", f"holds no record: record 1 is a number {NO_OBJECT} (and 1 more like it)")]),
    ("a.json", lines(record("R-1"), record("R-2")), [("", "is not valid JSON: Extra data in line 2, column 1")]),
    ("a.json", json.dumps(record()).encode("utf-16"), [("", "is UTF-16, and bexsync reads UTF-8")]),
    ("a.ndjson", lines(record()).encode("utf-16"), [("", "is UTF-16, and bexsync reads UTF-8")]),
    ("a.json", '{\n"title": "Bänke"}'.encode("cp1252"), [("", "is not UTF-8 (byte 0xE4 in line 2)")]),
    (
        "a.ndjson",
        b"\x00\xff\n" * 5000,
        [("", "holds no record: line 1 is not UTF-8 (byte 2 is 0xFF) (and 4999 more like it)")],
    ),
    ("a.ndjson", BROKEN, [("", "holds no record: line 1 is not valid JSON: Expecting value, column 33")]),
    ("a.json", "[" * 100_000, [("", "is not valid JSON: nested too deeply")]),
    ("a.ndjson", "[" * 100_000 + "\n", [("", "holds no record: line 1 is not valid JSON: nested too deeply")]),
    ("a.json", '{"records": 7}', [("", "has a number in the field `records`, where a list belongs")]),
    ("a.json", '{"records": [], "records": []}', [("", "has the field `records` twice beside or as `records`")]),
    ("a.json", '{"kind": NaN, "records": []}', [("", "field `kind` is NaN, which is no number")]),
    (
        "a.json",
        '{"currency": "CHF", "records": []}',
        [("", "has the field `currency` beside `records`, where only `schema` and `kind` may stand")],
    ),
    ("a.json", json.dumps(an_invoice()), [("record 1", "field `schema` is missing")]),
    ("a.json", '{"title": "x"}', [("", "holds no record: record 1 says: field `schema` is missing")]),
    ("a.json", json.dumps({"schema": "bexsync/1", **an_invoice()}), [("record 1", "field `kind` is missing")]),
    (
        "a.json",
        json.dumps({**record(), "schema": "bexsync/2"}),
        [("record 1", 'field `schema` must be "bexsync/1", it says "bexsync/2"')],
    ),
    (
        "a.json",
        json.dumps({**record(), "kind": "quote"}),
        [
            (
                "record 1",
                'field `kind` must be "invoice", "order" or "customer", it says "quote"',
            )
        ],
    ),
    (
        "a.json",
        json.dumps({**record(), "kind": ["invoice"]}),
        [
            (
                "record 1",
                'field `kind` must be "invoice", "order" or "customer", it says a list',
            )
        ],
    ),
    (
        "a.json",
        json.dumps({"schema": "bexsync/1", "kind": "customer", "records": [record()]}),
        [("record 1", 'field `kind` says "invoice" in an envelope of kind "customer"')],
    ),
    (
        "a.json",
        '{"schema": "bexsync/1", "kind": "customer", "email": "anna@example.ch"}',
        [("record 1", "field `shop_id` is missing")],
    ),
    (
        "a.ndjson",
        lines(record("R-1"), record("R-2")) + BROKEN + "\n" + lines(record("R-3")),
        [("line 3", "is not valid JSON: Expecting value, column 33")],
    ),
    (
        "a.ndjson",
        lines(record("R-1")).encode() + b'{"title": "\xe4"}\n',
        [("line 2", "is not UTF-8 (byte 12 is 0xE4)")],
    ),
    ("a.ndjson", lines(record("R-1")) + BROKEN, [("line 2", "is not valid JSON: Expecting value, column 33")]),
    ("a.json", json.dumps([record("R-1"), 7]), [("record 2", f"is a number {NO_OBJECT}")]),
    (
        "a.json",
        json.dumps([record("R-1"), record("R-2", total=float("nan"))]),
        [("record 2", "field `total` is NaN, which is no number")],
    ),
    (
        "a.json",
        json.dumps([record("R-1"), record("R-2", total=float("-inf"))]),
        [("record 2", "field `total` is -Infinity, which is no number")],
    ),
    (
        "a.json",
        json.dumps(record()).replace('"50.00"', "1e99999999999999999999"),
        [("record 1", "field `lines[1].unit_price` is a number out of all bounds")],
    ),
    (
        "a.json",
        json.dumps(record()).replace('"50.00"', "7" * 5000),
        [("record 1", "field `lines[1].unit_price` is a number of 5000 digits")],
    ),
    (
        "a.json",
        json.dumps(record()).replace('"quantity"', '"unit_price": 1, "quantity"'),
        [("record 1", f"field `lines[1].unit_price` {TWICE}")],
    ),
    ("a.json", '{"shop_id": "R-9", ' + json.dumps(record())[1:], [("record 1", f"field `shop_id` {TWICE}")]),
    (
        "a.json",
        json.dumps([record("R-1"), record("R-2", metadata={"a": json.loads("[" * 40 + "]" * 40)})]),
        [("record 2", f"field `metadata.a{'[1]' * 31}` is nested deeper than 32 levels")],
    ),
    (
        "a.json",
        json.dumps(record(lines=[{}, {"unit_price": "50.-"}])),
        [("record 1", 'field `lines[2].unit_price` must be a number like 1234.50, it says "50.-"')],
    ),
    (
        "a.json",
        json.dumps(record(title="\ud800")),
        [("record 1", "field `title` holds half a character (a lone surrogate)")],
    ),
    (
        "a.ndjson",
        lines(*[record(f"R-{n}") for n in range(8)], record("R-2", title="x")),
        [("line 9", 'invoice "R-2" occurs twice, lines 3 and 9, with different content')],
    ),
    (
        "a.json",
        json.dumps([record("R-1"), record("R-1", title="x"), record("R-1")]),
        [("record 2", 'invoice "R-1" occurs twice, records 1 and 2, with different content')],
    ),
    (
        "a.json",
        json.dumps([record("R-1", total="viel"), record("R-1")]),
        [
            ("record 1", 'field `total` must be a number like 1234.50, it says "viel"'),
            ("record 2", 'invoice "R-1" occurs twice, records 1 and 2, with different content'),
        ],
    ),
]


@pytest.mark.parametrize(("name", "content", "expected"), BAD_FILES)
def test_bad_files(
    shop: FolderShop, root: Path, name: str, content: str | bytes, expected: list[tuple[str, str]]
) -> None:
    put(root, name, content, age=3600)
    complaints = unreadable(shop)
    assert [(c.location, c.message) for c in complaints] == expected
    assert all(c.hint and c.source == name for c in complaints)
    assert names(root / "work") == [name]


def test_a_complaint_knows_whom_it_is_about(shop: FolderShop, root: Path) -> None:
    put(root, "a.json", json.dumps([record("R-1"), {**record(), "kind": "quote", "shop_id": 7}]))
    [complaint] = unreadable(shop)
    assert (complaint.kind, complaint.shop_id) == ("", "7")


def test_the_good_neighbours_of_bad_records_are_handed_over(shop: FolderShop, root: Path) -> None:
    content = lines(record("R-1")) + "{\n" + lines(record("R-2", total=True), record("R-3"))
    put(root, "a.ndjson", content)
    assert ids(taken(shop)) == ["R-1", "R-3"]


def test_too_large_a_file_is_one_sentence(shop: FolderShop, root: Path) -> None:
    path = put(root, "a.ndjson", lines(record()))
    os.truncate(path, 60 * 1024 * 1024 + 1)
    os.utime(path, (0, 0))
    [complaint] = handed_over(shop, claim=True)
    assert isinstance(complaint, InvalidInput)
    assert complaint.message == "is 61 MB large, and bexsync reads files up to 50 MB"


def test_ten_megabytes_of_garbage_are_one_sentence(shop: FolderShop, root: Path) -> None:
    put(root, "a.ndjson", b"garbage " * 250 * 5000 + b"\n" + b"x\n" * 9000, age=3600)
    put(root, "b.json", b"garbage\n" * 1_250_000, age=3600)
    assert len(list(handed_over(shop, claim=True))) == 2


def test_endless_complaints_end_in_a_count(shop: FolderShop, root: Path) -> None:
    put(root, "a.ndjson", "x\n" * 500 + lines(record()) + "y\n" * 500)
    complaints = unreadable(shop)
    assert len(complaints) == 101
    assert complaints[-1].message == "holds 900 more pieces like these"
    assert ids(taken(shop)) == ["R-1"]


# ---- what is finished


@pytest.mark.parametrize(
    ("name", "content", "age", "is_taken"),
    [
        ("a.json", json.dumps(record()), 5.0, True),
        ("a.json", json.dumps(record()), 4.9, False),
        ("a.json", json.dumps(record()), -4.0, False),
        ("a.json", json.dumps(record()), -86_400.0, True),
        ("a.json", json.dumps(record())[:-9], 10.0, False),
        ("a.json", json.dumps(record())[:-9], 60.0, True),
        ("a.ndjson", lines(record()), 10.0, True),
        ("a.ndjson", lines(record()) + json.dumps(record("R-2")), 10.0, True),
        ("a.ndjson", lines(record()) + json.dumps(record("R-2"))[:-9], 10.0, False),
        ("a.ndjson", lines(record()) + json.dumps(record("R-2"))[:-9], 60.0, True),
        ("a.json.tmp", json.dumps(record()), 60.0, False),
        ("a.json.part", json.dumps(record()), 60.0, False),
        ("a.json~", json.dumps(record()), 60.0, False),
        (".a.json", json.dumps(record()), 60.0, False),
        ("a.csv", "number;total\n", 10.0, True),
        ("a.tsv", "number\ttotal\n", 10.0, True),
        ("a.csv", "number;total\nR-1;108.1", 10.0, False),
        ("a.csv", "number;total\nR-1;108.1", 60.0, True),
        ("a.csv", 'number;total\n"R-1\n', 10.0, False),
        ("a.csv", 'number;total\n"R-1\n', 60.0, True),
        ("a.csv", "number\n".encode("utf-16-le").decode(), 10.0, True),
        ("a.xlsx", "number;total\n", 10.0, False),
        ("a.xlsx", "number;total\n", 60.0, True),
        ("a.ods", "number;total\n", 60.0, False),
    ],
)  # fmt: skip
def test_half_written_files_are_left_alone(
    shop: FolderShop, root: Path, name: str, content: str, age: float, is_taken: bool
) -> None:
    put(root, name, content, age=age)
    found = list(handed_over(shop, claim=True))
    assert bool(found) is is_taken
    assert names(root / "in") == ([] if is_taken else [name])


def test_oldest_first_then_by_name(shop: FolderShop, root: Path) -> None:
    for name, age in (("c.json", 60), ("b.json", 60), ("a.json", 30), ("d.json", 90)):
        put(root, name, json.dumps(record(name)), age=age)
    assert ids(taken(shop)) == ["d.json", "b.json", "c.json", "a.json"]


def test_folders_links_and_pipes_are_ignored(shop: FolderShop, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.json"
    outside.write_text(json.dumps(record("R-9")))
    for folder in ("in", "work"):
        (root / folder).mkdir()
        (root / folder / "link.json").symlink_to(outside)
        (root / folder / "folder.json").mkdir()
        os.mkfifo(root / folder / "pipe.json")
    assert list(handed_over(shop, claim=True)) == []
    assert outside.exists()


def test_a_file_that_vanishes_before_its_turn_is_not_there(
    shop: FolderShop, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_constant(monkeypatch, "bexsync.shops.folder.shop._BATCH", 1)
    put(root, "a.json", json.dumps(record("R-1")), age=90)
    vanishing = put(root, "b.json", json.dumps(record("R-2")))
    found = handed_over(shop, claim=True)
    next(found)
    vanishing.unlink()
    assert list(found) == []


def test_claiming_never_overwrites(shop: FolderShop, root: Path) -> None:
    for shop_id in ("R-1", "R-2", "R-3"):
        put(root, "a.json", json.dumps(record(shop_id)))
        taken(shop)
    assert names(root / "work") == ["a-2.json", "a-3.json", "a.json"]
    assert sorted((i.source, ids([i])[0]) for i in taken(shop)) == [
        ("a-2.json", "R-2"),
        ("a-3.json", "R-3"),
        ("a.json", "R-1"),
    ]


@pytest.mark.parametrize(
    ("name", "tame"),
    [
        ("a.json", "a.json"),
        ("Rechnungen für März.json", "Rechnungen für März.json"),
        ("a\x1b[2J\n.json", "a_[2J_.json"),
        (os.fsdecode(b"f\xfcr.json"), "f�r.json"),
        ("é" * 120 + ".json", "é" * 97 + ".json"),
    ],
)
def test_names_are_tamed_when_claimed(shop: FolderShop, root: Path, name: str, tame: str) -> None:
    put(root, name, json.dumps(record()))
    [intake] = taken(shop)
    assert intake.source == tame
    shop.archive([SourceReport(tame, SourceState.GIVEN_UP, ("x",))])
    assert len(names(root / "failed")) == 2


@given(st.text(st.characters(blacklist_characters="/\x00"), min_size=1, max_size=250))
def test_tame_names_stay_tame(name: str) -> None:
    tame = tame_name(f"{name.encode(errors='replace').decode()}.json")
    assert tame_name(tame) == tame
    assert len(tame.encode()) <= 200
    assert tame.isprintable()


def test_a_dry_run_needs_no_subfolders(shop: FolderShop, root: Path) -> None:
    assert list(handed_over(shop, claim=False)) == []
    assert names(root) == []


# ---- events


def events(root: Path, month: str = "2026-11") -> list[dict[str, Any]]:
    content = (root / "out" / f"events-{month}.ndjson").read_text()
    assert content.endswith("\n")
    return [json.loads(line) for line in content.splitlines()]


def test_an_event_is_one_line_with_its_moment_in_utc(shop: FolderShop, root: Path) -> None:
    zurich = timezone(timedelta(hours=1))
    shop.deliver(an_event(at=datetime(2026, 12, 1, 0, 30, 5, tzinfo=zurich), message="Zürich,\n«ja»"))
    assert events(root) == [
        {
            "event_id": "e-1",
            "at": "2026-11-30T23:30:05.000Z",
            "event": "issued",
            "kind": "invoice",
            "shop_id": "R-1",
            "number": "RE-00042",
            "total": "108.10",
            "currency": "CHF",
            "message": "Zürich,\n«ja»",
        }
    ]


@pytest.mark.parametrize(
    "torn", ['{"event_id": "e-1", "at"', "x" * 20_000, '{"event_id": "Zü'.encode()[:-1].decode(errors="ignore")]
)
def test_a_torn_line_is_taken_away(shop: FolderShop, root: Path, torn: str) -> None:  # fmt: skip
    shop.deliver(an_event("e-0"))
    with (root / "out" / "events-2026-11.ndjson").open("a") as stream:
        stream.write(torn)
    shop.deliver(an_event("e-1"))
    assert [event["event_id"] for event in events(root)] == ["e-0", "e-1"]


def test_a_whole_line_without_its_end_is_kept(shop: FolderShop, root: Path) -> None:
    shop.deliver(an_event("e-0"))
    path = root / "out" / "events-2026-11.ndjson"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    shop.deliver(an_event("e-1"))
    assert [event["event_id"] for event in events(root)] == ["e-0", "e-1"]


def _deliver_many(root: Path, name: str) -> None:
    shop = FolderShop(root, now=lambda: NOW)
    for number in range(40):
        shop.deliver(an_event(f"{name}-{number}", message="m" * 5000))


def test_two_processes_do_not_interleave(root: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_deliver_many, args=(root, name)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(e["event_id"] for e in events(root)) == sorted(f"{n}-{i}" for n in ("a", "b") for i in range(40))


# ---- the status list


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("R-1", "R-1"),
        ("-12.50", "-12.50"),
        ("+12", "+12"),
        ("=1+1", "'=1+1"),
        ("+41 79 000 00 00", "'+41 79 000 00 00"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("Tisch;=1+1", "Tisch;'=1+1"),
        ('Tisch; "=1+1', "Tisch; \"'=1+1"),
        ("Tisch|@SUM(A1)", "Tisch|'@SUM(A1)"),
        ("Tisch\t+1-cmd", "Tisch\t'+1-cmd"),
        ("Tisch\n-1+cmd|' /C calc'!A0", "Tisch\n'-1+cmd|' /C calc'!A0"),
        ("Tisch;-12.50;+3", "Tisch;-12.50;+3"),
        ("a-b; c=d, -e", "a-b; c=d, -e"),
        ("Kel\u202eler\x1b[2J\x9b", "Keller[2J"),
        ("＝1", "'＝1"),
        ('say "no", Ä', 'say "no", Ä'),
        ("two\nlines", "two\nlines"),
    ],
)
def test_cells_are_no_formulas(shop: FolderShop, root: Path, cell: str, written: str) -> None:
    shop.publish([StatusRow("R-1", error=cell)])
    with (root / "out" / "status.csv").open(newline="", encoding="utf-8") as stream:
        assert [row["error"] for row in csv.DictReader(stream)] == [written]


def test_a_cell_with_a_sign_at_which_any_spreadsheet_splits_is_quoted(shop: FolderShop, root: Path) -> None:
    for sign in ",;|\t\n":
        shop.publish([StatusRow("R-1", error=f"a{sign}b")])
        assert f'"a{sign}b",invoice\r\n'.encode() in (root / "out" / "status.csv").read_bytes()


def test_the_status_list_byte_by_byte(shop: FolderShop, root: Path) -> None:
    shop.publish([StatusRow("R-2", "RE-00002", "paid", "", "108.10", "2026-11-20"), StatusRow("R-1", error='a, "b"')])
    assert (root / "out" / "status.csv").read_bytes() == (
        b"shop_id,number,status,url,paid_amount,paid_date,error,kind\r\n"
        b"R-2,RE-00002,paid,,108.10,2026-11-20,,invoice\r\n"
        b'R-1,,,,,,"a, ""b""",invoice\r\n'
    )
    assert names(root / "out") == ["status.csv"]


def test_others_may_read_the_status_list(shop: FolderShop, root: Path) -> None:
    before = os.umask(0o022)
    try:
        shop.publish([])
    finally:
        os.umask(before)
    assert (root / "out" / "status.csv").stat().st_mode & 0o777 == 0o644


# ---- putting away


def test_done_goes_by_month_and_keeps_its_namesake(shop: FolderShop, root: Path) -> None:
    for shop_id in ("R-1", "R-2"):
        put(root, "a.json", json.dumps(record(shop_id)))
        taken(shop)
        shop.archive([SourceReport("a.json", SourceState.DONE)])
    assert names(root / "done" / "2026-11") == ["a-2.json", "a.json"]
    assert names(root / "work") == []


def test_given_up_goes_with_its_reasons(shop: FolderShop, root: Path) -> None:
    for _ in range(2):
        put(root, "a.json", json.dumps(record()))
        taken(shop)
        shop.archive([SourceReport("a.json", SourceState.GIVEN_UP, ("R-1: so\nnot.", "R-2: nor so."))])
    assert names(root / "failed") == ["a-2.json", "a-2.json.error.txt", "a.json", "a.json.error.txt"]
    assert "- R-1: so not.\n- R-2: nor so.\n" in (root / "failed" / "a-2.json.error.txt").read_text()


def test_a_crash_between_reason_and_move_is_repaired(
    shop: FolderShop, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(root, "a.json", json.dumps(record()))
    taken(shop)
    report = SourceReport("a.json", SourceState.GIVEN_UP, ("first",))
    monkeypatch.setattr("bexsync.shops.folder.archive.move_beside", _die)
    with pytest.raises(KeyboardInterrupt):
        shop.archive([report])
    assert names(root / "work") == ["a.json"]
    monkeypatch.undo()
    shop.archive([replace(report, sentences=("second",))])
    assert names(root / "failed") == ["a.json", "a.json.error.txt"]
    assert "- second\n" in (root / "failed" / "a.json.error.txt").read_text()


def _die(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("source", ["../in/a.json", "/etc/passwd", "", ".", ".."])
def test_a_source_is_a_plain_name(shop: FolderShop, root: Path, source: str) -> None:
    put(root, "a.json", json.dumps(record()))
    shop.archive([SourceReport(source, SourceState.DONE)])
    assert names(root / "in") == ["a.json"]


def test_free_names_count_up(tmp_path: Path) -> None:
    for name in ("a.json", "a-2.json"):
        (tmp_path / name).touch()
    with opened_folder(tmp_path) as folder:
        assert free_name(folder, "a.json") == "a-3.json"
        assert free_name(folder, "b.json") == "b.json"


# ---- who else may write in the folder


@pytest.fixture
def precious(tmp_path: Path) -> Iterator[Path]:
    """A file of bexsync's user that nobody else may write, and that no run changes."""
    path = tmp_path / "precious.txt"
    path.write_text("mine")
    yield path
    assert (path.read_text(), path.is_symlink()) == ("mine", False)


def given_up(shop: FolderShop, root: Path) -> None:
    put(root, "a.json", json.dumps(record()))
    taken(shop)
    shop.archive([SourceReport("a.json", SourceState.GIVEN_UP, ("R-1: no.",))])


@pytest.mark.parametrize(
    "trap",
    [
        *("out/.status.csv.tmp", "out/status.csv", "failed/.a.json.error.txt.tmp", "failed/a.json.error.txt"),
        *("..bexsync.tmp", "done/a.json"),
    ],
)
def test_no_writer_follows_a_link_laid_in_the_folder(root: Path, precious: Path, trap: str) -> None:
    shop = FolderShop(root, now=lambda: NOW, owner=Owner("main"))
    (root / trap).parent.mkdir(exist_ok=True)
    (root / trap).symlink_to(precious)
    shop.publish([StatusRow("R-1", status="sent")])
    given_up(shop, root)
    assert "R-1,,sent" in (root / "out" / "status.csv").read_text()
    assert not (root / "out" / "status.csv").is_symlink()
    assert "- R-1: no." in (root / "failed" / "a.json.error.txt").read_text()
    assert json.loads((root / ".bexsync").read_text())["site"] == "main"


@pytest.mark.parametrize("trap", ["out/events-2026-11.ndjson", ".bexsync"])
def test_a_link_in_the_place_of_a_file_that_is_read_is_told(root: Path, precious: Path, trap: str) -> None:
    shop = FolderShop(root, now=lambda: NOW, owner=Owner("main"))
    (root / "out").mkdir()
    (root / trap).symlink_to(precious)
    with pytest.raises(ConfigurationProblem, match=f"{trap} is a link"):
        shop.deliver(an_event())


@pytest.mark.parametrize("length", [0, 1, 499, 500, 1_700, 1_701])
@pytest.mark.parametrize("change", [None, 0, 498, 1_200])
def test_a_long_list_is_written_as_it_is_given(shop: FolderShop, root: Path, length: int, change: int | None) -> None:
    """Whatever stood there before: the same, something shorter, longer, or another row somewhere."""
    rows = [StatusRow(f"R-{number:05}", error="e" * 60) for number in range(1_700)]
    shop.publish(iter(rows))
    path = root / "out" / "status.csv"
    before = path.read_bytes().splitlines(keepends=True)
    wanted = [*rows[:length], *([StatusRow("R-9")] if length > len(rows) else [])]
    if change is not None and change < length:
        wanted[change] = StatusRow("other")
    shop.publish(iter(wanted))
    now = path.read_bytes().splitlines(keepends=True)
    assert [line.partition(b",")[0].decode() for line in now] == ["shop_id", *(row.shop_id for row in wanted)]
    shop.publish(rows)
    assert path.read_bytes().splitlines(keepends=True) == before


def test_a_list_that_is_gone_or_none_is_missed(shop: FolderShop, root: Path) -> None:
    assert not shop.has_status_list()
    shop.publish([])
    assert shop.has_status_list()
    (root / "out" / "status.csv").rename(root / "out" / "old.csv")
    assert not shop.has_status_list()
    (root / "out" / "status.csv").symlink_to(root / "out" / "old.csv")
    assert not shop.has_status_list()


def test_a_pipe_in_the_place_of_a_list_holds_nobody_up(shop: FolderShop, root: Path) -> None:
    (root / "out").mkdir()
    os.mkfifo(root / "out" / "status.csv")
    os.mkfifo(root / "out" / "events-2026-11.ndjson")
    shop.publish([StatusRow("R-1")])
    assert (root / "out" / "status.csv").is_file()
    with pytest.raises(ConfigurationProblem, match="no plain file"):
        shop.deliver(an_event())


def make_foreign(link: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root may give a link to another user; anybody else becomes another one."""
    if os.geteuid() == 0:
        os.chown(link, 65534, 65534, follow_symlinks=False)
    else:
        monkeypatch.setattr("bexsync.shops.folder.durable.os.geteuid", lambda: 65534)


@pytest.mark.parametrize("name", ["in", "work", "done", "failed", "out"])
def test_another_users_link_is_no_folder_and_ones_own_is(
    shop: FolderShop, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (root / name).symlink_to(elsewhere)
    given_up(shop, root)
    shop.publish([StatusRow("R-1")])
    before = names(elsewhere)
    make_foreign(root / name, monkeypatch)
    for call in (
        lambda: taken(shop),
        lambda: shop.publish([]),
        lambda: shop.deliver(an_event()),
        lambda: shop.archive([]),
    ):
        with pytest.raises(ConfigurationProblem, match=f"{root / name} is a link"):
            call()
    assert names(elsewhere) == before


def test_a_folder_that_becomes_a_link_while_a_run_writes_gets_nothing(
    shop: FolderShop, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shop.publish([])
    with Layout(root).locked(root / "out") as out:
        (root / "out").rename(root / "old")
        (root / "out").symlink_to(elsewhere)
        out.replace("status.csv", b"new")
    assert (names(elsewhere), (root / "old" / "status.csv").read_bytes()) == ([], b"new")


def test_what_a_killed_run_left_half_written_goes_after_an_hour(shop: FolderShop, root: Path) -> None:
    shop.publish([])
    for name, age in ((".status-0000.tmp", 3700), (".status-1111.tmp", 60), (".other-0000.tmp", 9000)):
        path = root / "out" / name
        path.touch()
        moment = path.stat().st_mtime - age
        os.utime(path, (moment, moment))
    shop.publish([StatusRow("R-1")])
    assert names(root / "out") == [".other-0000.tmp", ".status-1111.tmp", "status.csv"]


@pytest.mark.parametrize("state", [SourceState.DONE, SourceState.GIVEN_UP])
@pytest.mark.parametrize("is_late", [False, True])
def test_what_is_added_after_the_reading_is_read_by_the_next_run(
    shop: FolderShop, root: Path, monkeypatch: pytest.MonkeyPatch, state: SourceState, is_late: bool
) -> None:
    """Also what a program that has the file open adds in the last moment, when it is put away already."""
    put(root, "a.ndjson", lines(record("R-1")))
    writer = (root / "in" / "a.ndjson").open("a")
    assert ids(taken(shop)) == ["R-1"]

    def add() -> None:
        writer.write(lines(record("R-2")))
        writer.flush()
        os.utime(writer.fileno(), (0, 0))
        writer.close()

    def add_late(*arguments: Any) -> Any:
        moved = move_beside(*arguments)
        if not writer.closed:
            add()
        return moved

    if is_late:
        monkeypatch.setattr("bexsync.shops.folder.archive.move_beside", add_late)
    else:
        add()
    assert shop.archive([SourceReport("a.ndjson", state, ("no",))]) == ["a.ndjson"]
    assert names(root / "failed") == []
    assert ids(taken(shop)) == ["R-1", "R-2"]
    assert shop.archive([SourceReport("a.ndjson", state, ("no",))]) == []
    assert names(root / "work") == []


def test_a_claimed_file_that_is_being_added_to_waits(shop: FolderShop, root: Path) -> None:
    put(root, "a.ndjson", lines(record("R-1")))
    taken(shop)
    with (root / "work" / "a.ndjson").open("a") as writer:
        writer.write(lines(record("R-2"))[:-9])
    os.utime(root / "work" / "a.ndjson", (NOW.timestamp() - 1, NOW.timestamp() - 1))
    assert list(handed_over(shop, claim=True)) == []
    assert names(root / "work") == ["a.ndjson"]


# ---- what the operating system complains of


@pytest.mark.parametrize("is_file", [False, True])
def test_a_missing_shop_folder_wants_a_person(tmp_path: Path, is_file: bool) -> None:
    path = tmp_path / "nowhere"
    if is_file:
        path.touch()
    shop = FolderShop(path, now=lambda: NOW)
    for call in (
        lambda: list(handed_over(shop, claim=True)),
        lambda: list(handed_over(shop, claim=False)),
        lambda: shop.deliver(an_event()),
        lambda: shop.publish([]),
        lambda: shop.archive([]),
    ):
        with pytest.raises(ConfigurationProblem, match="does not exist or is no folder") as caught:
            call()
        assert "[shop]" in caught.value.hint
    assert path.exists() is is_file


def test_a_file_in_a_folders_place_wants_a_person(shop: FolderShop, root: Path) -> None:
    (root / "out").touch()
    with pytest.raises(ConfigurationProblem, match="cannot be used"):
        shop.publish([])


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without rights: root may write into any folder, so it steps down meanwhile."""
    is_root = os.geteuid() == 0
    try:
        if is_root:
            os.seteuid(65534)
        yield
    except PermissionError as problem:
        pytest.skip(f"cannot become nobody: {problem}")
    finally:
        if is_root:
            os.seteuid(0)


@pytest.fixture
def public_root() -> Iterator[Path]:
    """A shop folder that everybody may read; pytest's own folders are private."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        FolderShop(folder, now=lambda: NOW).publish([])
        put(folder, "a.json", json.dumps(record())).chmod(0o644)
        folders = [folder, *(f for f in folder.iterdir() if f.is_dir())]
        for each in folders:
            each.chmod(0o555)
        yield folder
        for each in folders:
            each.chmod(0o755)


def test_a_folder_one_may_only_read(public_root: Path) -> None:
    shop = FolderShop(public_root, now=lambda: NOW)
    with as_nobody():
        assert ids(taken(shop, claim=False)) == ["R-1"]
        for call in (
            lambda: taken(shop),
            lambda: shop.deliver(an_event()),
            lambda: shop.publish([StatusRow("R-1")]),
        ):
            with pytest.raises(ConfigurationProblem) as caught:
                call()
            assert caught.value.message.startswith(f"bexsync may not read and write in {public_root}: ")
            assert f"uid {os.geteuid()}" in caught.value.hint
    assert names(public_root / "in") == ["a.json"]
    assert names(public_root / "out") == ["status.csv"]


def test_the_closed_folder_is_named(public_root: Path) -> None:
    for folder in (public_root, public_root / "in", public_root / "work"):
        folder.chmod(0o777)
    with as_nobody():
        assert ids(taken(FolderShop(public_root, now=lambda: NOW))) == ["R-1"]
        with pytest.raises(ConfigurationProblem, match=f"in {public_root}/done: "):
            FolderShop(public_root, now=lambda: NOW).archive([SourceReport("a.json", SourceState.DONE)])
    assert names(public_root / "work") == ["a.json"]


def test_a_file_one_may_not_read(public_root: Path) -> None:
    (public_root / "in" / "a.json").chmod(0)
    with as_nobody():
        [complaint] = unreadable(FolderShop(public_root, now=lambda: NOW), claim=False)
    assert complaint.message == "may not be read: Permission denied"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no right to mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_leaves_nothing_half_written(small_disk: Path) -> None:
    shop = FolderShop(small_disk, now=lambda: NOW)
    shop.publish([StatusRow("R-1")])
    listed = (small_disk / "out" / "status.csv").read_bytes()
    with pytest.raises(TryLater, match="is full"):
        _deliver_endlessly(shop)
    assert {len(event["message"]) for event in events(small_disk)} == {3000}
    with pytest.raises(TryLater, match="is full"):
        shop.publish([StatusRow(f"R-{n}", error="e" * 100) for n in range(300)])
    assert (small_disk / "out" / "status.csv").read_bytes() == listed
    assert names(small_disk / "out") == ["events-2026-11.ndjson", "status.csv"]


def _deliver_endlessly(shop: FolderShop) -> None:
    for number in itertools.count():
        shop.deliver(an_event(f"e-{number}", message="m" * 3000))


# ---- anything at all


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["a.json", "a.ndjson"]),
    st.binary(max_size=200) | st.text(max_size=100).map(lambda t: t.encode(errors="replace")),
)
def test_any_bytes_are_something(tmp_path: Path, name: str, content: bytes) -> None:
    _is_something(tmp_path, name, content)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=9),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(
            st.sampled_from(["schema", "kind", "records", "shop_id", "lines", "total", "metadata"])
            | st.text(max_size=3),
            parts | st.sampled_from(["bexsync/1", "invoice", "customer"]),
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["a.json", "a.ndjson"]), st.lists(_VALUES | st.just(record()), min_size=1, max_size=4))
def test_any_json_is_something(tmp_path: Path, name: str, values: list[Any]) -> None:
    content = json.dumps(values) if name == "a.json" else lines(*values)
    _is_something(tmp_path, name, content.encode())


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_bitten_file_is_something(tmp_path: Path, data: st.DataObject) -> None:
    whole = json.dumps([record("R-1"), record("R-2")]).encode()
    at = data.draw(st.integers(0, len(whole)))
    bite = data.draw(st.integers(0, 20))
    _is_something(tmp_path, "a.json", whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + bite :])


def _is_something(root: Path, name: str, content: bytes) -> None:
    """No exception, at least one outcome, and the same whether one looks or takes."""
    shop = FolderShop(root, now=lambda: NOW)
    put(root, name, content, age=3600)
    looked = list(handed_over(shop, claim=False))
    found = list(handed_over(shop, claim=True))
    shop.archive([SourceReport(f.source, SourceState.DONE) for f in found])
    assert found
    assert looked == found
    assert names(root / "work") == []
    for complaint in (f for f in found if isinstance(f, InvalidInput)):
        assert (complaint.message + complaint.hint + complaint.shop_id).isprintable()


_AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=6)
# Without the letters that begin what looks like text encoded twice, which is refused.
_TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="ÃÂâ√├"), max_size=20)
_LINES = st.builds(InvoiceLine, name=_TEXTS, quantity=_AMOUNTS, unit_price=st.none() | _AMOUNTS)
_INVOICES = st.builds(
    Invoice,
    shop_id=st.text("abcXYZ019-_/ äé", min_size=1, max_size=20).filter(str.strip),
    invoice_date=st.dates(),
    currency=st.sampled_from(["CHF", "EUR"]),
    total=_AMOUNTS,
    lines=st.lists(_LINES, min_size=1, max_size=3).map(tuple),
    title=_TEXTS,
    customer=st.none() | st.builds(Customer, kind=st.sampled_from([None, "company", "person"]), last_name=_TEXTS),
    metadata=st.dictionaries(st.text("ab", max_size=3), st.none() | st.booleans() | st.text("xyü", max_size=3)),
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_INVOICES, min_size=1, max_size=3, unique_by=lambda invoice: invoice.shop_id), st.booleans())
def test_written_records_are_read_back_equal(tmp_path: Path, invoices: list[Invoice], is_lines: bool) -> None:
    values = [{"schema": "bexsync/1", "kind": "invoice", **invoice.canonical()} for invoice in invoices]
    put(tmp_path, "a.ndjson" if is_lines else "a.json", lines(*values) if is_lines else json.dumps(values))
    shop = FolderShop(tmp_path, now=lambda: NOW)
    found = taken(shop)
    shop.archive([SourceReport(f.source, SourceState.DONE) for f in found])
    assert [f.record for f in found] == invoices
    assert [f.record.fingerprint() for f in found] == [invoice.fingerprint() for invoice in invoices]
