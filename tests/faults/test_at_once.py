"""Two and four real processes at once on one company, judged in the books: everything once, whoever was first.

`test_started_together` leaves it to chance who meets whom where, and helps it: answers take a random moment.
`test_a_visitor_at_every_boundary` leaves nothing to chance: another process runs at every boundary of a run.
"""

from __future__ import annotations

import random
import subprocess
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from bexsync.hooks import observed_by
from faults.town import POLL, PUSH, SYNC, Command, Town, a_town
from faults.verdicts import record

ROUNDS = 50
WELL_OR_BUSY = {0, 75}
_TO_START, _TO_GO_ON = 5.0, 0.3  # seconds without a request after which a visitor is waiting for somebody


@dataclass(frozen=True)
class Scene:
    """What is started at the same instant, on a ledger that is known or not, and whether somebody pays meanwhile."""

    name: str
    commands: tuple[Command, ...]
    is_known: bool = True
    somebody_pays: bool = False
    part_of: str = "slow"

    @property
    def sites(self) -> list[str]:
        return sorted({site for site, _ in self.commands})

    @property
    def has_orders(self) -> bool:
        """Whether a shop hands over orders too."""
        return any(job == SYNC for _, job in self.commands)


SCENES = (
    Scene("two pushes of a site", (("a", PUSH),) * 2),
    Scene("four pushes of a site", (("a", PUSH),) * 4, part_of="long"),
    Scene("a push and a poll", (("a", PUSH), ("a", POLL)), somebody_pays=True),
    Scene("two pushes and two polls", (("a", PUSH), ("a", POLL)) * 2, somebody_pays=True, part_of="long"),
    Scene("two sites", (("a", PUSH), ("b", PUSH))),
    Scene("two sites for the first time", (("a", PUSH), ("b", PUSH)), is_known=False, part_of="every run"),
    Scene("four sites", tuple((site, PUSH) for site in "abcd")),
    Scene(
        "two sites, push and poll",
        tuple((s, job) for job in (PUSH, POLL) for s in "ab"),
        somebody_pays=True,
        part_of="long",
    ),
    Scene("two syncs of orders", (("a", SYNC),) * 2, part_of="every run"),
    Scene("orders, invoices and payments", (("a", SYNC), ("a", PUSH), ("a", POLL)), part_of="long"),
    Scene("orders of a site beside payments", (("a", SYNC), ("a", POLL)) * 2, somebody_pays=True, part_of="long"),
    Scene("orders of two sites for the first time", (("a", SYNC), ("b", SYNC)), is_known=False, part_of="long"),
)


MARKS = {"every run": (), "long": pytest.mark.long, "slow": pytest.mark.slow}


def rounds() -> list[object]:
    return [
        pytest.param(scene, number, id=f"{scene.name} {number}", marks=MARKS[scene.part_of if number == 1 else "slow"])
        for scene in SCENES
        for number in range(1, ROUNDS + 1)
    ]


@pytest.mark.parametrize(("scene", "number"), rounds())
def test_started_together(scene: Scene, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(f"{scene.name} {number}")
    with a_town(tmp_path, monkeypatch, scene.sites, has_orders=scene.has_orders) as town:
        if scene.is_known:
            town.warm_up()
        town.drop_the_same_customers_everywhere()
        paying = town.somebody_paying(chance) if scene.somebody_pays else nullcontext()
        with town.slow_answers(chance), paying:
            ends = town.together(scene.commands)
        # Money that somebody books in the second before ours is compared by the next run.
        held = {1} if scene.has_orders and scene.somebody_pays else set()
        assert {code for code, _ in ends} <= WELL_OR_BUSY | held, ends
        town.come_to_rest()
        town.judge()
    record("processes started together", scene.name, str(number))


@dataclass(frozen=True)
class Boundary:
    """A point of a run: the nth of all, or the one after its nth request for `path`; 0 is none."""

    nth: int = 0
    path: str = ""

    def counts(self, point: str, path: str) -> bool:
        if self.path:
            return point == "request:after" and path == self.path
        # Nobody else can write before a commit, or while a file is changed under a lock: the point before was as good.
        return point not in ("commit:before", "budget:before", "file:before", "file:after")


class Visitor:
    """Lets another process run when a run reaches a boundary, for as long as it can without that run."""

    def __init__(self, town: Town, at: Boundary, command: Command) -> None:
        self._town, self._at, self._command = town, at, command
        self.boundaries = 0
        self.process: subprocess.Popen[str] | None = None

    def __call__(self, point: str, **facts: str) -> None:
        if not self._at.counts(point, facts.get("path", "")):
            return
        self.boundaries += 1
        if self.boundaries == self._at.nth:
            site, arguments = self._command
            self.process = self._town.process(site, *arguments)
            self._until_it_ends_or_waits(self.process)

    def _until_it_ends_or_waits(self, process: subprocess.Popen[str]) -> None:
        before = asked = len(self._town.sandbox.requests)
        since = time.monotonic()
        while process.poll() is None and time.monotonic() - since < (_TO_START if asked == before else _TO_GO_ON):
            time.sleep(0.02)
            if len(self._town.sandbox.requests) != asked:
                asked, since = len(self._town.sandbox.requests), time.monotonic()

    def leave(self) -> tuple[int, str]:
        """How it ended, and what it said."""
        if self.process is None:
            return 0, ""
        said, _ = self.process.communicate(timeout=60)
        return self.process.returncode, said


@dataclass(frozen=True)
class Visit:
    """Who comes while site a pushes, or synchronises its orders."""

    name: str
    command: Command
    sites: str
    somebody_paid: bool = False
    during: tuple[str, str] = PUSH

    @property
    def has_orders(self) -> bool:
        """Whether the shop hands over orders too."""
        return SYNC in (self.command[1], self.during)


VISITS = (
    Visit("another site pushes", ("b", PUSH), "ab"),
    Visit("the same site polls", ("a", POLL), "a", somebody_paid=True),
    Visit("the same site pushes", ("a", PUSH), "a"),
    Visit("the same site syncs orders, too", ("a", SYNC), "a", during=SYNC),
    Visit("the same site polls beside its orders", ("a", POLL), "a", somebody_paid=True, during=SYNC),
    Visit("another site syncs orders, too", ("b", SYNC), "ab", during=SYNC),
)


ANOTHER_SITE, A_POLL = VISITS[:2]


def play_visit(visit: Visit, at: Boundary, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Site a pushes, the visitor comes at a boundary; how many boundaries there were."""
    with a_town(folder, monkeypatch, visit.sites, has_orders=visit.has_orders) as town:
        town.warm_up()
        if visit.somebody_paid:
            town.sandbox.person.pay(town.sites["a"].invoice("0", "a")["id"])
        town.drop_the_same_customers_everywhere()
        visitor = Visitor(town, at, visit.command)
        with observed_by(visitor):
            town.sites["a"].sync() if visit.during == SYNC else town.sites["a"].push()
        assert visitor.process or at == Boundary(), "the visitor never came, so this proves nothing"
        code, said = visitor.leave()
        assert code in WELL_OR_BUSY, said
        town.come_to_rest()
        town.judge()
        town.payments_are_taken_back()
        town.come_to_rest()
        town.judge()
        return visitor.boundaries


def test_another_site_creates_the_customer_while_we_read_the_contacts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its contact was in no answer of ours, yet its step was done: the contact seemed lost, and came twice."""
    play_visit(ANOTHER_SITE, Boundary(1, "/2.0/contact"), tmp_path, monkeypatch)


def test_a_poll_tells_of_a_payment_while_a_push_looks_at_the_same_invoice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The push then forgot what the shop had been told."""
    play_visit(A_POLL, Boundary(2, "/2.0/kb_invoice/search"), tmp_path, monkeypatch)


SLICES = 25


@pytest.mark.slow
@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.name)
def test_a_visitor_at_every_boundary(visit: Visit, part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    boundaries = play_visit(visit, Boundary(), tmp_path / "count", monkeypatch)
    for nth in range(1 + part, boundaries + 1, SLICES):
        play_visit(visit, Boundary(nth), tmp_path / str(nth), monkeypatch)
        record("another process at every boundary", visit.name, str(nth))
