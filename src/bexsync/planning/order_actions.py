"""Which actions an order starts by its status, and the table of all that could happen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from bexsync.config.profile import Goods, OrderAction, OrderRule, OrdersSection

if TYPE_CHECKING:
    from bexsync.records import Customer
    from bexsync.records.order import Order, OrderLine

ALL_ACTIONS: tuple[OrderAction, ...] = get_args(OrderAction)
_GOODS: tuple[Goods, ...] = get_args(Goods)
_TABLE = "[orders.actions]"
_ON_PAPER = frozenset({"discount", "text", "shipping", "fee", "tip"})


@dataclass(frozen=True)
class Occasion:
    """What rules look at: the order's status, how it is paid, what was bought, and where it is delivered."""

    status: str
    payment_method: str = ""
    goods: Goods = "physical"
    country: str = ""


@dataclass(frozen=True)
class Decision:
    """What an order starts, in the order it is done, and the row of the profile that says so."""

    actions: tuple[OrderAction, ...]
    source: str


@dataclass(frozen=True)
class ActionRules:
    """The rules of a profile."""

    settings: OrdersSection

    def decide(self, occasion: Occasion) -> Decision | None:
        """The first rule that fits wins over the table; None where the status has no row at all."""
        for number, rule in enumerate(self.settings.rules, 1):
            if _fits(rule, occasion):
                return Decision(in_order(rule.actions), f"rule {number}")
        actions = self.settings.actions.get(occasion.status)
        return None if actions is None else Decision(in_order(actions), _TABLE)


def in_order(actions: Iterable[OrderAction]) -> tuple[OrderAction, ...]:
    """Actions in the order they are done, whatever their order in the profile."""
    wanted = frozenset(actions)
    return tuple(action for action in ALL_ACTIONS if action in wanted)


def occasion_of(order: Order, customer: Customer | None) -> Occasion:
    """What the rules look at in an order."""
    return Occasion(order.status, payment_method(order), goods_of(order.lines), country_of(order, customer))


def payment_method(order: Order) -> str:
    """How the order is paid: as it says itself, else by the one method of its payments."""
    methods = {one.payment_method for one in order.payments if one.kind in ("sale", "capture", "authorization")}
    return order.payment_method or (methods.pop() if len(methods) == 1 else "") or ""


def goods_of(lines: Iterable[OrderLine]) -> Goods:
    """Whether what was bought is shipped: services and gift cards are not, nor lines that say so."""
    kinds = {_is_virtual(line) for line in lines if line.type not in _ON_PAPER}
    if kinds == {True, False}:
        return "mixed"
    return "physical" if kinds == {False} else "virtual"


def _is_virtual(line: OrderLine) -> bool:
    return line.virtual or line.type in ("service", "gift_card")


def country_of(order: Order, customer: Customer | None) -> str:
    """The country of delivery, "" where no address names one."""
    addresses = [order.shipping_address, order.billing_address]
    if customer is not None:
        addresses = [order.shipping_address, customer.shipping_address, order.billing_address, customer.billing_address]
    return next((address.country_code for address in addresses if address and address.country_code), "")


def _fits(rule: OrderRule, occasion: Occasion) -> bool:
    pairs = (
        (rule.status, occasion.status),
        (rule.payment_method, occasion.payment_method),
        (rule.goods, occasion.goods),
        (rule.country.upper(), occasion.country),
    )
    return all(named in ("", found) for named, found in pairs)


# the table of all that could happen


@dataclass(frozen=True)
class MatrixRow:
    """What happens on one status; an empty tuple of methods, goods or countries means any.

    "" among the countries stands for all others, `decision` is None where nothing is said of the status.
    """

    status: str
    payment_methods: tuple[str, ...]
    goods: tuple[Goods, ...]
    countries: tuple[str, ...]
    decision: Decision | None


@dataclass(frozen=True)
class Matrix:
    """Every status with what it starts, the payment methods told apart, and what a person should look at."""

    rows: tuple[MatrixRow, ...]
    payment_methods: tuple[str, ...]
    attention: tuple[str, ...]

    @property
    def without_rule(self) -> tuple[str, ...]:
        """The statuses for which nothing is said, at least for some orders."""
        return tuple(dict.fromkeys(row.status for row in self.rows if row.decision is None))


def matrix(settings: OrdersSection, seen: Iterable[str], known: Iterable[str], methods: Iterable[str]) -> Matrix:
    """The table for statuses that orders have had, that the shop says it knows, and that the profile names.

    `methods` are the payment methods that orders have had; those that rules name are added.
    """
    seen_before, of_shop = set(seen), set(known)
    named = {*settings.actions, *(rule.status for rule in settings.rules), *_written(settings)} - {""}
    statuses = sorted({*seen_before, *of_shop, *named})
    paid_by = sorted({*methods, *(rule.payment_method for rule in settings.rules)} - {""})
    rows = tuple(row for status in statuses for row in _rows(settings, status, paid_by))
    heard_of = seen_before | of_shop
    unknown = sorted(named - heard_of) if heard_of else []
    return Matrix(rows, tuple(paid_by), (*_loops(settings, rows), *_never_seen(unknown)))


def _written(settings: OrdersSection) -> dict[str, list[str]]:
    """The statuses that bexsync writes, with the keys of [orders.status] that say so."""
    written: dict[str, list[str]] = {}
    for key, status in settings.status.model_dump().items():
        if status:
            written.setdefault(status, []).append(key)
    return written


def _rows(settings: OrdersSection, status: str, methods: Sequence[str]) -> Iterator[MatrixRow]:
    """One row for each of what happens, with everything that leads there."""
    rules = ActionRules(settings)
    countries = sorted({rule.country.upper() for rule in settings.rules if rule.country})
    groups: dict[tuple[tuple[Decision | None, ...], ...], list[str]] = {}
    for method in [*methods, ""]:
        by_goods = tuple(
            tuple(rules.decide(Occasion(status, method, goods, country)) for country in [*countries, ""])
            for goods in _GOODS
        )
        groups.setdefault(by_goods, []).append(method)
    for by_goods, paid_by in groups.items():
        alike: dict[tuple[Decision | None, ...], list[Goods]] = {}
        for goods, by_country in zip(_GOODS, by_goods, strict=True):
            alike.setdefault(by_country, []).append(goods)
        for by_country, kinds in alike.items():
            places: dict[Decision | None, list[str]] = {}
            for country, decision in zip([*countries, ""], by_country, strict=True):
                places.setdefault(decision, []).append(country)
            for decision, where in places.items():
                yield MatrixRow(
                    status,
                    () if len(groups) == 1 else tuple(paid_by),
                    () if len(alike) == 1 else tuple(kinds),
                    () if len(places) == 1 else tuple(where),
                    decision,
                )


def _loops(settings: OrdersSection, rows: Iterable[MatrixRow]) -> Iterator[str]:
    """A status that bexsync writes back comes in again as a change of the shop's."""
    starting = {row.status for row in rows if row.decision is not None and row.decision.actions}
    for status, keys in _written(settings).items():
        if status in starting:
            names = " and ".join(keys)
            yield (
                f'bexsync itself writes the status "{status}" ([orders.status] {names}), and it starts actions: '
                "an order that gets it from bexsync starts none, one that gets it in the shop does."
            )


def _never_seen(statuses: Iterable[str]) -> Iterator[str]:
    names = ", ".join(f'"{status}"' for status in statuses)
    if names:
        yield f"No order has had the status {names} so far; check how the shop writes it."
