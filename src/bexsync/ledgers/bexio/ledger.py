"""bexio as a Ledger: what to read, how to do each effect, and how to look for one in doubt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bexsync.errors import Changed, Defect, Refused
from bexsync.http.clock import Clock
from bexsync.ledgers.bexio.api import Api, Row
from bexsync.ledgers.bexio.cancelling import Cancelling
from bexsync.ledgers.bexio.contacts import ContactBook
from bexsync.ledgers.bexio.contents import begins_with, may_rewrite
from bexsync.ledgers.bexio.effects import EFFECTS, AddPosition, ClearPositions, EditDocument
from bexsync.ledgers.bexio.finders import INVOICES, DocumentFinder
from bexsync.ledgers.bexio.items import ItemBook
from bexsync.ledgers.bexio.letter import filled, in_letters
from bexsync.ledgers.bexio.markup import markup, unmarked
from bexsync.ledgers.bexio.master import MasterReader
from bexsync.ledgers.bexio.reading import (
    NotUnderstood,
    after_the_effect,
    number,
    record_id,
    row_of,
    spare_text,
    understood,
)
from bexsync.ledgers.bexio.records import (
    contact_edit_to,
    contact_from,
    contact_to,
    document_done,
    document_from,
    document_of,
    embedded_position,
    invoice_to,
    is_same_contact,
    payment_from,
    position_to,
    positions_of,
    segment,
)
from bexsync.ledgers.bexio.steps import steps_for
from bexsync.ledgers.bexio.trial import Experiments, TidyingUp, booked_lines, inspect
from bexsync.money import written
from bexsync.ports.contact_effects import ArchiveContact, CreateContact, EditContact, RelateContacts, RestoreContact
from bexsync.ports.document_effects import (
    CancelDocument,
    ClaimDocument,
    CreateDocument,
    DeleteDocument,
    DeleteTestDraft,
    LinkDocument,
    LookAtDocument,
    Position,
)
from bexsync.ports.documents import BookedLine, DocumentState, DocumentStatus, EffectResult, Item, LookupResult, Payment
from bexsync.ports.finishing_effects import FinishingEffect, IssueDocument, SendDocument
from bexsync.ports.item_effects import CreateItem, EditItem
from bexsync.ports.ledger import Inspection
from bexsync.ports.master_data import MasterData
from bexsync.ports.steps import Effect, Step
from bexsync.ports.wanted import WantedInvoice
from bexsync.records.folding import alike
from bexsync.store import Store

_SEND_ISSUES = "send_issues_drafts"
_ISSUED_FIRST = "send_needs_issue"
_NEGATIVE_PRICES = "negative_prices"
_OF_MASTER = re.compile(
    r"\b(user_id|owner_id|language_id|bank_account_id|currency_id|template_slug|account_id|tax_id|unit_id"
    r"|tax_income_id|country_id|salutation_id|contact_group_ids|document_nr|mwst_type)\b"
)
_OF_CONTACTS = re.compile(r"\bcontact(_sub)?_id\b")
_OF_LETTER = re.compile(r"^(recipient_email|subject|message|attach_pdf)\b")


class BexioLedger:
    """One company in bexio; see `ports.Ledger` for the contract."""

    def __init__(
        self, api: Api, store: Store, clock: Clock, *, web_url: str, bank_accounts: bool, templates: bool
    ) -> None:
        self._api = api
        self._store = store
        self._clock = clock
        self._web_url = web_url
        self._master = MasterReader(api, store.facts, bank_accounts=bank_accounts, templates=templates)
        self._contacts = ContactBook(api, store)
        self._finder = DocumentFinder(api, store, web_url)
        self._items = ItemBook(api, store.facts, clock, web_url)
        self._tidying = TidyingUp(api, web_url)
        self._cancelling = Cancelling(api, self._finder)
        self._discoveries = 0
        self._performers: dict[type[Effect], Callable[[Any], EffectResult]] = {
            CreateContact: self._create_contact,
            RestoreContact: self._restore_contact,
            EditContact: self._edit_contact,
            RelateContacts: self._relate_contacts,
            CreateDocument: self._create_invoice,
            LinkDocument: self._link_document,
            ClaimDocument: self._claim_document,
            LookAtDocument: self._show_done,
            EditDocument: self._edit_invoice,
            ClearPositions: self._clear_positions,
            AddPosition: self._add_position,
            IssueDocument: self._issue,
            SendDocument: self._send,
            CancelDocument: self._cancelling.cancel,
            DeleteDocument: self._cancelling.delete,
            DeleteTestDraft: self._tidying.delete_draft,
            ArchiveContact: self._tidying.archive_contact,
            CreateItem: self._items.create,
            EditItem: self._items.edit,
        }
        self._finders: dict[type[Effect], Callable[[Any], LookupResult]] = {
            CreateContact: self._find_contact,
            RestoreContact: self._find_restored,
            RelateContacts: self._find_relation,
            CreateDocument: self._find_invoice,
            AddPosition: self._find_position,
            IssueDocument: self._find_issued,
            SendDocument: self._find_sent,
            CancelDocument: self._cancelling.find_cancelled,
            DeleteDocument: self._cancelling.find_deleted,
            DeleteTestDraft: self._tidying.find_deleted,
            ArchiveContact: self._tidying.find_archived,
            CreateItem: self._items.find_created,
            EditItem: self._items.find_edited,
        }

    @property
    def effects(self) -> Sequence[type[Effect]]:
        """The effects that bexio can perform."""
        return EFFECTS

    def steps(self, wanted: WantedInvoice) -> tuple[Step, ...]:
        """The steps that make what is wanted for an invoice, in order."""
        return steps_for(wanted, send_issues=self.send_issues)

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._api.requests

    @property
    def learned_facts(self) -> int:
        """Grows whenever something was learned that may change a plan."""
        return self._discoveries

    @property
    def send_issues(self) -> bool:
        """Whether sending a draft issues it as well (contract 6.5, an open question until it was seen)."""
        return self._store.facts.get(_SEND_ISSUES) is not False

    @property
    def negative_prices(self) -> bool:
        """Whether a position may have a negative price (an open question until one was refused)."""
        return self._store.facts.get(_NEGATIVE_PRICES) is not False

    def master(self, *, bank_accounts: bool = False) -> MasterData:
        """Master data, cached for a day, accounts for a minute; `bank_accounts` asks for those, where permitted."""
        return self._master.read(self._clock.now(), bank_accounts=bank_accounts)

    def forget_master_data(self) -> None:
        """Reads master data anew next time."""
        self._master.forget()
        self._discoveries += 1

    def refresh_master_data(self) -> None:
        """Reads master data anew unless that was done in the last minute."""
        if not self._master.is_fresh(self._clock.now()):
            self.forget_master_data()

    def refresh_contacts(self) -> None:
        """Brings the contact index of the store up to date."""
        self._contacts.refresh(self._clock.now())

    def find_documents(self, references: Sequence[str]) -> dict[str, list[DocumentState]]:
        """The documents that carry exactly these references."""
        return self._finder.by_references(references, self._clock.now())

    def documents(self, ledger_ids: Sequence[int]) -> dict[int, DocumentState]:
        """The documents with these ids."""
        return self._finder.by_ids(ledger_ids, self._clock.now())

    def documents_changed_since(self, moment: datetime | None) -> Iterator[DocumentState]:
        """Every document that changed at or after a moment."""
        return self._finder.changed_since(moment)

    def document(self, ledger_id: int) -> DocumentState | None:
        """One document with its positions, None when it no longer exists."""
        try:
            return self._show(ledger_id)
        except Refused as problem:
            if problem.status == 404:
                return None
            raise

    def payments(self, ledger_id: int) -> Sequence[Payment]:
        """The payments of a document; a credit voucher set off against it may stand among them and is none."""
        rows = self._api.list(f"{INVOICES}/{ledger_id}/payment")
        return [payment_from(row) for row in rows if not row.get("kb_credit_voucher_id")]

    def items(self) -> Iterator[Item]:
        """Every item, page by page."""
        return self._items.all()

    def item(self, ledger_id: int) -> Item | None:
        """One item as it is now, None when it no longer exists."""
        return self._items.one(ledger_id)

    def find_items(self, code: str) -> Sequence[Item]:
        """The items with exactly this code."""
        return self._items.with_code(code)

    def item_url(self, ledger_id: int) -> str:
        """The deep link of an item."""
        return self._items.url(ledger_id)

    def inspect(self, reference: str) -> Inspection:
        """Master data asked for anew, with rights and the documents that carry a reference."""
        return inspect(self._api, self._master, self._finder, reference, self._clock.now())

    def documents_with(self, reference: str) -> Sequence[DocumentState]:
        """The documents that carry exactly this reference, by a plain search."""
        return self._finder.one(reference)

    def booked_lines(self, ledger_id: int) -> Sequence[BookedLine]:
        """What the priced positions of a document are booked on."""
        return booked_lines(self._api, ledger_id)

    def contact_url(self, ledger_id: int) -> str:
        """The deep link of a contact."""
        return f"{self._web_url}/index.php/contact/show/id/{ledger_id}"

    def experiment(self, document: DocumentState, mail: str, negative_price: bool | None) -> Mapping[str, bool]:
        """Tries what nobody says about bexio, and keeps what it learned."""
        learned = Experiments(self._api, self._store.facts, self._clock.now()).run(document, mail)
        if negative_price is not None:
            self._store.facts.learn(_NEGATIVE_PRICES, negative_price, self._clock.now())
            learned[_NEGATIVE_PRICES] = negative_price
        return learned

    def perform(self, effect: Effect) -> EffectResult:
        """One effect."""
        if type(effect) not in self._performers:
            raise Defect(f"bexio has no effect called {effect.step_kind}.")
        try:
            return self._performers[type(effect)](effect)
        except Refused as problem:
            self._learn(effect, problem)
            raise

    def _learn(self, effect: Effect, problem: Refused) -> None:
        """What a refusal says of things we believed to know; the same run then plans anew."""
        words = " ".join((problem.said, *problem.fields))
        if problem.status != 422:
            return
        if "unit_price" in words and self.negative_prices and _has_negative_price(effect):
            self._store.facts.learn(_NEGATIVE_PRICES, False, self._clock.now())
            self._discoveries += 1
        number_refused = any(text.startswith("nr") for text in problem.fields)
        if isinstance(effect, CreateContact) and effect.nr is not None and number_refused:
            self._store.contacts.refuse_number(effect.nr, self._clock.now())
            self._discoveries += 1
        if _OF_CONTACTS.search(words):
            self._contacts.forget()
            self._discoveries += 1
        if _OF_MASTER.search(words):
            self.forget_master_data()

    def find(self, effect: Effect) -> LookupResult:
        """Looks for an effect whose outcome is unknown; one without a finder may simply be repeated."""
        finder = self._finders.get(type(effect))
        return finder(effect) if finder else LookupResult()

    # contacts

    def _create_contact(self, effect: CreateContact) -> EffectResult:
        row = self._api.write("POST", "/2.0/contact", contact_to(effect))
        with after_the_effect(), understood("the new contact"):
            if not is_same_contact(row, effect):
                raise NotUnderstood("it is another one")
            return EffectResult(record_id(row), spare_text(row, "nr"))

    def _find_contact(self, effect: CreateContact) -> LookupResult:
        """The index is read anew and matched here; the very contact we sent carries our name, kind and mail."""
        self.refresh_contacts()
        index = self._store.contacts
        postcode = effect.postcode or ""
        rows = index.by_mail(effect.mail) if effect.mail else index.by_name(effect.name_1, effect.name_2, postcode)
        name = f"{effect.name_1} {effect.name_2}"
        ours = [
            row
            for row in rows
            if row.kind == effect.kind and not row.archived and alike(f"{row.name_1} {row.name_2}", name)
        ]
        if len(ours) > 1:
            ids = ", ".join(str(row.ledger_id) for row in ours)
            return LookupResult(
                conflict=f"bexio has {len(ours)} contacts that may be it ({ids}); look which one it is."
            )
        return LookupResult(done=EffectResult(ours[0].ledger_id)) if ours else LookupResult()

    def _restore_contact(self, effect: RestoreContact) -> EffectResult:
        self._api.write("PATCH", f"/2.0/contact/{effect.ledger_id}/restore")
        return EffectResult(effect.ledger_id)

    def _find_restored(self, effect: RestoreContact) -> LookupResult:
        try:
            row = self._api.show(f"/2.0/contact/{effect.ledger_id}")
        except Refused:
            return LookupResult()
        return LookupResult(done=EffectResult(contact_from(row, archived=False).ledger_id))

    def _edit_contact(self, effect: EditContact) -> EffectResult:
        """Writes fields of a contact; writing them twice changes nothing."""
        row = self._api.write("POST", f"/2.0/contact/{effect.ledger_id}", contact_edit_to(effect))
        with after_the_effect(), understood("the changed contact"):
            return EffectResult(record_id(row_of(row)))

    def _relate_contacts(self, effect: RelateContacts) -> EffectResult:
        body = {"contact_id": effect.contact_id, "contact_sub_id": effect.person_id, "description": ""}
        row = self._api.write("POST", "/2.0/contact_relation", body)
        with after_the_effect(), understood("the relation of two contacts"):
            return EffectResult(record_id(row_of(row)))

    def _find_relation(self, effect: RelateContacts) -> LookupResult:
        wanted = (effect.contact_id, effect.person_id)
        for row in self._api.list("/2.0/contact_relation"):
            with understood("a relation of two contacts"):
                if (number(row, "contact_id"), number(row, "contact_sub_id")) == wanted:
                    return LookupResult(done=EffectResult(record_id(row)))
        return LookupResult()

    # invoices

    def _create_invoice(self, effect: CreateDocument) -> EffectResult:
        body = invoice_to(effect) | {"positions": [embedded_position(p) for p in effect.positions]}
        row = self._api.write("POST", INVOICES, body)
        with after_the_effect(), understood("the new invoice"):
            state = document_from(row, self._web_url)
            if state.reference != effect.reference:
                raise NotUnderstood("it is another one")
            return document_done(state)

    def _find_invoice(self, effect: CreateDocument) -> LookupResult:
        put_aside = effect.put_aside or ()
        found = [state for state in self._finder.one(effect.reference) if state.ledger_id not in put_aside]
        if len(found) > 1:
            numbers = ", ".join(f"{state.number} ({state.url})" for state in found)
            return LookupResult(
                conflict=f"bexio has {len(found)} invoices with our reference: {numbers}. Delete all but one."
            )
        if not found:
            return LookupResult()
        row = self._row(found[0].ledger_id)
        if row is None:  # deleted since the search
            return LookupResult()
        state = document_of(found[0].ledger_id, row, self._web_url)
        if state.contact_id != effect.contact_id or state.currency_id != effect.currency_id:
            return LookupResult(conflict=f"{state.number} carries our reference but is for somebody else: {state.url}")
        if not begins_with(row, _forms(effect.positions)):
            return LookupResult(
                conflict=f"The positions of {state.number} are not the ones sent; compare them: {state.url}"
            )
        return LookupResult(done=document_done(state))

    def changed(self, effect: FinishingEffect) -> str:
        """Say why the document of an issue or a mail is not what `effect` was planned for, "" where it is."""
        state = self.document(effect.known_id)
        if state is None:
            return ""  # the effect itself is refused then, in bexio's words
        if state.content != effect.content and effect.content:
            return (
                f"{state.number} was changed in bexio after bexsync wrote it, and comes to {written(state.total)}, "
                f"so it was neither issued nor mailed. If the change is meant, issue and mail it in bexio: {state.url}"
            )
        if isinstance(effect, SendDocument) and effect.issue and state.standing is not DocumentStatus.DRAFT:
            return f"{state.number} was issued in bexio meanwhile, so bexsync does not mail it: {state.url}"
        return ""

    def _link_document(self, effect: LinkDocument) -> EffectResult:
        row = self._finder.row(effect.known_id)
        state = document_of(effect.known_id, row, self._web_url)
        if effect.positions is not None and not begins_with(row, _forms(effect.positions)):
            raise Changed(
                f"bexio has {state.number} with our reference, but its positions are not what the shop says. "
                f"Correct one of the two, or issue and mail it in bexio if it is right: {state.url}"
            )
        return document_done(state)

    def _show_done(self, effect: LookAtDocument) -> EffectResult:
        return document_done(self._show(effect.known_id))

    def _show(self, ledger_id: int) -> DocumentState:
        return self._finder.whole(ledger_id)

    def _row(self, ledger_id: int) -> Row | None:
        try:
            return self._finder.row(ledger_id)
        except Refused as problem:
            if problem.status == 404:
                return None
            raise

    def _edit_invoice(self, effect: EditDocument) -> EffectResult:
        """Looks first: an issued invoice must not be edited, nor a draft that a person has worked on."""
        row = self._finder.row(effect.known_id)
        state = document_of(effect.known_id, row, self._web_url)
        _refuse_unless_draft(state)
        written_before = effect.written
        if written_before and not may_rewrite(
            row, invoice_to(effect), _forms(written_before.positions), written_before.content
        ):
            raise Changed(
                f"{state.number} was changed in bexio and in the shop, so the draft was left as it is. "
                f"Correct it in bexio, or undo the change there: {state.url}"
            )
        row = self._api.write("POST", f"{INVOICES}/{effect.document_id}", invoice_to(effect))
        with after_the_effect():
            return document_done(document_of(effect.known_id, row, self._web_url))

    def _claim_document(self, effect: ClaimDocument) -> EffectResult:
        """Writes our reference onto a document that somebody else made; writing it twice changes nothing."""
        body = {"api_reference": effect.reference}
        row = self._api.write("POST", f"{INVOICES}/{effect.document_id}", body)
        with after_the_effect():
            return document_done(document_of(effect.known_id, row, self._web_url))

    def _clear_positions(self, effect: ClearPositions) -> EffectResult:
        path = f"{INVOICES}/{effect.document_id}"
        row = self._api.show(path)
        _refuse_unless_draft(document_of(effect.known_id, row, self._web_url))
        for kind, position_id in positions_of(row):
            try:
                self._api.write("DELETE", f"{path}/{segment(kind)}/{position_id}")
            except Refused as problem:
                if problem.status != 404:
                    raise
        return EffectResult(effect.known_id)

    def _add_position(self, effect: AddPosition) -> EffectResult:
        kind, body = position_to(effect.position)
        row = self._api.write("POST", f"{INVOICES}/{effect.document_id}/{segment(kind)}", body)
        with after_the_effect(), understood("the new position"):
            return EffectResult(record_id(row_of(row)))

    def _find_position(self, effect: AddPosition) -> LookupResult:
        """Positions are added in order, so how many there are says whether this one is."""
        state = self.document(effect.known_id)
        if state is None:
            return LookupResult()
        index = effect.index
        if len(state.texts) == index:
            return LookupResult()
        if len(state.texts) > index and _same_text(state.texts[index], effect.position.text):
            return LookupResult(done=EffectResult(state.ledger_id))
        return LookupResult(
            conflict=f"The positions of {state.number} are not the ones sent; compare them: {state.url}"
        )

    def _issue(self, effect: IssueDocument) -> EffectResult:
        self._api.write("POST", f"{INVOICES}/{effect.document_id}/issue")
        if effect.look:
            with after_the_effect():
                return document_done(self._show(effect.known_id))
        return EffectResult(effect.known_id, seen={"standing": DocumentStatus.ISSUED.value})

    def _find_issued(self, effect: IssueDocument) -> LookupResult:
        state = self.document(effect.known_id)
        if state is None or state.standing is DocumentStatus.DRAFT:
            return LookupResult()
        return LookupResult(done=document_done(state))

    def _send(self, effect: SendDocument) -> EffectResult:
        path = f"{INVOICES}/{effect.document_id}"
        words = in_letters(effect.words.to_wire(), effect.language)
        body: dict[str, Any] = {
            "recipient_email": effect.to,
            "subject": " ".join(filled(effect.subject, words).split()),
            "message": filled(effect.message, words),
        }
        if effect.issue:
            body["mark_as_open"] = True
        if effect.attach_pdf:
            body["attach_pdf"] = True
        if not effect.issue and effect.shared_before == "no":
            state = self._show(effect.known_id)
            if state.shared:
                return document_done(state)  # somebody mailed it since it was issued
        try:
            self._api.write("POST", f"{path}/send", body)
        except Refused as problem:
            self._learn_of_sending(effect, problem)
            raise
        if not effect.issue:
            self._store.facts.learn(_ISSUED_FIRST, True, self._clock.now())
        return EffectResult(effect.known_id, seen={"standing": DocumentStatus.ISSUED.value, "shared": "yes"})

    def _learn_of_sending(self, effect: SendDocument, problem: Refused) -> None:
        """A refused mail of a draft may mean that this bexio wants it issued first: the next plan does so.

        Where issuing it first did not help either, and never has, that was not the reason.
        """
        facts = self._store.facts
        if any(_OF_LETTER.match(text) for text in problem.fields):
            return
        if effect.issue and self.send_issues and self._show(effect.known_id).standing is DocumentStatus.DRAFT:
            facts.learn(_SEND_ISSUES, False, self._clock.now())
            self._discoveries += 1
        if not effect.issue and not facts.get(_ISSUED_FIRST):
            facts.forget(_SEND_ISSUES)

    def _find_sent(self, effect: SendDocument) -> LookupResult:
        """A mail in doubt is never repeated: only an untouched draft proves that none went out (DESIGN)."""
        state = self.document(effect.known_id)
        if state is None:
            return LookupResult(
                conflict=f"The invoice was deleted before anybody could see whether {effect.to} got it."
            )
        if effect.issue and state.standing is DocumentStatus.DRAFT:
            return LookupResult()
        if effect.shared_before == "no" and state.shared:
            return LookupResult(done=document_done(state))
        return LookupResult(
            conflict=f"Nobody can tell whether {state.number} was mailed to {effect.to}. "
            f"Look at it in bexio and mail it there if it was not: {state.url}"
        )


def _forms(positions: Sequence[Position]) -> list[dict[str, Any]]:
    return [embedded_position(position) for position in positions]


def _same_text(theirs: str, ours: str) -> bool:
    return "".join(theirs.split()) == "".join(unmarked(markup(ours)).split())


def _has_negative_price(effect: Effect) -> bool:
    positions: Sequence[Position] = ()
    if isinstance(effect, AddPosition):
        positions = (effect.position,)
    elif isinstance(effect, CreateDocument | LinkDocument):
        positions = effect.positions or ()
    return any((position.unit_price or "").startswith("-") for position in positions)


def _refuse_unless_draft(state: DocumentState) -> None:
    if state.standing is not DocumentStatus.DRAFT:
        raise Refused("bexio", 409, f"{state.number} is no draft any more; it stays as it is: {state.url}")
