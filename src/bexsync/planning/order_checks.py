"""Whether the ledger has what orders are booked on: accounts of gift cards, tips and rounding, and their taxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bexsync.errors import RecordProblem
from bexsync.money import decimal_text
from bexsync.planning.checks import READ_SETTINGS, Check, Surroundings, attention, ok, wrong
from bexsync.planning.document_positions import RoundingSettings, rounding_account, rounding_tax
from bexsync.planning.lookups import gift_card_account, income_account
from bexsync.planning.taxes import TaxChooser, why_unusable

NUMBERING_OF = "numbering: "
_NUMBERED = {"order": "orders", "delivery": "deliveries"}


def what_orders_start(around: Surroundings) -> Iterator[Check]:
    """Whether orders are carried over, from when on, and who numbers their documents."""
    orders = around.profile.orders
    if not orders.enabled:
        return
    rows = [*orders.actions.values(), *(rule.actions for rule in orders.rules)]
    if not any(rows):
        said = "[orders.actions] names no status, so that nothing is done for any order."
        yield attention("orders", "no actions", said, "Say there what each status of the shop starts.")
        return
    start = orders.start_date
    day = f"from {start.isoformat()}" if start else "from the day of the first run"
    yield ok("orders", day, "`bexsync orders rules` shows what each status starts.")
    wanted = {action for row in rows for action in row}
    for action, name in _NUMBERED.items():
        if action not in wanted:
            continue
        by_shop = action == "order" and orders.numbering == "shop"
        value = "by the shop" if by_shop else f"by {around.master.ledger}"
        unread, misfit = (
            around.unread(f"numbering of {name}", value, "settings", READ_SETTINGS),
            around.misfits.get(f"{NUMBERING_OF}{action}"),
        )
        if unread is not None:
            yield unread
        elif misfit is not None:
            yield wrong(f"numbering of {name}", value, misfit.message, misfit.hint)
        else:
            yield ok(f"numbering of {name}", value, f"Profile and {around.master.ledger} agree.")


def order_accounts(around: Surroundings) -> Iterator[Check]:
    """The accounts and taxes that [orders] names, where orders are carried over at all."""
    orders = around.profile.orders
    if not orders.enabled:
        return
    rows: tuple[tuple[str, str, Callable[[Surroundings], str]], ...] = (
        ("gift card account", orders.gift_card_account, _gift_cards),
        ("tip account", orders.tip_account, _tips),
        ("tip tax", orders.tip_tax, _tip_tax),
        ("rounding of orders", orders.rounding_account or orders.rounding_tax, _rounding),
    )
    for name, value, look in rows:
        if not value:
            continue
        unread = around.unread(name, value, "accounts", READ_SETTINGS)
        if unread is not None:
            yield unread
            continue
        try:
            yield ok(name, look(around))
        except RecordProblem as problem:
            yield wrong(name, value, problem.message, problem.hint)


def _gift_cards(around: Surroundings) -> str:
    number = around.profile.orders.gift_card_account
    account = gift_card_account(around.master, None, number, where="[orders] gift_card_account")
    chooser = _chooser(around)
    if chooser.subject_to_vat:
        chooser.only_untaxed("gift cards", "give their lines a tax_code", "tax_code")
    return f"{account.number} {account.name}"


def _tips(around: Surroundings) -> str:
    setting = "[orders] tip_account"
    number = around.profile.orders.tip_account
    account = income_account(around.master, None, number, where=setting, owner="line", setting=setting)
    return f"{account.number} {account.name}"


def _tip_tax(around: Surroundings) -> str:
    setting, chooser = "[orders] tip_tax", _chooser(around)
    tax = chooser.called(around.profile.orders.tip_tax, setting)
    problem = why_unusable(tax, around.today)
    if problem:
        raise RecordProblem(
            f"{setting}: the tax code {tax.code} {problem} in {around.master.ledger}.",
            f"Activate it in {around.master.ledger}, or correct {setting} in the profile.",
        )
    return f"{tax.code}, {decimal_text(tax.rate)} %"


def _rounding(around: Surroundings) -> str:
    settings, chooser = RoundingSettings.for_orders(around.profile), _chooser(around)
    account = rounding_account(around.master, settings)
    tax = rounding_tax(chooser, settings) if chooser.subject_to_vat else None
    return f"{account.number} {account.name}" + (f", {tax.code}" if tax is not None else "")


def _chooser(around: Surroundings) -> TaxChooser:
    return TaxChooser(around.master, around.vat_map, around.profile.ledger.tax_code, None, around.today)
