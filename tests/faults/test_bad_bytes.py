"""Bad bytes from every side: bexio's answers, the shop's files, profiles, the state.

Whatever comes, it is one sentence and an exit code; nothing wrong is booked, and once the bytes are good again
everything goes on.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from datetime import time as day_time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bexsync.config.loading import load_profile, load_vat_map
from bexsync.config.profile import profile_model
from bexsync.engine.result import Result
from bexsync.errors import BexsyncError, Defect, Exit, ProfileProblem
from bexsync.jobs.lifecycle import RunEnded
from bexsync.wiring import open_error_desk
from faults.liar import WHOLE, Liar, Lie, a_liar, field_lies, keys_of
from world import BEXSYNC, World, a_world, an_invoice

SENTENCE = 2000  # signs; whatever bexio says, a message stays one that somebody reads

CUSTOMER = {
    "kind": "company",
    "company_name": "Rätia Bau AG",
    "first_name": "Gian",
    "last_name": "Caduff",
    "billing_address": {"address_line1": "Bahnhofstrasse 1", "postal_code": "7000", "city": "Chur"},
}


# bexio's answers


@contextmanager
def a_world_with_a_liar(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[World, Liar]]:
    with a_world(folder, monkeypatch) as world, a_liar(world.sandbox) as (liar, url):
        world.set_profile(ledger={"api_url": url}, engine={"settle_seconds": 30.0})
        yield world, liar


def attempt(world: World, job: Callable[[], Result]) -> Exit:
    """One run; it may fail, with a sentence and the exit code for it."""
    try:
        result = job()
    except RunEnded as ended:
        is_a_sentence(ended.problem)
        return ended.problem.exit_code
    except BexsyncError as problem:
        is_a_sentence(problem)
        return problem.exit_code
    for outcome in result.outcomes:
        assert len(outcome.reason) < SENTENCE
    return result.exit_code


def is_a_sentence(problem: BexsyncError, code: Exit | None = None) -> None:
    assert code in (None, problem.exit_code)
    assert not isinstance(problem, Defect), problem.message
    assert problem.message.endswith((".", "?")), problem.message
    assert len(problem.message) < SENTENCE
    assert problem.message.isprintable(), problem.message


def settle(world: World, *jobs: Callable[[], Result]) -> None:
    """Honest runs, and a person who lets everything be tried again, until there is nothing left to do."""
    for _ in range(6):
        if all(attempt(world, job) is Exit.OK for job in jobs):
            return
        world.clock.forward(minutes=2)
        with open_error_desk(str(world.profile_path), clock=world.clock) as desk:
            for row in desk.open_errors(include_acknowledged=True):
                desk.retry([str(row.id)])
    last = [(o.shop_id, o.status, o.reason) for job in jobs for o in job().outcomes]
    raise AssertionError(f"it does not come to rest: {last}")


class Story:
    """A new customer, a known one, a draft that changes, a payment: every endpoint gets its turn in one of the acts.

    Each act is first played while bexio lies, then again while it tells the truth, until nothing is left to do.
    """

    def __init__(self, world: World, liar: Liar) -> None:
        self.world = world
        self.liar = liar
        self.count = 0
        self.acts = {"new": self._new, "known": self._known, "draft": self._draft, "paid": self._paid}
        self.endpoints: dict[str, list[str]] = {}
        self.heard: dict[str, Any] = {}

    def rehearse(self) -> None:
        """The whole story without a lie, to learn which endpoints are asked in which act."""
        for act in self.acts:
            self.liar.heard.clear()
            self.tell("none", Lie("none", lambda value: value), act)
            for endpoint, answer in self.liar.heard.items():
                self.endpoints.setdefault(endpoint, []).append(act)
                self.heard[endpoint] = self.heard.get(endpoint) or answer

    def tell(self, endpoint: str, lie: Lie, *acts: str) -> int:
        """One lie in these acts, or in all where it can be told; how often it was told."""
        self.liar.told = 0
        for act in acts or self.endpoints[endpoint]:
            self.count += 1
            name, mail = f"Firma {self.count} AG", f"f{self.count}@example.ch"
            self.customer = {**CUSTOMER, "company_name": name, "last_name": f"Nr. {self.count}", "email": mail}
            self.acts[act](endpoint, lie)
        return self.liar.told

    def _new(self, endpoint: str, lie: Lie) -> None:
        """Nothing is known: neither the company, nor what stands in its books, nor the customer."""
        shutil.rmtree(self.world.folder / "state", ignore_errors=True)
        self._play(endpoint, lie, f"{self.count}")

    def _known(self, endpoint: str, lie: Lie) -> None:
        """The customer is known, and bexio's search is known to work, but master data have aged."""
        self._truly(f"{self.count}-before")
        self.world.clock.forward(hours=25)
        self._play(endpoint, lie, f"{self.count}")

    def _draft(self, endpoint: str, lie: Lie) -> None:
        """A draft follows the shop before it is mailed."""
        self.world.set_profile(invoices={"finish": "draft"})
        self._truly(f"{self.count}", mails=0)
        self.world.set_profile(invoices={"finish": "send"})
        lines = [{"line_id": "1", "name": "Mehr", "unit_price": "200", "tax_rate": "8.1"}]
        self._play(endpoint, lie, f"{self.count}", lines=lines, total="216.20")

    def _paid(self, endpoint: str, lie: Lie) -> None:
        """What a customer paid is told to the shop once, and nothing else is."""
        world, shop_id = self.world, f"{self.count}"
        self._truly(shop_id)
        world.sandbox.person.pay(world.invoice(shop_id)["id"], Decimal("108.10"))
        self._lied(endpoint, lie, lambda: world.poll(full=True))
        settle(world, lambda: world.poll(full=True), world.push)
        news = Counter(event["event"] for event in world.events() if event["shop_id"] == shop_id)
        del news["updated"]  # a number that is another one for a while is told; money never is
        assert news == {"sent": 1, "paid": 1}, news

    def _play(self, endpoint: str, lie: Lie, shop_id: str, **changes: Any) -> None:
        self._drop(shop_id, changes)
        self._lied(endpoint, lie, self.world.push)
        settle(self.world, self.world.push)
        self._judge(shop_id, changes.get("total", "108.10"))

    def _truly(self, shop_id: str, *, mails: int = 1) -> None:
        self._drop(shop_id, {})
        settle(self.world, self.world.push)
        self._judge(shop_id, "108.10", mails=mails)

    def _drop(self, shop_id: str, changes: dict[str, Any]) -> None:
        invoice = an_invoice(shop_id, customer=self.customer, **changes)
        self.world.drop(invoice, name=f"{shop_id}{'-changed' if changes else ''}.json")

    def _lied(self, endpoint: str, lie: Lie, job: Callable[[], Result]) -> None:
        with self.liar.lying(endpoint, lie):
            attempt(self.world, job)
        self.world.clock.forward(minutes=2)

    def _judge(self, shop_id: str, total: str, *, mails: int = 1) -> None:
        invoice = self.world.invoice(shop_id)  # exactly one
        assert Decimal(invoice["total"]) == Decimal(total)
        mailed = [mail.document_nr for mail in self.world.sandbox.mails].count(invoice["document_nr"])
        assert mailed == mails, f"{mailed} mails"
        references = Counter(str(i["api_reference"]) for i in self.world.invoices())
        assert set(references.values()) == {1}, references


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    with a_world_with_a_liar(tmp_path, monkeypatch) as (world, liar):
        yield Story(world, liar)


def lies_of(story: Story) -> list[tuple[str, Lie]]:
    """Every lie about every endpoint and each of its keys."""
    return [(e, lie) for e in story.endpoints for lie in (*WHOLE, *field_lies(keys_of(story.heard[e])))]


@pytest.mark.parametrize(
    ("seed", "count"),
    [
        ("short", 4),
        pytest.param("short", 12, marks=pytest.mark.long),
        *(pytest.param(n, 150, marks=pytest.mark.slow) for n in range(8)),
    ],
)
@pytest.mark.timeout(600)
def test_whatever_bexio_answers_nothing_wrong_is_booked(story: Story, seed: str | int, count: int) -> None:
    story.rehearse()
    assert len(story.endpoints) == 25
    chance = random.Random(f"bad bytes {seed}")
    cases = lies_of(story)
    told = 0
    for endpoint, lie in chance.sample(cases, count):
        try:
            told += story.tell(endpoint, lie, chance.choice(story.endpoints[endpoint]))
        except Exception as problem:
            raise AssertionError(f"{endpoint}: {lie.name}") from problem
    assert told >= count


def test_a_look_after_the_effect_that_fails_does_not_lose_the_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a mail needs an issued invoice: it was issued, and what it looks like now could not be read."""
    with (
        a_world(tmp_path, monkeypatch, behaviours={"send_on_draft": "refused"}) as world,
        a_liar(world.sandbox) as (liar, url),
    ):
        world.set_profile(ledger={"api_url": url}, engine={"settle_seconds": 30.0})
        world.drop(an_invoice("0"), name="0.json")
        settle(world, world.push)
        world.drop(an_invoice("1"), name="1.json")
        with liar.lying("GET /2.0/kb_invoice/{id}", Lie("half", lambda _: b"{")):
            attempt(world, world.push)
        assert liar.told
        assert world.invoice("1")["kb_item_status_id"] == 8
        world.clock.forward(minutes=2)
        settle(world, world.push)
        assert sorted(mail.document_nr for mail in world.sandbox.mails) == ["RE-00001", "RE-00002"]


# the shop's files

GOOD = json.dumps({"schema": "bexsync/1", "kind": "invoice", **an_invoice("spoilt")}).encode()


def spoilt(content: bytes, chance: random.Random) -> bytes:
    """The content with a few bytes changed, left out, doubled, moved, or cut off."""
    found = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5, 40])):
        at, size = chance.randrange(len(found) + 1), chance.choice([1, 1, 2, 8, 60])
        match chance.randrange(6):
            case 0:
                found[at : at + size] = chance.randbytes(size)
            case 1:
                del found[at : at + size]
            case 2:
                found[at:at] = found[at : at + size]
            case 3:
                found[at:at] = chance.choice(SNIPPETS)
            case 4:
                found[at : at + 1] = bytes([chance.choice(b'{}[]",:0-.\\')])
            case _:
                found = found[: max(at, 1)] if chance.random() < 0.2 else found
    return bytes(found)


SNIPPETS = (
    *(
        b"NaN",
        b"null",
        b"-1",
        b"1e999",
        b"[[[[",
        b'{"a":',
        b"\xff\xfe",
        b"\x00",
        b"\xef\xbb\xbf",
        b"\\ud800",
        b"9" * 5000,
    ),
    *(b'"total": "1E+999999999"', b"true", b"\r\n", b'"shop_id": 5,', b'"lines": {},', b"\x1b[2J"),
)


@pytest.mark.parametrize(("seed", "count"), [("short", 12), pytest.param("long", 250, marks=pytest.mark.slow)])
@pytest.mark.timeout(600)
def test_whatever_lies_in_the_folder_the_good_beside_it_is_booked_once(world: World, seed: str, count: int) -> None:
    chance = random.Random(f"folder {seed}")
    world.set_profile(errors={"stop_after": 100_000})
    for n in range(count):
        world.drop(an_invoice(f"good{n}"), name=f"a{n}.json")
        for name in (f"b{n}.json", f"c{n}.ndjson"):
            world.drop_bytes(spoilt(GOOD.replace(b"spoilt", f"spoilt{n}".encode()), chance), name)
        world.drop_bytes(chance.randbytes(chance.choice([0, 1, 10, 5000])), f"d{n}.json")
        world.drop(an_invoice(f"fine{n}"), name=f"e{n}.json")
        code = attempt(world, world.push)
        assert code in (Exit.OK, Exit.SOME_FAILED)
        for name in (f"good{n}", f"fine{n}"):
            invoice = world.invoice(name)
            assert (invoice["total"], invoice["kb_item_status_id"]) == ("108.100000", 8)
    references = Counter(str(i["api_reference"]) for i in world.invoices())
    assert set(references.values()) == {1}
    mailed = Counter(mail.document_nr for mail in world.sandbox.mails)
    assert set(mailed.values()) == {1}
    for invoice in world.invoices():  # a spoilt one that was still an invoice is booked for what its file said
        positions = sum(Decimal(p["amount"]) * Decimal(p["unit_price"]) for p in invoice["positions"])
        assert abs(Decimal(invoice["total_net"]) - positions) < Decimal("0.05")


# profiles and VAT maps

VALUES: tuple[Any, ...] = (
    *("", " ", "x", "a\u0000b", "\u202e", "..", "/", "~", "~nobody/x", "x" * 300, "é", "\n", "%s{0}", "CHF", "de"),
    *("https://", "https://[", "https://ü.example", "http://127.0.0.1:1", "https://user:pw@h", "https://h:99999999"),
    *(0, 1, -1, 10**18, 2**63 - 1, 0.5, -0.0, 1e308, 1e-308, float("inf"), float("-inf"), float("nan")),
    *(True, False, [], [1], ["x"], {}, {"a": 1}, {"subject": "x"}, {"de": {"subject": 5}}, [{}]),
    *(datetime(2026, 1, 1, tzinfo=UTC), date(1, 1, 1), date(9999, 12, 31), day_time(1, 2)),
    *("1e-999999", "1e999999", "NaN", "Infinity", "0", "-0.01", "1_000", "2026-02-30", "0001-01-01", "9999-12-31"),
)


def keys_of_profile() -> list[tuple[str, str]]:
    sections = {name: field.annotation for name, field in profile_model("folder").model_fields.items()}
    return [
        *((name, "") for name in sections),
        *((name, key) for name, model in sections.items() for key in getattr(model, "model_fields", ())),
    ]


@pytest.mark.parametrize(("seed", "count"), [("short", 60), pytest.param("long", 3000, marks=pytest.mark.slow)])
@pytest.mark.timeout(600)
def test_any_value_of_any_key_of_a_profile(world: World, seed: str, count: int) -> None:
    """A sentence that names the key, or a profile that works."""
    world.drop(an_invoice("1", leave_as_draft=True), name="first.json")
    world.push()
    good = world.profile
    cases = [(section, key, value) for section, key in keys_of_profile() for value in VALUES]
    chance = random.Random(f"profiles {seed}")
    refused = 0
    for section, key, value in chance.sample(cases, min(count, len(cases))):
        spoilt_profile = {name: dict(values) for name, values in good.items()}
        if key:
            spoilt_profile.setdefault(section, {})[key] = value
        else:
            spoilt_profile[section] = value
        world.profile_path.write_text(tomli_w.dumps(spoilt_profile))
        try:
            load_profile(world.profile_path)
        except BexsyncError as problem:
            is_a_sentence(problem, Exit.CONFIGURATION)
            refused += 1
            continue
        world.drop(an_invoice("1", title=f"{section}.{key} {value!r}"[:80], leave_as_draft=True), name="again.json")
        try:
            attempt(world, lambda: world.push(dry_run=True))
        except Exception as problem:
            raise AssertionError(f"{section}.{key} = {value!r}"[:300]) from problem
    assert refused > count / 4


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_as_a_profile_and_as_a_vat_map(tmp_path: Path, content: bytes) -> None:
    for name, read in (("p.toml", load_profile), ("q.vat.toml", lambda _: load_vat_map(tmp_path / "q.toml"))):
        path = tmp_path / name
        path.write_bytes(content)
        with suppress(ProfileProblem):
            read(path)


def test_any_value_of_any_key_of_a_vat_map(world: World) -> None:
    world.drop(an_invoice("1", leave_as_draft=True))
    path = world.profile_path.with_suffix(".vat.toml")
    row = {
        "code": "UN81",
        "class": "standard",
        "rate": 8.1,
        "country": "CH",
        "use": "sale",
        "valid_from": date(2024, 1, 1),
    }
    maps: list[Any] = [{"tax": value} for value in VALUES if not isinstance(value, bool)]
    maps += [{"tax": [{**row, key: value}]} for key in (*row, "more") for value in VALUES]
    maps += [{"tax": [row, value]} for value in VALUES]
    maps += [
        {"tax": [{k: v for k, v in row.items() if k in kept}]} for kept in ((), ("code",), ("rate",), ("code", "rate"))
    ]
    refused = 0
    for content in maps:
        path.write_text(tomli_w.dumps(content))
        try:
            found = load_vat_map(world.profile_path)
            found.code_for(tax_class="standard", rate=Decimal("8.1"), country="CH", use="sale", day=date(2026, 11, 2))
        except ProfileProblem as problem:
            is_a_sentence(problem)
            refused += 1
        except Exception as problem:
            raise AssertionError(repr(content)[:300]) from problem
    assert len(maps) / 4 < refused < len(maps)


# the state

Harm = Callable[[Path, random.Random], None]


def _in_its_place(path: Path, _chance: random.Random) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def _bytes_of_it(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(40 if content else 0):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(content)


def _pages_of_it(path: Path, chance: random.Random) -> None:
    """Whole pages of a database, as a disk loses them."""
    content = bytearray(path.read_bytes())
    for _ in range(3):
        at = chance.randrange(max(1, len(content) // 4096)) * 4096
        content[at : at + 4096] = chance.choice([bytes(4096), chance.randbytes(4096)])
    path.write_bytes(content)


HARMS: dict[str, Harm] = {
    "empty": lambda path, _: path.write_bytes(b"") and None,
    "random bytes": lambda path, chance: path.write_bytes(chance.randbytes(5000)) and None,
    "cut in half": lambda path, _: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]) and None,
    "a few bytes changed": _bytes_of_it,
    "pages lost": _pages_of_it,
    "a folder in its place": _in_its_place,
    "gone": lambda path, _: path.unlink(missing_ok=True),
    "null": lambda path, _: path.write_bytes(b"null") and None,
    "other JSON": lambda path, chance: path.write_bytes(chance.choice(OTHER_JSON)) and None,
}
OTHER_JSON = (
    b"[]", b'""', b"7", b"{}", b'{"companies": {}, "profiles": []}', b'{"companies": [{}], "profiles": {}}',
    b'{"companies": [{"id": "../../x", "name": "", "anchor": "", "tokens": []}], "profiles": {}}',
    b'{"companies": [], "profiles": {"a": 5}}', b"[" * 100_000, b'{"companies": [], "profiles": {}, "more": NaN}',
)  # fmt: skip
SPOILED = ("companies.json", "companies.lock", "bexio-*.db", "bexio-*.db-wal", "bexio-*.db-shm", "locks/*write.lock")


def _state_cases() -> list[Any]:
    cases = [(file, harm, seed) for file in SPOILED for harm in HARMS for seed in range(2)]
    cases += [("bexio-*.db", "a few bytes changed", seed) for seed in range(2, 60)]
    cases += [("bexio-*.db", "pages lost", seed) for seed in range(2, 40)]
    return cases


@pytest.mark.parametrize("part", ["short", *(pytest.param(n, marks=pytest.mark.slow) for n in range(4))])
@pytest.mark.timeout(600)
def test_a_spoilt_state_is_a_sentence_and_the_good_file_goes_on(world: World, part: str | int) -> None:
    cases = _state_cases()
    chosen = random.Random("state").sample(cases, 16) if part == "short" else cases[int(part) :: 4]
    state, good = world.folder / "state", world.folder / "good"
    world.set_profile(invoices={"finish": "send"})
    world.drop(an_invoice("first"), an_invoice("draft", leave_as_draft=True), name="first.json")
    world.push()
    names = {name: _path(state, name) for name in SPOILED}
    for n, (name, harm, seed) in enumerate(chosen):
        what = f"{name}: {harm}, {seed}"
        shutil.rmtree(good, ignore_errors=True)
        shutil.copytree(state, good)
        world.drop(an_invoice(f"{n}"), name=f"{n}.json")
        path = names[name]
        if not path.exists():
            path.write_bytes(b"")
        HARMS[harm](path, random.Random(seed))
        try:
            code = attempt(world, world.push)
            attempt(world, world.poll)
        except Exception as problem:
            raise AssertionError(what) from problem
        assert code in (Exit.OK, Exit.SOME_FAILED, Exit.TRY_LATER, Exit.CONFIGURATION), what
        world.clock.forward(minutes=3)
        shutil.rmtree(state)
        shutil.copytree(good, state)
        settle(world, world.push, world.poll)
        assert Decimal(world.invoice(f"{n}")["total"]) == Decimal("108.10"), what
        mailed = Counter(mail.document_nr for mail in world.sandbox.mails)
        assert mailed[world.invoice(f"{n}")["document_nr"]] == 1, what
        assert set(mailed.values()) == {1}, what
        references = Counter(str(i["api_reference"]) for i in world.invoices())
        assert set(references.values()) == {1}, what


def _path(state: Path, pattern: str) -> Path:
    """The file, or where it would be: SQLite takes its -wal and -shm away after each run."""
    found = list(state.glob(pattern))
    if found:
        return found[0]
    (database,) = state.glob("bexio-*.db")
    return state / f"{database.name}{pattern.partition('.db')[2]}"


# the disk


def test_a_full_disk_under_a_push_loses_nothing(world: World) -> None:
    state = world.folder / "state"
    with a_tiny_disk(state):
        world.drop(an_invoice("1"), name="1.json")
        assert attempt(world, world.push) is Exit.OK
        for n in range(2, 5):
            world.drop(an_invoice(f"{n}", leave_as_draft=n == 3), name=f"{n}.json")
            ballast = fill(state, leave=(0, 8192, 65_536)[n - 2])
            assert attempt(world, world.push) in (Exit.TRY_LATER, Exit.OK)
            ballast.unlink()
            world.clock.forward(minutes=3)
            settle(world, world.push)
            assert Decimal(world.invoice(f"{n}")["total"]) == Decimal("108.10")
        assert sorted(Counter(mail.document_nr for mail in world.sandbox.mails).values()) == [1, 1, 1]
        assert len(world.invoices()) == 4


@contextmanager
def a_tiny_disk(folder: Path) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path, *, leave: int) -> Path:
    """Fills the disk but for a few bytes."""
    path = folder / "ballast"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    os.truncate(path, max(0, path.stat().st_size - leave))
    return path


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may write everywhere")
def test_a_state_that_turns_read_only_in_the_middle_of_a_push(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    powerless = ("setpriv", "--bounding-set", "-all") if os.geteuid() == 0 else ()
    with a_world(tmp_path, monkeypatch, clock=None) as world:
        world.set_profile(engine={"settle_seconds": 0.2, "timeout_seconds": 1.0})
        state = world.folder / "state"
        world.drop(an_invoice("1"), name="1.json")
        assert world.cli("invoices", "push").returncode == 0
        world.drop(an_invoice("2"), an_invoice("3"), name="2.json")
        paths = [state, *state.rglob("*")]
        modes = {path: path.stat().st_mode & 0o777 for path in paths}

        def close(request: Any) -> None:
            if request.path == "/2.0/kb_invoice":
                for path in paths:
                    if path.exists():
                        path.chmod(0o555 if path.is_dir() else 0o444)

        world.sandbox.hooks.before.append(close)
        command = [*powerless, BEXSYNC, "--profile", world.profile_path, "invoices", "push"]
        runs = [subprocess.run(command, env=world.environment, capture_output=True, text=True) for _ in range(2)]
        world.sandbox.hooks.before.clear()
        assert [run.returncode for run in runs][1] == Exit.CONFIGURATION
        assert all("Traceback" not in run.stderr + run.stdout for run in runs)
        for path, mode in modes.items():
            if path.exists():
                path.chmod(mode)
        for _ in range(4):
            if world.cli("invoices", "push").returncode == 0:
                break
            time.sleep(0.5)
        assert len(world.invoices()) == len(world.sandbox.mails) == 3
        assert len({i["api_reference"] for i in world.invoices()}) == 3
