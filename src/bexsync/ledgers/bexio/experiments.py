"""What a connection test needs of bexio: everything at a glance, and open questions answered by trying."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bexsync.errors import NotPermitted, Refused
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.api import Api, Criterion, criterion
from bexsync.ledgers.bexio.contacts import CONTACTS
from bexsync.ledgers.bexio.finders import IN_ON_ID, IN_ON_REFERENCE, INVOICES, DocumentFinder
from bexsync.ledgers.bexio.master import MasterReader
from bexsync.ledgers.bexio.models import BookedPosition
from bexsync.ledgers.bexio.order_finder import DELIVERIES, ORDERS
from bexsync.ledgers.bexio.reading import NotUnderstood, row_of, understood
from bexsync.ledgers.bexio.rights import ask_rights
from bexsync.ports.documents import BookedLine, DocumentState
from bexsync.ports.ledger import Inspection, Right
from bexsync.store.ledger_cache import Facts

_MAIL_CASE = "search:mail_ignores_case"
_ORDER = "search:order_by_id"
_OF_ORDERS = (("orders", ORDERS), ("deliveries", DELIVERIES))
_NEARBY = 200  # ids below the test's own in which others are looked for, to see them in order


def inspect(
    api: Api, master: MasterReader, finder: DocumentFinder, reference: str, now: datetime, *, orders: bool = False
) -> Inspection:
    """Master data, what may be read of contacts, invoices and, where wanted, orders, and the user's rights."""
    known, problems = master.read_anew(now)
    drafts: list[DocumentState] = []
    try:
        list(api.search(CONTACTS, [criterion("id", "=", 0)]))
    except (NotPermitted, Refused) as problem:
        problems["contacts"] = problem
    try:
        drafts = finder.one(reference)
    except (NotPermitted, Refused) as problem:
        problems["invoices"] = problem
    for part, path in _OF_ORDERS if orders else ():
        try:
            api.highest_id(path)
        except (NotPermitted, Refused) as problem:
            problems[part] = problem
    return Inspection(known, problems, _rights(api), tuple(drafts))


def _rights(api: Api) -> dict[str, Right]:
    """How the rights stand that go with the scopes of a push; none where bexio does not tell."""
    try:
        return ask_rights(api)
    except (NotPermitted, Refused):
        return {}


def booked_lines(api: Api, ledger_id: LedgerId) -> tuple[BookedLine, ...]:
    """The account and tax of each position that has a price."""
    row = api.show(f"{INVOICES}/{ledger_id}")
    with understood(f"the positions of the invoice {ledger_id}"):
        positions = row_of(row).get("positions") or ()
        if not isinstance(positions, list):
            raise NotUnderstood("`positions` is no list")
        priced = [BookedPosition.read(position) for position in positions if "unit_price" in row_of(position)]
        return tuple(
            BookedLine(LedgerId.known(position.account_id), LedgerId.known(position.tax_id)) for position in priced
        )


class Experiments:
    """Answers questions by trying; one that the control does not bear out is left open."""

    def __init__(self, api: Api, facts: Facts, now: datetime) -> None:
        self._api = api
        self._facts = facts
        self._now = now

    def run(self, document: DocumentState, mail: str) -> dict[str, bool]:
        """What was learned, by the name of the fact."""
        number = int(document.ledger_id)
        answers = {
            IN_ON_REFERENCE: self._in_works("api_reference", document.reference, "no such reference", document),
            IN_ON_ID: self._in_works("id", number, number + 1, document),
            _MAIL_CASE: self._mail_ignores_case(mail, document.contact_id) if mail else None,
            _ORDER: self._keeps_order(document),
        }
        learned = {name: answer for name, answer in answers.items() if answer is not None}
        for name, answer in learned.items():
            self._facts.learn(name, answer, self._now)
        return learned

    def _in_works(self, field: str, value: str | int, other: str | int, document: DocumentState) -> bool | None:
        if document.ledger_id not in (self._found(INVOICES, [criterion(field, "=", value)]) or ()):
            return None  # the search does not know the document yet, so that nothing can be said
        return document.ledger_id in (self._found(INVOICES, [criterion(field, "in", [value, other])]) or ())

    def _mail_ignores_case(self, mail: str, contact_id: LedgerId | None) -> bool | None:
        if contact_id not in (self._found(CONTACTS, [criterion("mail", "=", mail)]) or ()):
            return None
        return contact_id in (self._found(CONTACTS, [criterion("mail", "=", mail.upper())]) or ())

    def _keeps_order(self, document: DocumentState) -> bool | None:
        """Needs a second document near ours."""
        nearby = criterion("id", ">=", max(int(document.ledger_id) - _NEARBY, 1))
        found = self._found(INVOICES, [nearby], order_by="id_desc")
        if found is None or len(found) < 2:
            return None
        return found == sorted(found, key=lambda one: one.age, reverse=True)

    def _found(self, path: str, criteria: Iterable[Criterion], **query: str) -> list[LedgerId] | None:
        """The ids that a search shows, None where bexio refuses it."""
        try:
            return [LedgerId(row["id"]) for row in self._api.search(path, list(criteria), **query) if "id" in row]
        except Refused:
            return None
