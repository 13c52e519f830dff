"""invoices push: every approved invoice that is not yet in the ledger gets there, once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache, partial
from typing import cast

from bexsync.engine.apply import AppliedRecord
from bexsync.engine.links import gone, observed
from bexsync.engine.result import Outcome, Result, Status
from bexsync.errors import MappingProblem, RecordProblem
from bexsync.jobs.credit_notes import remember_credit
from bexsync.jobs.importing import take_in
from bexsync.jobs.record_faults import FAULTS, record_fault
from bexsync.jobs.run import Run, run_job
from bexsync.jobs.workspace import Workspace
from bexsync.money import written
from bexsync.planning.cancellations import (
    References,
    cancelled_before_booking,
    is_cancellation,
    require_reference,
    require_whole,
)
from bexsync.planning.contacts import CUSTOMER, ContactPlanner
from bexsync.planning.documents import DocumentPlanner
from bexsync.planning.invoice_finish import FinishPlanner
from bexsync.planning.invoice_left_alone import no_longer_valid, reason_to_leave_alone
from bexsync.planning.invoice_link import KIND, Linked, reference
from bexsync.planning.invoices import InvoicePlanner, NoAction, PlannedInvoice
from bexsync.planning.lookups import unknown_units
from bexsync.planning.plan import Plan
from bexsync.planning.twins import Twins
from bexsync.ports.documents import DocumentState, DocumentStatus
from bexsync.ports.effects import CreateContact
from bexsync.ports.master_data import MasterData, User
from bexsync.ports.steps import Step, Subject
from bexsync.ports.store import WORKLIST, DocumentEvent, IntentState, Link, RecordRow, RecordState
from bexsync.records import Customer, Invoice

PUSH = "invoices push"
_FIRST_RUN = "invoices:first_run"
# What the master data lack may have been added in the ledger since they were read.
_OF_MASTER_DATA = frozenset(
    {
        *("no_business_year", "not_subject_to_vat", "tax_rate_differs", "tax_unmapped", "tax_unusable"),
        *("unknown_account", "unknown_bank_account", "unknown_currency", "unknown_tax", "unknown_template"),
        *("bank_account_ambiguous", "bank_account_currency", "bank_account_missing"),
    }
)


@dataclass(frozen=True)
class PushOptions:
    """What a person may narrow a push to."""

    ids: tuple[str, ...] = ()
    since: date | None = None
    limit: int | None = None
    confirm: int | None = None
    dry_run: bool = False


def push(workspace: Workspace, options: PushOptions) -> Result:
    """Runs the job once."""
    return run_job(workspace, PUSH, lambda run: _Push(run, options).work(), dry=options.dry_run)


@dataclass(frozen=True)
class _Chosen:
    shop_id: str
    names: tuple[str, ...]
    may_be_booked: bool
    day: date
    currency: str


class _Push:
    def __init__(self, run: Run, options: PushOptions) -> None:
        self._run = run
        self._options = options
        self._works: dict[str, PlannedInvoice] = {}
        self._attachments: dict[str, str] = {}
        self._references = References()
        self._twins = Twins()

    def work(self) -> None:
        intake = take_in(self._run)
        try:
            self._references = References.among(
                cast(Invoice, row.record()) for row in self._run.store.records.referring(KIND)
            )
            self._reopen_cancelled()
            chosen = self._chosen()
            if chosen:
                self._apply(self._plan(chosen))
        finally:
            if not self._run.dry:
                self._run.deliver_reports(KIND)
                intake.archive()

    def _chosen(self) -> list[_Chosen]:
        """What to look at; the records themselves are read again one by one, so that memory does not grow with them."""
        options, chosen = self._options, []
        self._take_up_again()
        for row in self._run.store.records.in_state(KIND, RecordState.OPEN):
            invoice = cast(Invoice, row.record())
            if options.ids and not {row.shop_id, invoice.source_number} & set(options.ids):
                continue
            if options.since and invoice.invoice_date < options.since:
                continue
            names = (row.shop_id, invoice.source_number or "")
            # One that was cancelled or settled since may have been booked by a state that was lost.
            booked = invoice.status != "draft" and invoice.document_type == "invoice"
            chosen.append(_Chosen(row.shop_id, names, booked, invoice.invoice_date, invoice.currency))
        self._report_unknown_ids(chosen)
        return chosen

    def _take_up_again(self) -> None:
        """Records that an earlier start date or skip list left alone are open again once these have changed."""
        records = self._run.store.records
        reasons = records.ignored_reasons(KIND)
        if reasons:
            gone = no_longer_valid(reasons, self._start_date(), self._run.workspace.profile.invoices.skip)
            records.reopen_ignored(KIND, gone)

    def _reopen_cancelled(self) -> None:
        """What a document of this run cancels is decided on again, also where it was booked long ago."""
        records = self._run.store.records
        for row in list(records.in_state(KIND, RecordState.OPEN)):
            document = cast(Invoice, row.record())
            if document.original_shop_id and document.status != "draft" and is_cancellation(document):
                original = self._named(document.original_shop_id)
                if original is not None and original.state is RecordState.DONE and original.shop_id != row.shop_id:
                    self._settle(original, RecordState.OPEN, "")

    def _report_unknown_ids(self, chosen: Iterable[_Chosen]) -> None:
        """An id somebody typed that is nowhere is worth a word; one that is already done is fine."""
        found = {name for one in chosen for name in one.names}
        for wanted in self._options.ids:
            if wanted in found:
                continue
            row = self._named(wanted)
            if row is None:
                problem = RecordProblem(
                    f'The shop has no invoice "{wanted}".',
                    "`bexsync invoices list` shows those it has.",
                    code="unknown_id",
                )
                self._run.outcomes[Subject(KIND, wanted)] = Outcome(
                    KIND, "push", wanted, Status.FAILED, reason=problem.message, hint=problem.hint, code=problem.code
                )
            else:
                link = self._run.store.links.get(KIND, row.shop_id)
                self._run.outcomes[Subject(KIND, row.shop_id)] = Outcome(
                    KIND, "push", row.shop_id, Status.UNCHANGED, link.ledger_id if link else None,
                    link.number if link else "", link.url if link else "", row.reason,
                )  # fmt: skip

    def _named(self, name: str) -> RecordRow | None:
        """A record by the shop's id, the shop's number, or its number in the ledger."""
        records, links = self._run.store.records, self._run.store.links
        by_id = records.get(KIND, name)
        if by_id is not None:
            return by_id
        numbered = next((link.shop_id for link in links.all(KIND) if link.number == name), None)
        if numbered is not None:
            return records.get(KIND, numbered)
        return next((row for row in records.all(KIND) if row.canonical().get("source_number") == name), None)

    # gather and plan

    def _plan(self, chosen: Sequence[_Chosen]) -> Plan:
        run, ledger = self._run, self._run.ledger
        start = self._start_date()
        unlinked = [one for one in chosen if run.store.links.get(KIND, one.shop_id) is None]
        # Only what may be booked has to be asked for; the ledger has nothing of the rest.
        wanted = [one.shop_id for one in unlinked if one.may_be_booked and one.day >= start]
        found = self._documents_of(wanted) if wanted else {}
        self._twins = self._booked_on({one.day for one in unlinked if one.may_be_booked and one.day >= start})
        with self._while_contacts_rest():
            if wanted or len(unlinked) < len(chosen):
                ledger.refresh_contacts()
            self._refresh_links(chosen)
            own = run.workspace.profile.ledger.currency
            planner = self._planner(start, foreign=any(one.currency != own for one in chosen))
            steps: list[Step] = []
            for number, one in enumerate(chosen, 1):
                if self._options.limit is not None and len(self._works) >= self._options.limit:
                    break
                run.workspace.progress("planning", number, len(chosen))
                steps += self._decide(planner, one.shop_id, found.get(reference(run.store.site, one.shop_id), []))
        self._mention_attachments()
        return Plan(tuple(steps))

    def _mention_attachments(self) -> None:
        """Files beside invoices stay with the shop, since bexio takes none on invoices."""
        listed = [f"{shop_id} ({names})" for shop_id, names in self._attachments.items()]
        if listed:
            more = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
            self._run.mention(
                f"attachments:{' '.join(self._attachments)}",
                f"bexio takes no attachments on invoices; they stay with the shop: {', '.join(listed[:5])}{more}.",
            )

    def _booked_on(self, days: Collection[date]) -> Twins:
        """The invoices of these days that stand in the ledger already."""
        if not days:
            return Twins()
        store = self._run.store
        rows = list(store.records.dated(KIND, [day.isoformat() for day in days]))
        booked = (cast(Invoice, row.record()) for row in rows if store.links.get(KIND, row.shop_id) is not None)
        return Twins.among(invoice for invoice in booked if invoice.status not in ("cancelled", "draft"))

    def _documents_of(self, shop_ids: Sequence[str]) -> dict[str, list[DocumentState]]:
        """The documents with our references, and those that were adopted but could not be given one."""
        ledger, kept = self._run.ledger, self._run.workspace.kept
        references = [reference(self._run.store.site, shop_id) for shop_id in shop_ids]
        found = ledger.find_documents(references)
        adopted = {one: doc for one in references for doc in kept.documents(DocumentEvent.ADOPTED, one)[-1:]}
        missing = {one: doc for one, doc in adopted.items() if doc not in {d.ledger_id for d in found.get(one, ())}}
        states = ledger.documents(sorted(missing.values())) if missing else {}
        for one, doc in missing.items():
            if doc in states:
                found[one] = [*found.get(one, ()), states[doc]]
        return found

    def _while_contacts_rest(self) -> AbstractContextManager[None]:
        """A contact that another site creates between our reading and our planning would seem lost, and come twice."""
        return nullcontext() if self._run.dry else self._run.workspace.locks.company()

    def _refresh_links(self, chosen: Sequence[_Chosen]) -> None:
        """How linked documents stand is asked anew: a state restored from a copy must not mail an invoice again."""
        store, now = self._run.store, self._run.workspace.clock.now()
        links = [link for one in chosen if (link := store.links.get(KIND, one.shop_id))]
        if not links:
            return
        states = self._run.ledger.documents([link.ledger_id for link in links])
        for link in links:
            state = states.get(link.ledger_id) or self._run.ledger.document(link.ledger_id)
            with store.transaction():
                # A poll may have told the shop of it meanwhile; what was told must not be forgotten.
                fresh = store.links.get(KIND, link.shop_id) or link
                store.links.save(observed(fresh, state) if state else gone(fresh), now)

    def _start_date(self) -> date:
        """An empty start date means the day of the first run, for ever; it is noted outside the state, too."""
        setting = self._run.workspace.profile.invoices.start_date
        if setting is not None:
            return setting
        cursors, kept = self._run.store.cursors, self._run.workspace.kept
        known, outside = cursors.get(_FIRST_RUN), kept.began()
        days = [day for day in (date.fromisoformat(known) if known else None, outside) if day is not None]
        start = min(days, default=self._run.workspace.clock.now().date())
        if known != start.isoformat():
            cursors.move(_FIRST_RUN, start.isoformat())
        if outside != start and not self._run.dry:
            kept.note_began(start)
        return start

    def _planner(self, start: date, *, foreign: bool) -> InvoicePlanner:
        run, profile = self._run, self._run.workspace.profile
        master = run.ledger.master(bank_accounts=foreign)
        try:
            check_numbering(profile.ledger.numbering, master)
            owner = owner_of(profile.ledger.user, master)
        except MappingProblem:
            run.ledger.forget_master_data()  # once a person has mended it, the next run is to see it
            raise
        return InvoicePlanner(
            documents=DocumentPlanner(
                profile,
                master,
                run.workspace.vat_map,
                owner,
                run.workspace.clock.now().date(),
                run.ledger.negative_prices,
            ),
            contacts=ContactPlanner(
                profile,
                master,
                run.store.contacts,
                self._tried,
                owner,
                self._contact_of,
                self._contacts_under_way(),
                self._customers_of(),
            ),
            finisher=FinishPlanner(profile, master.me.mail),
            site=run.store.site,
            start_date=start,
            skip=profile.invoices.skip,
            done=self._done,
            finished=partial(run.workspace.kept.documents, DocumentEvent.FINISHED),
            forgotten=partial(run.workspace.kept.documents, DocumentEvent.FORGOTTEN),
            url_of=self._url_of,
        )

    def _tried(self, kind: str, key: str) -> bool:
        intent = self._run.store.intents.get("", kind, key)
        return intent is not None and intent.state is IntentState.DONE

    def _contact_of(self, customer: str) -> int | None:
        link = self._run.store.links.get(CUSTOMER, customer)
        return link.ledger_id if link else None

    def _customers_of(self) -> Callable[[int], Collection[str]]:
        """Which customers of the shop a contact is linked to; read as a whole, when it is asked for first."""

        @cache
        def known() -> Mapping[int, set[str]]:
            found: dict[int, set[str]] = {}
            for customer, contact, _ in self._run.store.links.marks(CUSTOMER):
                found.setdefault(contact, set()).add(customer)
            return found

        return lambda ledger_id: known().get(ledger_id, ())

    def _contacts_under_way(self) -> tuple[Step, ...]:
        journal = self._run.applier.journal
        return tuple(
            Step(journal.effect(intent), intent.key, Subject(intent.subject_kind, intent.subject_id))
            for intent in self._run.store.intents.under_way(CreateContact.step_kind)
        )

    def _done(self, kind: str, key: str) -> bool:
        intent = self._run.store.intents.get(self._run.store.site, kind, key)
        return intent is not None and intent.state is IntentState.DONE

    def _url_of(self, shop_id: str) -> str:
        link = self._run.store.links.get(KIND, shop_id)
        return link.url if link else ""

    def _decide(self, planner: InvoicePlanner, shop_id: str, found: list[DocumentState]) -> tuple[Step, ...]:
        subject = Subject(KIND, shop_id)
        row = self._run.store.records.get(KIND, shop_id)
        link = self._run.store.links.get(KIND, shop_id)
        if row is None:
            return ()
        doubt = self._doubt(shop_id) if link else ""
        if doubt:
            self._run.note(Outcome(KIND, "push", shop_id, Status.IN_DOUBT, reason=doubt, code="in_doubt"))
            return ()
        invoice = cast(Invoice, row.record())
        try:
            decision = self._decision(planner, invoice, link, found)
        except RecordProblem as problem:
            if problem.code in _OF_MASTER_DATA:
                self._run.ledger.refresh_master_data()
            if problem.code == WORKLIST:
                remember_credit(self._run.store, invoice, self._run.workspace.clock.now())
            self._run.note_problem(subject, "push", problem, link.number if link else "")
            self._settle(row, RecordState.OPEN, problem.message)
            return ()
        except FAULTS as fault:
            self._fault(row, fault, link)
            return ()
        if isinstance(decision, NoAction):
            self._settled(row, decision, link)
            return ()
        for unit in unknown_units(planner.documents.master, invoice.lines):
            self._run.mention(f"unit:{unit}", f'bexio has no unit "{unit}": it stands in the text of the lines.')
        if invoice.attachments and link is None and not found:
            self._attachments[shop_id] = ", ".join(
                file.filename or file.path or "unnamed" for file in invoice.attachments
            )
        self._works[shop_id] = decision
        return self._run.ledger.steps(decision.wanted)

    def _decision(
        self, planner: InvoicePlanner, invoice: Invoice, link: Link | None, found: list[DocumentState]
    ) -> PlannedInvoice | NoAction:
        """The planner's decision, unless another document of the shop cancels this one, or it cancels another."""
        linked = _linked(link) if link else None
        if is_cancellation(invoice) and link is None and not found:
            return self._cancellation(planner, invoice)
        cancellation = self._references.cancellation_of(invoice)
        if cancellation is None:
            is_new = link is None and not found and planner.would_book(invoice)
            if is_new:
                self._twins.refuse(invoice)
            decision = planner.plan(invoice, self._customer(invoice), linked, found)
            if is_new and isinstance(decision, PlannedInvoice):
                self._twins.add(invoice)
            said = self._references.note_on(invoice)
            if isinstance(decision, PlannedInvoice) and said:
                return replace(decision, note="; ".join(part for part in (decision.note, said) if part))
            return decision
        if link is None and not found:
            return NoAction(cancelled_before_booking(cancellation), ignored=True)
        cancelled = invoice.model_copy(update={"status": "cancelled"})
        return planner.plan(cancelled, self._customer(invoice), linked, found)

    def _cancellation(self, planner: InvoicePlanner, invoice: Invoice) -> NoAction:
        if invoice.status == "draft" or invoice.invoice_date < planner.start_date:
            return NoAction(reason_to_leave_alone(invoice, planner.start_date, planner.skip), ignored=True)
        name = require_reference(invoice)
        original = self._named(name)
        if original is not None and original.shop_id == invoice.shop_id:
            original = None
        require_whole(invoice, cast(Invoice, original.record()) if original else None)
        return NoAction(f"it cancels invoice {name}")

    def _fault(self, row: RecordRow, fault: Exception, link: Link | None) -> None:
        """A bug that only this record brings to light: it is named, and the others go on."""
        where = f" ({row.source}{f', {row.location}' if row.location else ''})" if row.source else ""
        problem = record_fault(f"Invoice {row.shop_id}{where}", fault)
        self._run.note_problem(Subject(KIND, row.shop_id), "push", problem, link.number if link else "")
        self._settle(row, RecordState.OPEN, problem.message)

    def _doubt(self, shop_id: str) -> str:
        """Why nothing may be done to a document yet: an effect on it that may still take place."""
        unsettled = (IntentState.SENDING, IntentState.IN_DOUBT)
        intents = self._run.store.intents.of_subject(KIND, shop_id)
        return next((i.said or f"{i.kind} is unanswered" for i in intents if i.state in unsettled), "")

    def _customer(self, invoice: Invoice) -> Customer | None:
        if invoice.customer is not None or invoice.customer_id is None:
            return invoice.customer
        row = self._run.store.records.get("customer", invoice.customer_id)
        return cast(Customer, row.record()) if row else None

    def _settled(self, row: RecordRow, decision: NoAction, link: Link | None) -> None:
        state = RecordState.IGNORED if decision.ignored else RecordState.DONE
        status = Status.IGNORED if decision.ignored else Status.UNCHANGED
        self._settle(row, state, decision.reason)
        self._run.note(
            Outcome(
                KIND, "push", row.shop_id, status, link.ledger_id if link else None,
                link.number if link else "", link.url if link else "", decision.reason,
            )
        )  # fmt: skip

    def _settle(self, row: RecordRow, state: RecordState, reason: str) -> None:
        self._run.store.records.settle(KIND, row.shop_id, state, reason, self._run.workspace.clock.now())

    # check and apply

    def _apply(self, plan: Plan) -> None:
        run, limits = self._run, self._run.workspace.profile.limits
        if run.dry:
            self._rehearse(plan)
        plan.check(
            documents=limits.documents,
            mails=limits.mails,
            cancels=limits.cancels,
            confirmed=self._options.confirm,
            rehearsed=run.dry,
        )
        if run.dry:
            return
        records = len({step.subject for step in plan.steps})
        for number, applied in enumerate(run.applier.apply(plan), 1):
            run.workspace.progress("pushing", number, records)
            self._record_applied(applied)

    def _rehearse(self, plan: Plan) -> None:
        run, cost = self._run, plan.cost()
        for subject, steps in plan.by_subject():
            titles = ", ".join(step.title for step in steps if step.title)
            run.outcomes[subject] = Outcome(KIND, _action(steps), subject.shop_id, Status.PLANNED, reason=titles)
            self._count_money(steps)
        run.result.data["plan"] = {
            "digest": plan.digest(),
            "documents": cost.documents,
            "mails": cost.mails,
            "cancels": cost.cancels,
            "requests": cost.requests,
            "money": {currency: written(amount) for currency, amount in cost.money.items()},
        }

    def _record_applied(self, applied: AppliedRecord) -> None:
        subject = applied.subject
        outcome = self._run.outcome_of(applied, _action(s.step for s in applied.steps))
        planned = self._works.pop(subject.shop_id)
        now = self._run.workspace.clock.now()
        if outcome.status is Status.DONE and planned.problem is not None:
            self._run.note_problem(subject, outcome.action, planned.problem, outcome.number)
            state, reason = RecordState.OPEN, planned.problem.message
        elif outcome.status is Status.DONE:
            state, reason = RecordState.DONE, ""
            said = (planned.note, self._rounding(subject.shop_id))
            self._run.note(replace(outcome, reason="; ".join(part for part in said if part)))
            self._count_money(one.step for one in applied.steps)
            for ledger_id, digest in planned.reported.items():
                self._run.store.contacts.report(ledger_id, digest)
        else:
            state, reason = RecordState.OPEN, outcome.reason
            self._run.note(outcome)
        self._run.store.records.settle(KIND, subject.shop_id, state, reason, now)

    def _rounding(self, shop_id: str) -> str:
        """Where the total in bexio is another one by rounding, a person sees both amounts."""
        row, link = self._run.store.records.get(KIND, shop_id), self._run.store.links.get(KIND, shop_id)
        stated = cast(Invoice, row.record()).total if row else None
        booked = Decimal(link.state.get("total", "0")) if link else None
        if stated is None or booked is None or stated == booked:
            return ""
        return f"{written(stated)} in the shop, {written(booked)} in bexio, {written(booked - stated)} by rounding"

    def _count_money(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if step.money is not None:
                self._run.result.add_money(step.currency, "invoiced", step.money)


def _action(steps: Iterable[Step]) -> str:
    """The last thing done to the document names what was done to the record."""
    actions = [step.effect.action for step in steps if step.effect.action]
    taken_back = next((action for action in actions if action in ("cancel", "delete")), "")
    if taken_back:
        return taken_back
    finished = next((action for action in reversed(actions) if action in ("issue", "send")), "")
    booked = next((action for action in actions if action not in ("issue", "send")), "")
    return " and ".join(part for part in (booked, finished) if part) or "push"


def _linked(link: Link) -> Linked:
    return Linked(
        ledger_id=link.ledger_id,
        fingerprint=link.fingerprint,
        agreed=link.agreed,
        standing=DocumentStatus(link.state.get("standing", "draft")),
        number=link.number,
        url=link.url,
        total=Decimal(link.state.get("total", "0")),
        shared=link.state.get("shared") == "yes",
        revision=int(link.notes.get("revision", 0)),
        created_as=str(link.notes.get("created_as", "")),
        content=str(link.notes.get("content", "")),
        due_date=str(link.notes.get("due_date", "")),
    )


def check_numbering(numbering: str, master: MasterData) -> None:
    """Raises MappingProblem unless profile and ledger agree on who numbers invoices."""
    if numbering == "ledger" and not master.automatic_numbering:
        raise MappingProblem(
            "bexio does not number invoices by itself, but the profile expects it to.",
            'Switch on automatic numbering in bexio, or set [ledger] numbering = "shop".',
            code="numbering",
        )
    if numbering == "shop" and master.automatic_numbering:
        raise MappingProblem(
            "bexio numbers invoices by itself, but the profile says that the shop does.",
            'Switch off automatic numbering in bexio, or set [ledger] numbering = "ledger".',
            code="numbering",
        )


def owner_of(mail: str, master: MasterData) -> User:
    """The user that documents belong to; raises MappingProblem where the ledger has no such one."""
    if not mail:
        return master.me
    for user in master.users:
        if user.mail.casefold() == mail.casefold():
            return user
    raise MappingProblem(
        f"bexio has no user with the mail {mail}.",
        f"Correct [ledger] user; it has {', '.join(u.mail for u in master.users)}.",
        code="unknown_user",
    )
