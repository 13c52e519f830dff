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
from bexsync.ledgers.bexio.trial import Experiments, TidyingUp, booked_lines, inspect
from bexsync.money import written
from bexsync.ports.documents import BookedLine, DocumentState, DocumentStatus, EffectResult, Item, LookupResult, Payment
from bexsync.ports.ledger import Inspection
from bexsync.ports.master_data import MasterData
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
Perform = Callable[[Mapping[str, Any]], EffectResult]
Find = Callable[[Mapping[str, Any]], LookupResult]


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
        self._performers: dict[str, Perform] = {
            "contact": self._create_contact,
            "contact_restore": self._restore_contact,
            "contact_edit": self._edit_contact,
            "contact_relation": self._relate_contacts,
            "invoice": self._create_invoice,
            "adopt": self._adopt,
            "claim": self._claim_document,
            "verify": self._show_done,
            "invoice_edit": self._edit_invoice,
            "positions_clear": self._clear_positions,
            "position": self._add_position,
            "issue": self._issue,
            "send": self._send,
            "invoice_cancel": self._cancelling.cancel,
            "invoice_delete": self._cancelling.delete,
            "draft_delete": self._tidying.delete_draft,
            "contact_archive": self._tidying.archive_contact,
            "item": self._items.create,
            "item_edit": self._items.edit,
        }
        self._finders: dict[str, Find] = {
            "contact": self._find_contact,
            "contact_restore": self._find_restored,
            "contact_relation": self._find_relation,
            "invoice": self._find_invoice,
            "position": self._find_position,
            "issue": self._find_issued,
            "send": self._find_sent,
            "invoice_cancel": self._cancelling.find_cancelled,
            "invoice_delete": self._cancelling.find_deleted,
            "draft_delete": self._tidying.find_deleted,
            "contact_archive": self._tidying.find_archived,
            "item": self._items.find_created,
            "item_edit": self._items.find_edited,
        }

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

    def perform(self, kind: str, payload: Mapping[str, Any]) -> EffectResult:
        """One effect."""
        if kind not in self._performers:
            raise Defect(f"bexio has no effect called {kind}.")
        try:
            return self._performers[kind](payload)
        except Refused as problem:
            self._learn(payload, problem)
            raise

    def _learn(self, payload: Mapping[str, Any], problem: Refused) -> None:
        """What a refusal says of things we believed to know; the same run then plans anew."""
        words = " ".join((problem.said, *problem.fields))
        if problem.status != 422:
            return
        if "unit_price" in words and self.negative_prices and _has_negative_price(payload):
            self._store.facts.learn(_NEGATIVE_PRICES, False, self._clock.now())
            self._discoveries += 1
        if "nr" in payload and any(text.startswith("nr") for text in problem.fields):
            self._store.contacts.refuse_number(payload["nr"], self._clock.now())
            self._discoveries += 1
        if _OF_CONTACTS.search(words):
            self._contacts.forget()
            self._discoveries += 1
        if _OF_MASTER.search(words):
            self.forget_master_data()

    def find(self, kind: str, payload: Mapping[str, Any]) -> LookupResult:
        """Looks for an effect in doubt; kinds without a finder may simply be repeated."""
        finder = self._finders.get(kind)
        return finder(payload) if finder else LookupResult()

    # contacts

    def _create_contact(self, form: Mapping[str, Any]) -> EffectResult:
        row = self._api.write("POST", "/2.0/contact", contact_to(form))
        with after_the_effect(), understood("the new contact"):
            if not is_same_contact(row, form):
                raise NotUnderstood("it is another one")
            return EffectResult(record_id(row), spare_text(row, "nr"))

    def _find_contact(self, form: Mapping[str, Any]) -> LookupResult:
        """The index is read anew and matched here; the very contact we sent carries our name, kind and mail."""
        self.refresh_contacts()
        index = self._store.contacts
        postcode = form.get("postcode", "")
        rows = index.by_mail(form["mail"]) if form["mail"] else index.by_name(form["name_1"], form["name_2"], postcode)
        name = f"{form['name_1']} {form['name_2']}"
        ours = [
            row
            for row in rows
            if row.kind == form["kind"] and not row.archived and alike(f"{row.name_1} {row.name_2}", name)
        ]
        if len(ours) > 1:
            ids = ", ".join(str(row.ledger_id) for row in ours)
            return LookupResult(
                conflict=f"bexio has {len(ours)} contacts that may be it ({ids}); look which one it is."
            )
        return LookupResult(done=EffectResult(ours[0].ledger_id)) if ours else LookupResult()

    def _restore_contact(self, payload: Mapping[str, Any]) -> EffectResult:
        self._api.write("PATCH", f"/2.0/contact/{payload['ledger_id']}/restore")
        return EffectResult(payload["ledger_id"])

    def _find_restored(self, payload: Mapping[str, Any]) -> LookupResult:
        try:
            row = self._api.show(f"/2.0/contact/{payload['ledger_id']}")
        except Refused:
            return LookupResult()
        return LookupResult(done=EffectResult(contact_from(row, archived=False).ledger_id))

    def _edit_contact(self, payload: Mapping[str, Any]) -> EffectResult:
        """Writes fields of a contact; writing them twice changes nothing."""
        row = self._api.write("POST", f"/2.0/contact/{payload['ledger_id']}", contact_edit_to(payload))
        with after_the_effect(), understood("the changed contact"):
            return EffectResult(record_id(row_of(row)))

    def _relate_contacts(self, payload: Mapping[str, Any]) -> EffectResult:
        body = {"contact_id": payload["contact_id"], "contact_sub_id": payload["person_id"], "description": ""}
        row = self._api.write("POST", "/2.0/contact_relation", body)
        with after_the_effect(), understood("the relation of two contacts"):
            return EffectResult(record_id(row_of(row)))

    def _find_relation(self, payload: Mapping[str, Any]) -> LookupResult:
        wanted = (payload["contact_id"], payload["person_id"])
        for row in self._api.list("/2.0/contact_relation"):
            with understood("a relation of two contacts"):
                if (number(row, "contact_id"), number(row, "contact_sub_id")) == wanted:
                    return LookupResult(done=EffectResult(record_id(row)))
        return LookupResult()

    # invoices

    def _create_invoice(self, payload: Mapping[str, Any]) -> EffectResult:
        body = invoice_to(payload) | {"positions": [embedded_position(p) for p in payload["positions"]]}
        row = self._api.write("POST", INVOICES, body)
        with after_the_effect(), understood("the new invoice"):
            state = document_from(row, self._web_url)
            if state.reference != payload["reference"]:
                raise NotUnderstood("it is another one")
            return document_done(state)

    def _find_invoice(self, payload: Mapping[str, Any]) -> LookupResult:
        put_aside = payload.get("put_aside", ())
        found = [state for state in self._finder.one(payload["reference"]) if state.ledger_id not in put_aside]
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
        if state.contact_id != payload["contact_id"] or state.currency_id != payload["currency_id"]:
            return LookupResult(conflict=f"{state.number} carries our reference but is for somebody else: {state.url}")
        if not begins_with(row, _forms(payload["positions"])):
            return LookupResult(
                conflict=f"The positions of {state.number} are not the ones sent; compare them: {state.url}"
            )
        return LookupResult(done=document_done(state))

    def changed(self, payload: Mapping[str, Any]) -> str:
        """Say why the document of an issue or a mail is not what `payload` was planned for, "" where it is."""
        state = self.document(payload["document_id"])
        if state is None:
            return ""  # the effect itself is refused then, in bexio's words
        if state.content != payload["content"] and payload["content"]:
            return (
                f"{state.number} was changed in bexio after bexsync wrote it, and comes to {written(state.total)}, "
                f"so it was neither issued nor mailed. If the change is meant, issue and mail it in bexio: {state.url}"
            )
        if payload.get("issue") and state.standing is not DocumentStatus.DRAFT:
            return f"{state.number} was issued in bexio meanwhile, so bexsync does not mail it: {state.url}"
        return ""

    def _adopt(self, payload: Mapping[str, Any]) -> EffectResult:
        row = self._finder.row(payload["document_id"])
        state = document_of(payload["document_id"], row, self._web_url)
        if "positions" in payload and not begins_with(row, _forms(payload["positions"])):
            raise Changed(
                f"bexio has {state.number} with our reference, but its positions are not what the shop says. "
                f"Correct one of the two, or issue and mail it in bexio if it is right: {state.url}"
            )
        return document_done(state)

    def _show_done(self, payload: Mapping[str, Any]) -> EffectResult:
        return document_done(self._show(payload["document_id"]))

    def _show(self, ledger_id: int) -> DocumentState:
        return self._finder.whole(ledger_id)

    def _row(self, ledger_id: int) -> Row | None:
        try:
            return self._finder.row(ledger_id)
        except Refused as problem:
            if problem.status == 404:
                return None
            raise

    def _edit_invoice(self, payload: Mapping[str, Any]) -> EffectResult:
        """Looks first: an issued invoice must not be edited, nor a draft that a person has worked on."""
        row = self._finder.row(payload["document_id"])
        state = document_of(payload["document_id"], row, self._web_url)
        _refuse_unless_draft(state)
        written_before = payload.get("written")
        if written_before and not may_rewrite(
            row, invoice_to(payload), _forms(written_before["positions"]), written_before["content"]
        ):
            raise Changed(
                f"{state.number} was changed in bexio and in the shop, so the draft was left as it is. "
                f"Correct it in bexio, or undo the change there: {state.url}"
            )
        row = self._api.write("POST", f"{INVOICES}/{payload['document_id']}", invoice_to(payload))
        with after_the_effect():
            return document_done(document_of(payload["document_id"], row, self._web_url))

    def _claim_document(self, payload: Mapping[str, Any]) -> EffectResult:
        """Writes our reference onto a document that somebody else made; writing it twice changes nothing."""
        body = {"api_reference": payload["reference"]}
        row = self._api.write("POST", f"{INVOICES}/{payload['document_id']}", body)
        with after_the_effect():
            return document_done(document_of(payload["document_id"], row, self._web_url))

    def _clear_positions(self, payload: Mapping[str, Any]) -> EffectResult:
        path = f"{INVOICES}/{payload['document_id']}"
        row = self._api.show(path)
        _refuse_unless_draft(document_of(payload["document_id"], row, self._web_url))
        for kind, position_id in positions_of(row):
            try:
                self._api.write("DELETE", f"{path}/{segment(kind)}/{position_id}")
            except Refused as problem:
                if problem.status != 404:
                    raise
        return EffectResult(payload["document_id"])

    def _add_position(self, payload: Mapping[str, Any]) -> EffectResult:
        kind, body = position_to(payload["position"])
        row = self._api.write("POST", f"{INVOICES}/{payload['document_id']}/{segment(kind)}", body)
        with after_the_effect(), understood("the new position"):
            return EffectResult(record_id(row_of(row)))

    def _find_position(self, payload: Mapping[str, Any]) -> LookupResult:
        """Positions are added in order, so how many there are says whether this one is."""
        state = self.document(payload["document_id"])
        if state is None:
            return LookupResult()
        index = payload["index"]
        if len(state.texts) == index:
            return LookupResult()
        if len(state.texts) > index and _same_text(state.texts[index], payload["position"]["text"]):
            return LookupResult(done=EffectResult(state.ledger_id))
        return LookupResult(
            conflict=f"The positions of {state.number} are not the ones sent; compare them: {state.url}"
        )

    def _issue(self, payload: Mapping[str, Any]) -> EffectResult:
        self._api.write("POST", f"{INVOICES}/{payload['document_id']}/issue")
        if payload["look"]:
            with after_the_effect():
                return document_done(self._show(payload["document_id"]))
        return EffectResult(payload["document_id"], seen={"standing": DocumentStatus.ISSUED.value})

    def _find_issued(self, payload: Mapping[str, Any]) -> LookupResult:
        state = self.document(payload["document_id"])
        if state is None or state.standing is DocumentStatus.DRAFT:
            return LookupResult()
        return LookupResult(done=document_done(state))

    def _send(self, payload: Mapping[str, Any]) -> EffectResult:
        path = f"{INVOICES}/{payload['document_id']}"
        words = in_letters(payload["words"], payload["language"])
        body = {
            "recipient_email": payload["to"],
            "subject": " ".join(filled(payload["subject"], words).split()),
            "message": filled(payload["message"], words),
        }
        if payload["issue"]:
            body["mark_as_open"] = True
        if payload["attach_pdf"]:
            body["attach_pdf"] = True
        if not payload["issue"] and payload["shared_before"] == "no":
            state = self._show(payload["document_id"])
            if state.shared:
                return document_done(state)  # somebody mailed it since it was issued
        try:
            self._api.write("POST", f"{path}/send", body)
        except Refused as problem:
            self._learn_of_sending(payload, problem)
            raise
        if not payload["issue"]:
            self._store.facts.learn(_ISSUED_FIRST, True, self._clock.now())
        return EffectResult(payload["document_id"], seen={"standing": DocumentStatus.ISSUED.value, "shared": "yes"})

    def _learn_of_sending(self, payload: Mapping[str, Any], problem: Refused) -> None:
        """A refused mail of a draft may mean that this bexio wants it issued first: the next plan does so.

        Where issuing it first did not help either, and never has, that was not the reason.
        """
        facts = self._store.facts
        if any(_OF_LETTER.match(text) for text in problem.fields):
            return
        if (
            payload["issue"]
            and self.send_issues
            and self._show(payload["document_id"]).standing is DocumentStatus.DRAFT
        ):
            facts.learn(_SEND_ISSUES, False, self._clock.now())
            self._discoveries += 1
        if not payload["issue"] and not facts.get(_ISSUED_FIRST):
            facts.forget(_SEND_ISSUES)

    def _find_sent(self, payload: Mapping[str, Any]) -> LookupResult:
        """A mail in doubt is never repeated: only an untouched draft proves that none went out (DESIGN)."""
        state = self.document(payload["document_id"])
        if state is None:
            return LookupResult(
                conflict=f"The invoice was deleted before anybody could see whether {payload['to']} got it."
            )
        if payload["issue"] and state.standing is DocumentStatus.DRAFT:
            return LookupResult()
        if payload["shared_before"] == "no" and state.shared:
            return LookupResult(done=document_done(state))
        return LookupResult(
            conflict=f"Nobody can tell whether {state.number} was mailed to {payload['to']}. "
            f"Look at it in bexio and mail it there if it was not: {state.url}"
        )


def _forms(positions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [embedded_position(position) for position in positions]


def _same_text(theirs: str, ours: str) -> bool:
    return "".join(theirs.split()) == "".join(unmarked(markup(ours)).split())


def _has_negative_price(payload: Mapping[str, Any]) -> bool:
    positions = [payload["position"]] if "position" in payload else payload.get("positions", ())
    return any(str(position.get("unit_price", "")).startswith("-") for position in positions)


def _refuse_unless_draft(state: DocumentState) -> None:
    if state.standing is not DocumentStatus.DRAFT:
        raise Refused(409, f"{state.number} is no draft any more; it stays as it is: {state.url}")
