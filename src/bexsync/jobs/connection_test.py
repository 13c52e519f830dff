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
from bexsync.engine.apply import Applied, StepStatus
from bexsync.errors import BexsyncError, ConfigurationProblem, RecordProblem, Refused, TryLater
from bexsync.jobs.run import Run
from bexsync.money import plain, written
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

Write = Callable[[int, bool], Document]


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
class ConnectionTest:
    """One trial; `write` gives the document for a contact, with or without a deduction; `cannot_write` says why not."""

    run: Run
    inspection: Inspection
    owner_id: int
    language_id: int | None
    write: Write
    cannot_write: RecordProblem | None = None
    checks: list[Check] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    learned: dict[str, bool] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    failed: bool = False
    _tidied: int = 0

    @property
    def _ledger(self) -> str:
        return self.inspection.master.ledger

    def go(self) -> None:
        """All of it; raises TryLater or LoginNeeded where only a later run can go on."""
        unanswered = self._settle()
        self._guarded(_TIDY, WRITE_INVOICES, self._delete_drafts)
        if unanswered:
            self._guarded(_TIDY, WRITE_CONTACTS, self._archive_contacts)
            raise _unanswered(self._ledger)
        if not self.left and not self.failed:
            self._forget_story()
            self._guarded(_CONTACT, WRITE_CONTACTS, self._try)
        self._guarded(_TIDY, WRITE_INVOICES, self._delete_drafts)
        self._guarded(_TIDY, WRITE_CONTACTS, self._archive_contacts)
        self._conclude()

    # the engine

    def _do(self, step: Step) -> Applied:
        """A step to its end: an answer that did not come is looked for until it is known what it was."""
        for _ in range(_ATTEMPTS):
            (record,) = self.run.applier.apply(Plan((step,)))
            (applied,) = record.steps
            if applied.fate is not StepStatus.IN_DOUBT:
                return applied
            if self._settle():
                break
        raise _unanswered(self._ledger)

    def _settle(self) -> list[Intent]:
        """Looks for what is in doubt; what of ours stays so."""
        return self.run.recovery.settle_patiently(lambda intent: intent.subject_kind == SUBJECT.kind)

    def _story(self) -> list[Intent]:
        return self.run.store.intents.of_subject(SUBJECT.kind, SUBJECT.shop_id)

    def _forget_story(self) -> None:
        self.run.store.intents.forget(SUBJECT.kind, SUBJECT.shop_id, self.run.workspace.clock.now())

    def _step(self, effect: Effect, name: str, expect: Mapping[str, str] | None = None) -> Step:
        return Step(effect, name, SUBJECT, scope=self._site, expect=expect or {}, title=name)

    @property
    def _site(self) -> str:
        return self.run.store.site

    @property
    def _reference(self) -> str:
        return reference(self._site)

    def _guarded(self, name: str, need: Need, work: Callable[[], None]) -> None:
        """Does it; what needs a person becomes a check, so that what was made is put away all the same."""
        try:
            work()
        except (ConfigurationProblem, Refused) as problem:
            self._note_failure(name, need, problem)

    def _note_failure(self, name: str, need: Need, problem: BexsyncError) -> None:
        self.checks.append(wrong(name, "refused", *explained(problem, need, self.inspection)))

    # contact and draft

    def _try(self) -> None:
        if self.cannot_write is not None:
            self.checks.append(wrong(_INVOICE, "left out", self.cannot_write.message, self.cannot_write.hint))
            return
        contact_id = self._contact()
        if contact_id is not None:
            self._guarded(_INVOICE, WRITE_INVOICES, lambda: self._invoice(contact_id))

    def _contact(self) -> int | None:
        """The test's contact, alive; None where the ledger refused it."""
        known = self._contacts()
        if known:
            oldest = min(known, key=lambda row: row.ledger_id)
            if not oldest.archived:
                return self._contact_is(oldest.ledger_id, "found where an earlier test left it")
            step = self._step(RestoreContact(ledger_id=oldest.ledger_id), f"restore {oldest.ledger_id}")
            applied = self._do(step)
            said = "restored"
        else:
            applied = self._do(self._step(self._form(mail(self._site)), "create the contact"))
            if applied.fate is StepStatus.REFUSED and "mail" in applied.said:
                applied = self._do(self._step(self._form(""), "create the contact"))
            said = "created"
        if applied.fate is not StepStatus.DONE:
            self.checks.append(wrong(_CONTACT, "refused", applied.said, _hint(applied.said, self._ledger)))
            return None
        return self._contact_is(applied.result["ledger_id"], said)

    def _contact_is(self, ledger_id: int, said: str) -> int:
        url = self.run.ledger.contact_url(ledger_id)
        self.facts["contact"] = {"ledger_id": ledger_id, "url": url, "was": said}
        self.checks.append(Check(_CONTACT, Verdict.OK, said, f'It is called "{NAME}", {self._site}.'))
        return ledger_id

    def _form(self, address: str) -> CreateContact:
        return CreateContact(
            kind="company",
            name_1=NAME,
            name_2=self._site,
            mail=address,
            phone="",
            postcode="",
            owner_id=self.owner_id,
            language_id=self.language_id,
            remarks=_REMARK,
        )

    def _contacts(self) -> list[ContactRow]:
        """The contacts that bear the test's name and no mail but its own; whoever renames one may keep it."""
        self.run.ledger.refresh_contacts()
        index, own = self.run.store.contacts, mail(self._site)
        rows = {row.ledger_id: row for row in (*index.by_mail(own), *index.by_name(NAME, self._site, ""))}
        return [
            row for row in rows.values()
            if (row.name_1, row.name_2) == (NAME, self._site) and row.mail in ("", own) and not row.mail_second
        ]  # fmt: skip

    def _invoice(self, contact_id: int) -> None:
        """With a deduction first, where nobody knows better: that answers whether prices may be negative."""
        tries = (True, False) if self.run.ledger.negative_prices else (False,)
        refused_with_deduction = False
        for deducted in tries:
            document = self.write(contact_id, deducted)
            effect = CreateDocument(**vars(document.header), positions=document.positions)
            applied = self._do(self._step(effect, self._reference, document.expect))
            if applied.fate is not StepStatus.REFUSED:
                break
            refused_with_deduction = deducted
        negative = True if deducted else False if refused_with_deduction else None
        self._judge(applied, document, contact_id, negative)

    def _judge(self, applied: Applied, document: Document, contact_id: int, negative: bool | None) -> None:
        intent = self.run.store.intents.get(self._site, CreateDocument.step_kind, self._reference)
        if applied.fate is StepStatus.REFUSED or intent is None or intent.ledger_id is None:
            self.failed = applied.fate is not StepStatus.REFUSED
            self.checks.append(wrong(_INVOICE, "refused", applied.said, _hint(applied.said, self._ledger)))
            return
        state = self.run.ledger.document(intent.ledger_id)
        if state is None:
            self._wrong("vanished", "Somebody deleted the draft while it was being looked at.", "Run the test again.")
            return
        rounding = state.total - document.total
        self.facts["invoice"] = {
            "ledger_id": state.ledger_id, "number": state.number, "url": state.url,
            "expected": plain(document.total), "within": plain(document.within),
            "total": written(state.total), "rounding": plain(rounding), "currency": document.currency,
        }  # fmt: skip
        shown = EffectResult(state.ledger_id, state=state)
        odd = unexpected(document.expect, shown, self._ledger) or self._otherwise_booked(state, document)
        if odd or state.contact_id != contact_id:
            self._wrong(
                f"{written(state.total)} {document.currency}",
                odd or f"{self._ledger} shows it for another contact.",
                "Nothing was issued. "
                f"Look at the tax and the rounding of the currency in {self._ledger}, and report this line.",
            )
            return
        self.checks.append(
            Check(
                _INVOICE,
                Verdict.OK,
                f"{state.number}, {written(state.total)} {document.currency} as expected",
                f"The lines come to {plain(document.total)}, which {self._ledger} rounds by {written(rounding)}."
                if rounding
                else f"The lines come to {plain(document.total)}.",
            )
        )
        self.learned = dict(self.run.ledger.experiment(state, self._mail_of(contact_id), negative))

    def _mail_of(self, contact_id: int) -> str:
        row = self.run.store.contacts.get(contact_id)
        return row.mail if row else ""

    def _otherwise_booked(self, state: DocumentState, document: Document) -> str:
        """The ledger might book on something else than it was told, without a word."""
        sent = [(p.account_id, p.tax_id) for p in document.positions if p.unit_price is not None]
        for (account, tax), line in zip(sent, self.run.ledger.booked_lines(state.ledger_id), strict=False):
            if line.account_id not in (None, account):
                return f"{self._ledger} booked a line on the account {line.account_id} instead of {account} (ids)."
            if tax is not None and line.tax_id not in (None, tax):
                return f"{self._ledger} gave a line the tax {line.tax_id} instead of {tax} (ids)."
        return ""

    def _wrong(self, value: str, sentence: str, hint: str) -> None:
        self.failed = True
        self.checks.append(wrong(_INVOICE, value, sentence, hint))

    # putting away

    def _delete_drafts(self) -> None:
        """Every draft of a test, known by its reference or by the journal, since a search may lag."""
        found = {state.ledger_id: state for state in self.run.ledger.documents_with(self._reference)}
        for ledger_id in self._made():
            if ledger_id not in found and (state := self.run.ledger.document(ledger_id)) is not None:
                found[ledger_id] = state
        for state in found.values():
            if not any(left.url == state.url for left in self.left):
                self._delete(state)

    def _made(self) -> Iterable[int]:
        """The documents of the journal's story that it does not know to be deleted."""
        story = self._story()
        deleted = {i.ledger_id for i in story if i.kind == DeleteTestDraft.step_kind and i.state is IntentState.DONE}
        return [
            i.ledger_id
            for i in story
            if i.kind == CreateDocument.step_kind and i.ledger_id and i.ledger_id not in deleted
        ]

    def _delete(self, state: DocumentState) -> None:
        if state.reference != self._reference:
            return  # an id that was given to somebody else's document
        if state.standing is not DocumentStatus.DRAFT:
            self._leave(state.number, state.url, f"it is no draft any more ({state.standing.value.replace('_', ' ')})")
            return
        effect = DeleteTestDraft(document_id=state.ledger_id, reference=self._reference)
        step = self._step(effect, f"delete {state.ledger_id}")
        self._take_away(step, state.number, state.url, WRITE_INVOICES)

    def _archive_contacts(self) -> None:
        for row in self._contacts():
            if not row.archived:
                step = self._step(ArchiveContact(ledger_id=row.ledger_id, name_1=NAME), f"archive {row.ledger_id}")
                self._take_away(step, "the contact", self.run.ledger.contact_url(row.ledger_id), WRITE_CONTACTS)

    def _take_away(self, step: Step, what: str, url: str, need: Need) -> None:
        try:
            applied = self._do(step)
        except (ConfigurationProblem, Refused) as problem:
            self._leave(what, url, " ".join(explained(problem, need, self.inspection)))
            return
        if applied.fate is StepStatus.DONE:
            self._tidied += 1
        else:
            self._leave(what, url, applied.said)

    def _leave(self, what: str, url: str, why: str) -> None:
        self.failed = True
        self.left.append(Left(what, url, why))

    def _conclude(self) -> None:
        for left in self.left:
            self.checks.append(
                wrong(
                    _TIDY,
                    f"{left.what} is left",
                    f"{left.url}: {left.why.rstrip('.')}.",
                    f"The next `bexsync test-connection` tries again; or put it away in {self._ledger}.",
                )
            )
        unsettled = any(i.state in (IntentState.SENDING, IntentState.IN_DOUBT) for i in self._story())
        if not self.left and not unsettled:
            self._forget_story()
            if self._tidied and not any(check.name == _TIDY for check in self.checks):
                self.checks.append(Check(_TIDY, Verdict.OK, "the draft is deleted, the contact archived"))


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
