"""test-connection: does everything fit together, and does the ledger do what a push will ask of it?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from bexsync.errors import BexsyncError, Exit, LoginNeeded, MappingProblem, RecordProblem
from bexsync.jobs.connection_attempt import NAME, SUBJECT, ConnectionTest, Left, reference, telling_lines
from bexsync.jobs.invoice_gathering import check_numbering, owner_of
from bexsync.jobs.lifecycle import prepare
from bexsync.jobs.order_gathering import numbering_problems
from bexsync.jobs.run import Run
from bexsync.jobs.workspace import Workspace
from bexsync.money import HUNDRED, product, rounded
from bexsync.planning.amounts import WAYS, Sum, rounded_totals
from bexsync.planning.checks import Check, Surroundings, Verdict, failures
from bexsync.planning.contacts import Contacts
from bexsync.planning.documents import Document, DocumentPlanner
from bexsync.planning.lookups import language_id, revenue_account
from bexsync.planning.order_checks import NUMBERING_OF
from bexsync.planning.setting_checks import settings
from bexsync.planning.taxes import TaxChooser, rate_of
from bexsync.ports.ledger import Inspection
from bexsync.ports.master_data import User
from bexsync.ports.shop import ShopOverview
from bexsync.records import Customer, Invoice, InvoiceLine

JOB = "test-connection"


@dataclass
class Report:
    """What a connection test found: the settings, the trial where there was one, and what ended it early."""

    company: str
    checks: list[Check] = field(default_factory=list)
    trial: Mapping[str, Any] = field(default_factory=dict)
    learned: Mapping[str, bool] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    requests: int = 0
    worth_trying: bool = True
    tried: bool = False
    failed: bool = False
    problem: BexsyncError | None = None

    @property
    def exit_code(self) -> Exit:
        """A person is needed before time is; what was left behind comes before what the profile says."""
        if isinstance(self.problem, LoginNeeded):
            return Exit.LOGIN
        if self.failed:
            return Exit.SOME_FAILED
        if failures(self.checks):
            return Exit.CONFIGURATION
        return self.problem.exit_code if self.problem else Exit.OK


def try_connection(workspace: Workspace, wants_trial: Callable[[Report], bool]) -> Report:
    """Looks at everything, and tries it where that is wanted once the settings are known."""
    with workspace.locks.run(JOB) as lock:
        return _try_connection(workspace, wants_trial, lock)


def _try_connection(workspace: Workspace, wants_trial: Callable[[Report], bool], lock: str) -> Report:
    store, clock = workspace.store, workspace.clock
    run_id = store.runs.begin(JOB, clock.now(), lock)
    run = prepare(workspace, JOB, store, run_id=run_id, lock=lock)
    report = Report("")
    exit_code, message = 70, "it ended without a word"
    try:
        _look_and_try(run, report, wants_trial)
        exit_code = int(report.exit_code)
        message = report.problem.message if report.problem else ""
        return report
    except BexsyncError as problem:
        exit_code, message = int(problem.exit_code), problem.message
        raise
    finally:
        counts = Counter(check.status.value for check in report.checks)
        store.runs.end(run_id, exit_code, counts, run.lazy_ledger.requests, message, clock.now())


def _look_and_try(run: Run, report: Report, wants_trial: Callable[[Report], bool]) -> None:
    tester = _Tester(run)
    report.company = tester.inspection.master.company
    report.checks += tester.settings()
    report.requests = run.lazy_ledger.requests
    report.worth_trying = tester.is_worth_trying
    if not wants_trial(report):
        report.checks += tester.leftovers()
        return
    report.tried = True
    trial = tester.trial()
    try:
        with run.workspace.locks.job(JOB):
            trial.go()
    except BexsyncError as problem:
        report.problem = problem
    found = trial.found
    report.checks += found.checks
    report.trial, report.learned, report.left = found.facts, found.learned, found.left
    report.failed, report.requests = found.failed, run.lazy_ledger.requests


class _Tester:
    """The company as it is now, beside what the profile says of it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._workspace = run.workspace
        self._profile = run.workspace.profile
        self.inspection: Inspection = run.ledger.inspect(reference(run.store.site))
        self._misfits: dict[str, BexsyncError] = {}
        self._owner = self._find_owner()
        self._compare_numbering()
        self._cannot_write = self._why_not_written()

    @property
    def _today(self) -> date:
        return self._workspace.clock.now().date()

    def _find_owner(self) -> User:
        try:
            return owner_of(self._profile.ledger.user, self.inspection.master)
        except MappingProblem as problem:
            self._misfits["user"] = problem
            return self.inspection.master.me

    def _compare_numbering(self) -> None:
        try:
            check_numbering(self._profile.ledger.numbering, self.inspection.master)
        except MappingProblem as problem:
            self._misfits["numbering"] = problem
        if self._profile.orders.enabled:
            found = numbering_problems(self._profile, self.inspection.master)
            self._misfits |= {f"{NUMBERING_OF}{action}": found[action] for action in found if action != "invoice"}

    def _why_not_written(self) -> RecordProblem | None:
        try:
            self._write(True)
        except RecordProblem as problem:
            return problem
        return None

    @property
    def is_worth_trying(self) -> bool:
        """Whether a trial has anything to do: a document to create, or something to put away."""
        story = self._run.store.intents.of_subject(SUBJECT.kind, SUBJECT.shop_id)
        return self._cannot_write is None or bool(self.inspection.drafts or story)

    def settings(self) -> list[Check]:
        """One check for each setting."""
        warning = self._workspace.warning()
        ending = [Check("login", Verdict.ATTENTION, "ends soon", warning)] if warning else []
        return ending + settings(
            Surroundings(
                self.inspection,
                self._profile,
                self._workspace.vat_map,
                self._today,
                self._run.store.site,
                self._shop(),
                self._misfits,
                self._workspace.scopes(),
            )
        )

    def _shop(self) -> ShopOverview | BexsyncError:
        try:
            return self._workspace.shop.examine()
        except BexsyncError as problem:
            return problem

    def leftovers(self) -> list[Check]:
        """What an earlier trial left, for a person to know; only a trial puts it away."""
        return [
            Check(
                "earlier test",
                Verdict.ATTENTION,
                f"{state.number} is left",
                f"An earlier test ended before its draft was deleted: {state.url}",
                "`bexsync test-connection` without --read-only puts it away.",
            )
            for state in self.inspection.drafts
        ]

    def trial(self) -> ConnectionTest:
        """The trial with these settings."""
        master, language = self.inspection.master, self._profile.ledger.language
        spoken = language_id(master, language, language)
        return ConnectionTest(self._run, self.inspection, self._owner.id, spoken, self._write, self._cannot_write)

    def _write(self, deducted: bool) -> Document:
        """The test's document, written as an invoice of the shop would be; raises RecordProblem."""
        misfit = self._misfits.get("user")
        if misfit is not None:
            raise RecordProblem(misfit.message, misfit.hint)
        lines = tuple(InvoiceLine(**line) for line in telling_lines(deducted=deducted))
        planner = DocumentPlanner(
            self._profile, self.inspection.master, self._workspace.vat_map, self._owner, self._today
        )
        invoice = Invoice(
            shop_id="connection",
            source_number="bexsync-test",
            title=f"{NAME}: no invoice",
            invoice_date=self._today,
            currency=self._profile.ledger.currency,
            lines=lines,
            total=self._total(lines),
        )
        customer = Customer(kind="company", company_name=NAME)
        return planner.write(invoice, customer, Contacts(), reference(self._run.store.site))

    def _total(self, lines: tuple[InvoiceLine, ...]) -> Decimal:
        """What a shop with this profile's way of rounding would say that the lines come to."""
        profile, master = self._profile, self.inspection.master
        account = revenue_account(profile, master)
        if account is None:
            number = profile.ledger.revenue_account
            raise RecordProblem(f"There is no income account {number} to book it on.", "Correct the account first.")
        chooser = TaxChooser(master, self._workspace.vat_map, profile.ledger.tax_code, None, self._today)
        rate = rate_of(chooser.choose(lines[0], account, "[ledger] tax_code"))
        sums = [Sum(-line.discount_amount if line.discount_amount else line.unit_price or Decimal(0), rate)
                for line in lines]  # fmt: skip
        way = profile.shop.rounding
        ways = WAYS if way == "any" else (way,)
        totals = rounded_totals(sums, gross=False, to=profile.shop.round_to, ways=ways)
        exact = product(sum((s.amount for s in sums), Decimal(0)), HUNDRED + rate) / HUNDRED
        return min(set().union(*totals.values()), key=lambda value: abs(value - rounded(exact)))
