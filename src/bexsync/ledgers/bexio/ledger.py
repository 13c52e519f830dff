"""bexio as a ledger: what is read of it, and the table of the effects that it performs and finds again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from bexsync.errors import Defect, Refused
from bexsync.http.clock import Clock
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.api import Api
from bexsync.ledgers.bexio.cancelling import CancellingEffects
from bexsync.ledgers.bexio.contact_effects import ContactEffects
from bexsync.ledgers.bexio.contacts import ContactBook
from bexsync.ledgers.bexio.document_effects import DocumentEffects
from bexsync.ledgers.bexio.experiments import Experiments, booked_lines, inspect
from bexsync.ledgers.bexio.finders import DocumentFinder
from bexsync.ledgers.bexio.finishing import FinishingEffects
from bexsync.ledgers.bexio.fulfilling import FulfillingEffects
from bexsync.ledgers.bexio.items import ItemBook
from bexsync.ledgers.bexio.just_shown import JustShown
from bexsync.ledgers.bexio.learned_facts import NEGATIVE_PRICES, LearnedFacts
from bexsync.ledgers.bexio.master import MasterReader
from bexsync.ledgers.bexio.order_effects import OrderEffects
from bexsync.ledgers.bexio.order_finder import OrderFinder
from bexsync.ledgers.bexio.paying import PaymentEffects
from bexsync.ledgers.bexio.steps import steps_for
from bexsync.ports.document_effects import FinishingEffect
from bexsync.ports.documents import (
    BookedLine,
    DeliveryState,
    DocumentState,
    EffectResult,
    Item,
    LookupResult,
    OrderState,
    Payment,
)
from bexsync.ports.ledger import Inspection
from bexsync.ports.master_data import MasterData
from bexsync.ports.steps import Effect, Step, WasDone
from bexsync.ports.wanted import Want, Wanted
from bexsync.ports.wanted_orders import OrderWant
from bexsync.store import Store

# bexio says nothing of it; [engine] in_flight asks for fewer.
MOST_IN_FLIGHT = 16


class BexioLedger:
    """One company in bexio; see `ports.Ledger` for the contract."""

    def __init__(
        self,
        api: Api,
        store: Store,
        clock: Clock,
        *,
        web_url: str,
        bank_accounts: bool,
        templates: bool,
        orders: bool = False,
    ) -> None:
        self._api = api
        self._store = store
        self._clock = clock
        self._web_url = web_url
        self._master = MasterReader(api, store.facts, bank_accounts=bank_accounts, templates=templates)
        self._contacts = ContactBook(api, store)
        self._finder = DocumentFinder(api, store, web_url)
        self._items = ItemBook(api, store.facts, clock, web_url)
        self._learned = LearnedFacts(store, clock, self._master, self._contacts, self._finder)
        self._asks_for_orders = orders
        self._orders = OrderFinder(api, store, web_url)
        shown = JustShown(clock)
        self._payments = PaymentEffects(api, self._finder, shown, web_url)
        self._finishing = FinishingEffects(api, self._finder, self._learned, shown, web_url)
        groups = (
            ContactEffects(api, self._contacts, store.contacts, clock),
            DocumentEffects(api, self._finder, shown, web_url),
            self._finishing,
            CancellingEffects(api, self._finder),
            OrderEffects(api, self._orders, self._learned, shown, web_url),
            FulfillingEffects(api, self._orders, self._finder, shown, web_url),
            self._payments,
            self._items,
        )
        self._handlers = {handler.effect: handler for group in groups for handler in group.handlers}

    @property
    def effects(self) -> Sequence[type[Effect]]:
        """The effects that bexio can perform."""
        return tuple(self._handlers)

    def steps(self, wanted: Wanted[Want | OrderWant], was_done: WasDone) -> tuple[Step, ...]:
        """The steps that make what is wanted for a record, in order."""
        return steps_for(
            wanted, was_done, send_issues=self.send_issues, issue_gives_link=self._learned.issue_gives_link
        )

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._api.requests

    @property
    def setbacks(self) -> int:
        """How many requests were refused for their number, or not answered as they should be."""
        return self._api.setbacks

    @property
    def was_limited(self) -> bool:
        """Whether in the last minute a request had to wait since there had been too many."""
        return self._api.was_limited

    @property
    def most_in_flight(self) -> int:
        """How many requests it takes at the same time; nobody has measured it."""
        return MOST_IN_FLIGHT

    @property
    def learned_facts(self) -> int:
        """Grows whenever something was learned that may change a plan."""
        return self._learned.count

    @property
    def send_issues(self) -> bool:
        """Whether sending a draft issues it as well."""
        return self._learned.send_issues

    @property
    def negative_prices(self) -> bool:
        """Whether a position may have a negative price."""
        return self._learned.negative_prices

    @property
    def gross_orders(self) -> bool:
        """Whether an order may have prices that include VAT."""
        return self._learned.order_prices

    def master(self, *, bank_accounts: bool = False) -> MasterData:
        """Master data, cached for a day, accounts for a minute; `bank_accounts` asks for those, where permitted."""
        return self._master.read(self._clock.now(), bank_accounts=bank_accounts)

    def forget_master_data(self) -> None:
        """Reads master data anew next time."""
        self._learned.forget_master_data()

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

    def documents_numbered(self, numbers: Sequence[str]) -> dict[str, list[DocumentState]]:
        """The documents that have exactly these numbers."""
        return self._finder.by_numbers(numbers)

    def documents(self, ledger_ids: Sequence[LedgerId]) -> dict[LedgerId, DocumentState]:
        """The documents with these ids."""
        return self._finder.by_ids(ledger_ids, self._clock.now())

    def documents_changed_since(self, moment: datetime | None) -> Iterator[DocumentState]:
        """Every document that changed at or after a moment."""
        return self._finder.changed_since(moment)

    def document(self, ledger_id: LedgerId) -> DocumentState | None:
        """One document with its positions, None when it no longer exists."""
        return self._finder.present(ledger_id)

    def payments_of(self, ledger_ids: Sequence[LedgerId]) -> dict[LedgerId, Sequence[Payment]]:
        """The payments of several documents."""
        found = self._api.each([partial(self._payments.of, ledger_id) for ledger_id in ledger_ids])
        return dict(zip(ledger_ids, found, strict=True))

    def payments(self, ledger_id: LedgerId) -> Sequence[Payment]:
        """The payments of a document."""
        return self._payments.of(ledger_id)

    def orders(self, ledger_ids: Sequence[LedgerId]) -> dict[LedgerId, OrderState]:
        """The orders with these ids."""
        return self._orders.by_ids(ledger_ids)

    def order(self, ledger_id: LedgerId) -> OrderState | None:
        """One order with its positions, None when it no longer exists."""
        return self._orders.present(ledger_id)

    def orders_above(self, ledger_id: LedgerId) -> Iterator[OrderState]:
        """Every order that is newer than the one with this id."""
        return self._orders.above(ledger_id)

    def orders_changed_since(self, moment: datetime | None) -> Iterator[OrderState]:
        """Every order that changed at or after a moment."""
        return self._orders.changed_since(moment)

    def deliveries(self) -> Iterator[DeliveryState]:
        """Every delivery."""
        return self._orders.deliveries()

    def delivery(self, ledger_id: LedgerId) -> DeliveryState | None:
        """One delivery, None when it no longer exists."""
        return self._orders.delivery(ledger_id)

    def items(self) -> Iterator[Item]:
        """Every item, page by page."""
        return self._items.all()

    def item(self, ledger_id: LedgerId) -> Item | None:
        """One item as it is now, None when it no longer exists."""
        return self._items.one(ledger_id)

    def find_items(self, code: str) -> Sequence[Item]:
        """The items with exactly this code."""
        return self._items.with_code(code)

    def item_url(self, ledger_id: LedgerId) -> str:
        """The deep link of an item."""
        return self._items.url(ledger_id)

    def inspect(self, reference: str) -> Inspection:
        """Master data asked for anew, with rights and the documents that carry a reference."""
        now = self._clock.now()
        return inspect(self._api, self._master, self._finder, reference, now, orders=self._asks_for_orders)

    def documents_with(self, reference: str) -> Sequence[DocumentState]:
        """The documents that carry exactly this reference, by a plain search."""
        return self._finder.one(reference)

    def booked_lines(self, ledger_id: LedgerId) -> Sequence[BookedLine]:
        """What the priced positions of a document are booked on."""
        return booked_lines(self._api, ledger_id)

    def contact_url(self, ledger_id: LedgerId) -> str:
        """The deep link of a contact."""
        return f"{self._web_url}/index.php/contact/show/id/{ledger_id}"

    def experiment(self, document: DocumentState, mail: str, negative_price: bool | None) -> Mapping[str, bool]:
        """Tries what nobody says about bexio, and keeps what it learned."""
        learned = Experiments(self._api, self._store.facts, self._clock.now()).run(document, mail)
        if negative_price is not None:
            self._learned.keep(NEGATIVE_PRICES, negative_price)
            learned[NEGATIVE_PRICES] = negative_price
        return learned

    def changed(self, effect: FinishingEffect) -> str:
        """Say why the document of an issue or a mail is not what `effect` was planned for, "" where it is."""
        return self._finishing.changed(effect)

    def prepare(self, effect: Effect) -> Effect:
        """The effect with what must be known of the time before it, such as the highest id."""
        handler = self._handlers.get(type(effect))
        prepared: Effect = handler.prepare(effect) if handler and handler.prepare else effect
        return prepared

    def looks_first(self, effect: Effect) -> bool:
        """Whether something must be asked right before the effect."""
        handler = self._handlers.get(type(effect))
        return handler is not None and handler.prepare is not None

    def is_proved(self, effect: Effect) -> bool:
        """Whether the facts are known that the effect rests on; else it is sent alone."""
        return self._learned.is_proved(effect) and self._items.is_proved(effect)

    def perform(self, effect: Effect) -> EffectResult:
        """One effect; a refusal is learned from, and that it was taken."""
        handler = self._handlers.get(type(effect))
        if handler is None:
            raise Defect(f"bexio has no effect called {effect.step_kind}.")
        try:
            done: EffectResult = handler.perform(effect)
        except Refused as problem:
            self._learned.refused(effect, handler.rests_on, problem)
            raise
        self._learned.taken(effect)
        return done

    def find(self, effect: Effect) -> LookupResult:
        """Looks for an effect whose outcome is unknown; one without a finder may simply be repeated."""
        handler = self._handlers.get(type(effect))
        return handler.find(effect) if handler and handler.find else LookupResult()
