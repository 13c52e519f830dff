"""What bexio taught about itself: the facts that effects rest on, and what a refusal says of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from bexsync.errors import Refused
from bexsync.http.clock import Clock
from bexsync.ledgers.bexio.contacts import ContactBook
from bexsync.ledgers.bexio.effects import AddOrderPosition, AddPosition
from bexsync.ledgers.bexio.finders import DocumentFinder
from bexsync.ledgers.bexio.master import MasterReader
from bexsync.ports.contact_effects import CreateContact
from bexsync.ports.document_effects import CreateDocument, SendDocument
from bexsync.ports.documents import DocumentStatus
from bexsync.ports.order_effects import CreateOrder
from bexsync.ports.steps import Effect
from bexsync.store import Store

# Sending a draft issues it as well (contract 6.5).
SEND_ISSUES = "send_issues_drafts"
# A mail went out once the invoice had been issued first.
ISSUED_FIRST = "send_needs_issue"
# An invoice has its public link as soon as it is issued, or from its mail on.
ISSUE_GIVES_LINK = "issue_gives_link"
MAIL_GIVES_LINK = "mail_gives_link"
# A position may have a negative price.
NEGATIVE_PRICES = "negative_prices"
# An order may say whether its prices include VAT; where it may not, they are net.
ORDER_PRICES = "orders_say_prices"
# The numbers that bexio refused for a new contact; kept with the index of contacts.
CONTACT_NUMBERS = "contact_number:refused"
# An edit of an item keeps the fields that it does not name; the edit itself tries it.
EDITS_KEEP_THE_REST = "item_edits_keep_the_rest"

_OF_MASTER = re.compile(
    r"\b(user_id|owner_id|language_id|bank_account_id|currency_id|template_slug|account_id|tax_id|unit_id"
    r"|tax_income_id|country_id|salutation_id|contact_group_ids|document_nr|mwst_type)\b"
)
_OF_CONTACTS = re.compile(r"\bcontact(_sub)?_id\b")
_OF_LETTER = re.compile(r"^(recipient_email|subject|message|attach_pdf)\b")

_WithPositions = CreateDocument | CreateOrder | AddPosition | AddOrderPosition


class LearnedFacts:
    """The facts that plans rest on; `count` grows whenever one was learned that may change a plan."""

    def __init__(
        self, store: Store, clock: Clock, master: MasterReader, contacts: ContactBook, finder: DocumentFinder
    ) -> None:
        self.count = 0
        self._taken: set[str] = set()
        self._store = store
        self._clock = clock
        self._master = master
        self._contacts = contacts
        self._finder = finder
        self._lessons: dict[str, Callable[[Any, Refused], None]] = {
            SEND_ISSUES: self._refused_mail,
            NEGATIVE_PRICES: self._refused_price,
            CONTACT_NUMBERS: self._refused_number,
        }

    @property
    def send_issues(self) -> bool:
        """Whether sending a draft issues it as well (an open question until it was seen)."""
        return self._store.facts.get(SEND_ISSUES) is not False

    @property
    def negative_prices(self) -> bool:
        """Whether a position may have a negative price (an open question until one was refused)."""
        return self._store.facts.get(NEGATIVE_PRICES) is not False

    @property
    def issue_gives_link(self) -> bool | None:
        """Whether an invoice has its public link once it is issued; None until that was seen."""
        return self._flag(ISSUE_GIVES_LINK)

    @property
    def mail_gives_link(self) -> bool | None:
        """Whether a mail gives an issued invoice its public link; None until that was seen."""
        return self._flag(MAIL_GIVES_LINK)

    def _flag(self, fact: str) -> bool | None:
        found = self._store.facts.get(fact)
        return found if isinstance(found, bool) else None

    @property
    def order_prices(self) -> bool:
        """Whether an order may say that its prices include VAT (an open question until that was refused)."""
        return self._store.facts.get(ORDER_PRICES) is not False

    def refused_order_prices(self, problem: Refused) -> bool:
        """Whether a refusal of an order is about the kind of its prices, which is learned then."""
        if problem.status != 422 or "mwst_is_net" not in _words(problem):
            return False
        self.keep(ORDER_PRICES, False)
        self.count += 1
        return True

    def is_proved(self, effect: Effect) -> bool:
        """Whether bexio is known to take such an effect, or was seen to in this run."""
        return all(fact in self._taken or self._store.facts.get(fact) is not None for fact in _facts_of(effect))

    def taken(self, effect: Effect) -> None:
        """Take note of an effect that bexio did not refuse."""
        self._taken.update(_facts_of(effect))

    def keep(self, fact: str, value: bool) -> None:
        """Keeps what was seen."""
        self._store.facts.learn(fact, value, self._clock.now())

    def forget_master_data(self) -> None:
        """Reads master data anew next time."""
        self._master.forget()
        self.count += 1

    def refused(self, effect: Effect, rests_on: str, problem: Refused) -> None:
        """Learns from a refusal what was wrongly taken for granted; the same run then plans again."""
        if rests_on in self._lessons:
            self._lessons[rests_on](effect, problem)
        if problem.status != 422:
            return
        words = _words(problem)
        if _OF_CONTACTS.search(words):
            self._contacts.forget()
            self.count += 1
        if _OF_MASTER.search(words):
            self.forget_master_data()

    def _refused_price(self, effect: _WithPositions, problem: Refused) -> None:
        is_about_prices = problem.status == 422 and "unit_price" in _words(problem)
        if is_about_prices and _has_negative_price(effect) and self.negative_prices:
            self.keep(NEGATIVE_PRICES, False)
            self.count += 1

    def _refused_number(self, effect: CreateContact, problem: Refused) -> None:
        is_about_number = problem.status == 422 and any(text.startswith("nr") for text in problem.fields)
        if is_about_number and effect.nr is not None:
            self._store.contacts.refuse_number(effect.nr, self._clock.now())
            self.count += 1

    def _refused_mail(self, effect: SendDocument, problem: Refused) -> None:
        """A refused mail of a draft may mean that this bexio wants it issued first: the next plan does so.

        Where issuing it first did not help either, and never has, that was not the reason.
        """
        is_missing = problem.status == 404
        if is_missing or any(_OF_LETTER.match(text) for text in problem.fields):
            return
        if effect.issue and self.send_issues:
            if self._finder.whole(effect.known_id).standing is DocumentStatus.DRAFT:
                self.keep(SEND_ISSUES, False)
                self.count += 1
        elif not effect.issue and not self._store.facts.get(ISSUED_FIRST):
            self._store.facts.forget(SEND_ISSUES)


def _facts_of(effect: Effect) -> Iterator[str]:
    """The facts that an effect rests on."""
    if isinstance(effect, _WithPositions) and _has_negative_price(effect):
        yield NEGATIVE_PRICES
    if isinstance(effect, CreateOrder) and effect.prices == "gross":
        yield ORDER_PRICES
    if isinstance(effect, SendDocument) and effect.issue:
        yield SEND_ISSUES
    if isinstance(effect, SendDocument) and not effect.issue and effect.shared_before == "no":
        yield MAIL_GIVES_LINK


def _has_negative_price(effect: _WithPositions) -> bool:
    positions = effect.positions if isinstance(effect, CreateDocument | CreateOrder) else (effect.position,)
    return any((position.unit_price or "").startswith("-") for position in positions)


def _words(problem: Refused) -> str:
    return " ".join((problem.said, *problem.fields))
