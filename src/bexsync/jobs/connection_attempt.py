"""The trial of a connection test: one contact, one draft, looked at and put away again.

It goes through the journal like every other effect, so that a death anywhere leaves what the next trial finds:
steps in doubt are settled first, drafts are known by their reference and by the journal, the contact by its name
and mail. Once nothing of it is left in the ledger the journal forgets the story, so that the next trial begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bexsync.engine.answers import unexpected
from bexsync.engine.sending import Applied, StepStatus
from bexsync.errors import ConfigurationProblem, RecordProblem, Refused, TryLater
from bexsync.ids import LedgerId
from bexsync.jobs.run import Run
from bexsync.money import decimal_text, format_amount
from bexsync.planning.checks import WRITE_CONTACTS, WRITE_INVOICES, Check, Need, Verdict, explained, wrong
from bexsync.planning.documents import Document
from bexsync.planning.plan import Plan
from bexsync.ports.contact_effects import ArchiveContact, CreateContact, RestoreContact
from bexsync.ports.document_effects import CreateDocument, DeleteTestDraft
from bexsync.ports.documents import DocumentState, DocumentStatus, EffectResult
from bexsync.ports.ledger import Inspection
from bexsync.ports.steps import Effect, Step, Subject
from bexsync.ports.store import ContactRow, Intent, IntentState

SUBJECT = Subject("test", "connection")
NAME = "bexsync connection test"
_ATTEMPTS = 3
_REMARK = "Made by `bexsync test-connection`: archived after each test, restored for the next. Nothing is sent to it."
_CONTACT, _INVOICE, _TIDY = "test contact", "test invoice", "tidying up"

Write = Callable[[bool], Document]


def reference(site: str) -> str:
    """What the test's draft carries; no invoice of the shop can, since their kind is another."""
    return f"bexsync:{site}:test:connection"


def mail(site: str) -> str:
    """An address nobody can have (RFC 2606)."""
    return f"bexsync-test-{site}@example.invalid"


@dataclass(frozen=True)
class Left:
    """Something that could not be taken away: what it is, where, and why."""

    what: str
    url: str
    why: str


@dataclass
class TrialFindings:
    """What a trial has found out so far, and what it could not put away."""

    inspection: Inspection
    checks: list[Check] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    learned: dict[str, bool] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    failed: bool = False

    def guarded(self, name: str, need: Need, work: Callable[[], None]) -> None:
        """Does it; what needs a person becomes a check, so that what was made is put away all the same."""
        try:
            work()
        except (ConfigurationProblem, Refused) as problem:
            self.checks.append(wrong(name, "refused", *explained(problem, need, self.inspection)))

    def refused(self, name: str, said: str) -> None:
        """The ledger refused a step: what it said, and which setting that is about."""
        self.checks.append(wrong(name, "refused", said, _hint(said, self.inspection.master.ledger)))


@dataclass(frozen=True)
class _Steps:
    """Carries out the test's steps through the journal."""

    run: Run
    ledger: str

    @property
    def site(self) -> str:
        return self.run.store.site

    @property
    def reference(self) -> str:
        return reference(self.site)

    def do(self, step: Step) -> Applied:
        """A step to its end: an answer that did not come is looked for until it is known what it was."""
        for _ in range(_ATTEMPTS):
            (record,) = self.run.applier.apply(Plan((step,)))
            (applied,) = record.steps
            if applied.status is not StepStatus.IN_DOUBT:
                return applied
            if self.settle():
                break
        raise _unanswered(self.ledger)

    def settle(self) -> list[Intent]:
        """Looks for what is in doubt; what of ours stays so."""
        return self.run.recovery.settle_patiently(lambda intent: intent.subject_kind == SUBJECT.kind)

    def story(self) -> list[Intent]:
        return self.run.store.intents.of_subject(SUBJECT.kind, SUBJECT.shop_id)

    def forget_story(self) -> None:
        self.run.store.intents.forget(SUBJECT.kind, SUBJECT.shop_id, self.run.workspace.clock.now())

    def step(self, effect: Effect, name: str, expect: Mapping[str, str] | None = None) -> Step:
        return Step(effect, name, SUBJECT, scope=self.site, expect=expect or {}, title=name)


@dataclass(frozen=True)
class _TestContact:
    """The contact of all tests: made once, restored for each test and archived after it."""

    steps: _Steps
    found: TrialFindings
    owner_id: LedgerId
    language_id: LedgerId | None

    def make(self) -> LedgerId | None:
        """The test's contact, alive; None where the ledger refused it."""
        known = self.all()
        if known:
            oldest = min(known, key=lambda row: row.ledger_id.age)
            if not oldest.archived:
                return self._contact_is(oldest.ledger_id, "found where an earlier test left it")
            step = self.steps.step(RestoreContact(ledger_id=oldest.ledger_id), f"restore {oldest.ledger_id}")
            applied = self.steps.do(step)
            said = "restored"
        else:
            applied = self.steps.do(self.steps.step(self._form(mail(self.steps.site)), "create the contact"))
            if applied.status is StepStatus.REFUSED and "mail" in applied.said:
                applied = self.steps.do(self.steps.step(self._form(""), "create the contact"))
            said = "created"
        if applied.status is not StepStatus.DONE:
            self.found.refused(_CONTACT, applied.said)
            return None
        return self._contact_is(applied.result["ledger_id"], said)

    def _contact_is(self, ledger_id: LedgerId, said: str) -> LedgerId:
        url = self.steps.run.ledger.contact_url(ledger_id)
        self.found.facts["contact"] = {"ledger_id": ledger_id, "url": url, "was": said}
        self.found.checks.append(Check(_CONTACT, Verdict.OK, said, f'It is called "{NAME}", {self.steps.site}.'))
        return ledger_id

    def _form(self, address: str) -> CreateContact:
        return CreateContact(
            kind="company",
            name_1=NAME,
            name_2=self.steps.site,
            mail=address,
            phone="",
            postcode="",
            owner_id=self.owner_id,
            language_id=self.language_id,
            remarks=_REMARK,
        )

    def all(self) -> list[ContactRow]:
        """The contacts that bear the test's name and no mail but its own; whoever renames one may keep it."""
        self.steps.run.ledger.refresh_contacts()
        index, own = self.steps.run.store.contacts, mail(self.steps.site)
        rows = {row.ledger_id: row for row in (*index.by_mail(own), *index.by_name(NAME, self.steps.site, ""))}
        return [
            row for row in rows.values()
            if (row.name_1, row.name_2) == (NAME, self.steps.site) and row.mail in ("", own) and not row.mail_second
        ]  # fmt: skip


@dataclass(frozen=True)
class _TestDraft:
    """The draft of one test: created, then compared with what was sent."""

    steps: _Steps
    found: TrialFindings
    write: Write

    def make(self, contact_id: LedgerId) -> None:
        """With a deduction first, where nobody knows better: that answers whether prices may be negative."""
        tries = (True, False) if self.steps.run.ledger.negative_prices else (False,)
        refused_with_deduction = False
        for deducted in tries:
            document = self.write(deducted)
            effect = CreateDocument(**vars(document.header), contact_id=contact_id, positions=document.positions)
            applied = self.steps.do(self.steps.step(effect, self.steps.reference, document.expect))
            if applied.status is not StepStatus.REFUSED:
                break
            refused_with_deduction = deducted
        negative = True if deducted else False if refused_with_deduction else None
        self._judge(applied, document, contact_id, negative)

    def _judge(self, applied: Applied, document: Document, contact_id: LedgerId, negative: bool | None) -> None:
        intent = self.steps.run.store.intents.get(self.steps.site, CreateDocument.step_kind, self.steps.reference)
        if applied.status is StepStatus.REFUSED or intent is None or intent.ledger_id is None:
            self.found.failed = applied.status is not StepStatus.REFUSED
            self.found.refused(_INVOICE, applied.said)
            return
        state = self.steps.run.ledger.document(intent.ledger_id)
        if state is None:
            self._wrong("vanished", "Somebody deleted the draft while it was being looked at.", "Run the test again.")
            return
        rounding = state.total - document.total
        self.found.facts["invoice"] = {
            "ledger_id": state.ledger_id, "number": state.number, "url": state.url,
            "expected": decimal_text(document.total), "within": decimal_text(document.within),
            "total": format_amount(state.total), "rounding": decimal_text(rounding), "currency": document.currency,
        }  # fmt: skip
        shown = EffectResult(state.ledger_id, state=state)
        odd = unexpected(document.expect, shown, self.steps.ledger) or self._otherwise_booked(state, document)
        if odd or state.contact_id != contact_id:
            self._wrong(
                f"{format_amount(state.total)} {document.currency}",
                odd or f"{self.steps.ledger} shows it for another contact.",
                "Nothing was issued. "
                f"Look at the tax and the rounding of the currency in {self.steps.ledger}, and report this line.",
            )
            return
        self.found.checks.append(
            Check(
                _INVOICE,
                Verdict.OK,
                f"{state.number}, {format_amount(state.total)} {document.currency} as expected",
                f"The lines come to {decimal_text(document.total)}, which {self.steps.ledger} rounds by "
                f"{format_amount(rounding)}."
                if rounding
                else f"The lines come to {decimal_text(document.total)}.",
            )
        )
        self.found.learned = dict(self.steps.run.ledger.experiment(state, self._mail_of(contact_id), negative))

    def _mail_of(self, contact_id: LedgerId) -> str:
        row = self.steps.run.store.contacts.get(contact_id)
        return row.mail if row else ""

    def _otherwise_booked(self, state: DocumentState, document: Document) -> str:
        """The ledger might book on something else than it was told, without a word."""
        sent = [(p.account_id, p.tax_id) for p in document.positions if p.unit_price is not None]
        for (account, tax), line in zip(sent, self.steps.run.ledger.booked_lines(state.ledger_id), strict=False):
            if line.account_id not in (None, account):
                return f"{self.steps.ledger} booked a line on the account {line.account_id} instead of {account} (ids)."
            if tax is not None and line.tax_id not in (None, tax):
                return f"{self.steps.ledger} gave a line the tax {line.tax_id} instead of {tax} (ids)."
        return ""

    def _wrong(self, value: str, sentence: str, hint: str) -> None:
        self.found.failed = True
        self.found.checks.append(wrong(_INVOICE, value, sentence, hint))


@dataclass
class _Tidying:
    """Deletes the drafts of tests and archives their contact, and says what is left."""

    steps: _Steps
    found: TrialFindings
    contact: _TestContact
    _tidied: int = 0

    def delete_drafts(self) -> None:
        """Every draft of a test, known by its reference or by the journal, since a search may lag."""
        found = {state.ledger_id: state for state in self.steps.run.ledger.documents_with(self.steps.reference)}
        for ledger_id in self._made():
            if ledger_id not in found and (state := self.steps.run.ledger.document(ledger_id)) is not None:
                found[ledger_id] = state
        for state in found.values():
            if not any(left.url == state.url for left in self.found.left):
                self._delete(state)

    def _made(self) -> Iterable[LedgerId]:
        """The documents of the journal's story that it does not know to be deleted."""
        story = self.steps.story()
        deleted = {i.ledger_id for i in story if i.kind == DeleteTestDraft.step_kind and i.state is IntentState.DONE}
        return [
            i.ledger_id
            for i in story
            if i.kind == CreateDocument.step_kind and i.ledger_id and i.ledger_id not in deleted
        ]

    def _delete(self, state: DocumentState) -> None:
        if state.reference != self.steps.reference:
            return  # an id that was given to somebody else's document
        if state.standing is not DocumentStatus.DRAFT:
            self._leave(state.number, state.url, f"it is no draft any more ({state.standing.value.replace('_', ' ')})")
            return
        effect = DeleteTestDraft(document_id=state.ledger_id, reference=self.steps.reference)
        step = self.steps.step(effect, f"delete {state.ledger_id}")
        self._take_away(step, state.number, state.url, WRITE_INVOICES)

    def archive_contacts(self) -> None:
        for row in self.contact.all():
            if not row.archived:
                step = self.steps.step(ArchiveContact(ledger_id=row.ledger_id, name_1=NAME), f"archive {row.ledger_id}")
                self._take_away(step, "the contact", self.steps.run.ledger.contact_url(row.ledger_id), WRITE_CONTACTS)

    def _take_away(self, step: Step, what: str, url: str, need: Need) -> None:
        try:
            applied = self.steps.do(step)
        except (ConfigurationProblem, Refused) as problem:
            self._leave(what, url, " ".join(explained(problem, need, self.found.inspection)))
            return
        if applied.status is StepStatus.DONE:
            self._tidied += 1
        else:
            self._leave(what, url, applied.said)

    def _leave(self, what: str, url: str, why: str) -> None:
        self.found.failed = True
        self.found.left.append(Left(what, url, why))

    def conclude(self) -> None:
        for left in self.found.left:
            self.found.checks.append(
                wrong(
                    _TIDY,
                    f"{left.what} is left",
                    f"{left.url}: {left.why.rstrip('.')}.",
                    f"The next `bexsync test-connection` tries again; or put it away in {self.steps.ledger}.",
                )
            )
        unsettled = any(i.state in (IntentState.SENDING, IntentState.IN_DOUBT) for i in self.steps.story())
        if not self.found.left and not unsettled:
            self.steps.forget_story()
            if self._tidied and not any(check.name == _TIDY for check in self.found.checks):
                self.found.checks.append(Check(_TIDY, Verdict.OK, "the draft is deleted, the contact archived"))


class ConnectionTest:
    """One trial; `write` gives the document for a contact, with or without a deduction; `cannot_write` says why not."""

    def __init__(
        self,
        run: Run,
        inspection: Inspection,
        owner_id: LedgerId,
        language_id: LedgerId | None,
        write: Write,
        cannot_write: RecordProblem | None = None,
    ) -> None:
        self.found = TrialFindings(inspection)
        self._cannot_write = cannot_write
        self._steps = _Steps(run, inspection.master.ledger)
        self._contact = _TestContact(self._steps, self.found, owner_id, language_id)
        self._draft = _TestDraft(self._steps, self.found, write)
        self._tidying = _Tidying(self._steps, self.found, self._contact)

    def go(self) -> None:
        """All of it; raises TryLater or LoginNeeded where only a later run can go on."""
        unanswered = self._steps.settle()
        self.found.guarded(_TIDY, WRITE_INVOICES, self._tidying.delete_drafts)
        if unanswered:
            self.found.guarded(_TIDY, WRITE_CONTACTS, self._tidying.archive_contacts)
            raise _unanswered(self._steps.ledger)
        if not self.found.left and not self.found.failed:
            self._steps.forget_story()
            self.found.guarded(_CONTACT, WRITE_CONTACTS, self._try)
        self.found.guarded(_TIDY, WRITE_INVOICES, self._tidying.delete_drafts)
        self.found.guarded(_TIDY, WRITE_CONTACTS, self._tidying.archive_contacts)
        self._tidying.conclude()

    def _try(self) -> None:
        if self._cannot_write is not None:
            self.found.checks.append(wrong(_INVOICE, "left out", self._cannot_write.message, self._cannot_write.hint))
            return
        contact_id = self._contact.make()
        if contact_id is not None:
            self.found.guarded(_INVOICE, WRITE_INVOICES, lambda: self._draft.make(contact_id))


def _unanswered(ledger: str) -> TryLater:
    return TryLater(
        f"{ledger} has not answered a request of the test, and nobody knows yet whether it was carried out.",
        "The next `bexsync test-connection` looks for it first, and puts away what it finds.",
        code="in_doubt",
    )


def _hint(said: str, ledger: str) -> str:
    """What of the profile a refusal speaks of."""
    hints = {
        "account_id": "Correct [ledger] revenue_account.",
        "tax_id": f"Correct [ledger] tax_code, or the tax in {ledger}.",
        "document_nr": f"Correct [ledger] numbering, or the switch in {ledger}.",
        "currency_id": "Correct [ledger] currency.",
        "bank_account_id": "Correct [ledger] bank_account.",
        "template_slug": "Correct [invoices] template.",
        "user_id": "Correct [ledger] user.",
        "owner_id": "Correct [ledger] user.",
    }
    return next((hint for name, hint in hints.items() if name in said), f"Correct what {ledger} names.")


def telling_lines(*, deducted: bool) -> list[dict[str, Any]]:
    """Lines of 10.01 without tax, a sum that every way of rounding shows."""
    name = "Test of the connection, nothing to pay"
    if not deducted:
        return [{"name": name, "unit_price": Decimal("10.01")}]
    return [
        {"name": name, "unit_price": Decimal("11.01")},
        {"name": "Test of a deduction", "type": "discount", "discount_amount": Decimal("1")},
    ]
