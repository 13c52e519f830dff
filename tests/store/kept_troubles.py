"""Makes the world that is kept: real runs of two shops against the local bexio, with everything that goes wrong.

First a past in which every run has come to rest, then runs that are killed, refused and left without an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from bexsync.engine.journal import Journal
from bexsync.engine.sending import OneRecord, Sender
from bexsync.errors import TryLater
from bexsync.hooks import observed_by
from bexsync.jobs.lifecycle import RunEnded, prepare
from bexsync.jobs.reporting import ShopSide
from bexsync.planning.plan import Step
from bexsync.ports.documents import EffectResult
from bexsync.ports.steps import Effect
from bexsync.shops.folder.catalog import FolderCatalog
from bexsync.shops.folder.shop import FolderShop
from bexsync.wiring import open_links_desk
from store.kept_world import Both, Site, journal
from world import DEFAULT_PROFILE, an_invoice

Act = Callable[[Any], None]
# Of these the second shop has the rows under way, of all others the first.
OF_SECOND = frozenset({"issue", "contact_edit", "position", "item_edit"})
LEDGER_KINDS = (
    *("contact", "contact_restore", "contact_edit", "contact_relation", "invoice", "adopt", "claim", "verify"),
    *("invoice_edit", "positions_clear", "position", "issue", "send", "invoice_cancel", "invoice_delete"),
)
TRIAL_KINDS = ("draft_delete", "contact_archive")
_DRAFTS = frozenset({"verify", "invoice_edit", "positions_clear", "position", "adopt", "invoice_delete"})
_CHANGED = frozenset({"verify", "invoice_edit", "positions_clear", "position"})
# These need nothing that stands in bexio before.
FRESH = frozenset({"contact", "contact_relation", "invoice", "send", "event"})
LOOKS = frozenset({"verify", "adopt"})
HELD = ("adopt", "verify", "invoice_edit", "issue", "send", "invoice_cancel", "invoice_delete")
_REFUSED = {"message": "The gateway does not like it", "errors": {"recipient_email": ["is not accepted"]}}


class Killed(BaseException):
    """Not an Exception, so that nothing on the way can think of handling it."""


def profiles(both: Both) -> None:
    """Write the two profiles, and the folders of the shops."""
    for site, finish in zip(both.sites, ("send", "issue"), strict=True):
        (site.shop / "in").mkdir(parents=True)
        site._write_profile(
            {
                **DEFAULT_PROFILE,
                "ledger": {**DEFAULT_PROFILE["ledger"], "api_url": site.url},
                "shop": {**DEFAULT_PROFILE["shop"], "path": f"./{site.name}", "site": site.name},
                "invoices": {
                    **DEFAULT_PROFILE["invoices"],
                    "finish": finish,
                    "cancel": "cancel",
                    "cancel_draft": "delete",
                },
                "products": {"enabled": True, "description": "ledger", "weight": "shop"},
                "errors": {"stop_after": 1000},
            }
        )
        site.profile_path.with_suffix(".vat.toml").write_text('[[tax]]\nclass = "reduced"\ncode = "UR26"\n')


# what the shops hand over


def person(name: str, **changes: Any) -> dict[str, Any]:
    """A customer of that name."""
    return {
        "shop_id": f"K-{name}",
        "first_name": "Vera",
        "last_name": name.title(),
        "email": f"{name}@example.ch",
        "billing_address": {"street": "Weg 1", "postal_code": "7000", "city": "Chur", "country_code": "CH"},
        **changes,
    }


def bill(name: str, **changes: Any) -> dict[str, Any]:
    """An invoice of that name to a customer of that name."""
    return an_invoice(name, **{"customer": person(name), **changes})


def lines(*names: str, price: str = "100") -> list[dict[str, str]]:
    """Lines with VAT."""
    return [{"line_id": str(n), "name": name, "unit_price": price, "tax_rate": "8.1"} for n, name in enumerate(names)]


def company(name: str) -> dict[str, Any]:
    """A company with a person to write to."""
    return person(name, kind="company", company_name=f"{name.title()} AG", email=f"office@{name}.example.ch")


def document(both: Both, name: str) -> dict[str, Any]:
    """The document of an invoice in bexio."""
    (found,) = [i for i in both.main.invoices() if str(i["api_reference"]).endswith(f":invoice:{name}")]
    return found


def before(kind: str, name: str) -> dict[str, Any]:
    """The invoice that has to stand in bexio before an effect of a kind can be wanted."""
    if kind in ("contact_restore", "contact_edit"):
        return bill(f"{name}-before", customer=person(name))
    stays = kind in _DRAFTS or kind in ("issue", "send")
    return bill(name, **({"leave_as_draft": True} if stays else {}), auto_send=kind != "invoice_cancel")


def prepare_all(both: Both, site: Site, wanted: list[tuple[str, str]]) -> None:
    """Bring about what has to stand in bexio before these effects, each a kind and the name of its record."""
    bills = [before(kind, name) for kind, name in wanted]
    site.drop(*bills, name=f"before-{len(both.main.invoices())}.json")
    site.push()
    for kind, name in wanted:
        if kind == "contact_restore":
            both.sandbox.person.archive_contact(document(both, f"{name}-before")["contact_id"])
        if kind == "claim":
            row = both.sandbox.state.invoices[document(both, name)["id"]]
            with both.sandbox.state.transaction():
                both.sandbox.state.put("invoices", {**row, "api_reference": None})
            forget(site, name)


def forget(site: Site, name: str) -> None:
    """What a person does with `links forget`."""
    with open_links_desk(str(site.profile_path)) as desk:
        desk.forget(name)


def wanted(both: Both, site: Site, kind: str, name: str) -> Callable[[], Any]:
    """Let the shop say what makes an effect of a kind necessary, and return the run that does it."""
    if kind == "claim":
        site.drop(bill(name), name=f"{name}.json")
        number = next(
            i["document_nr"]
            for i in site.invoices()
            if not i["api_reference"] and f"Vera {name.title()}" in i["contact_address"]
        )
        return lambda: site.adopt(name, number)
    record = bill(name)
    if kind == "contact_relation":
        record = bill(name, customer=company(name))
    if kind == "contact_edit":
        moved = {"street": "Gasse 2", "postal_code": "7000", "city": "Chur", "country_code": "CH"}
        record = bill(name, customer=person(name, billing_address=moved))
    if kind in _CHANGED:
        record = bill(name, leave_as_draft=True, lines=lines("Beratung", "Reise"), total="216.20")
    if kind == "adopt":
        forget(site, name)
        text = "Anderes" if name.endswith("held") else "Beratung"
        record = bill(name, leave_as_draft=True, lines=lines(text) if name.endswith("held") else bill(name)["lines"])
    if kind in ("invoice_cancel", "invoice_delete"):
        record = before(kind, name) | {"status": "cancelled"}
    site.drop(record, name=f"{name}.json")
    return lambda: site.push(ids=(name,))


# what goes wrong


@contextmanager
def at(kind: str, act: Act, rest: Callable[[], None]) -> Iterator[None]:
    """Act as soon as an effect of this kind is written down and about to be sent; at the next one, rest."""
    send, tell, met = Sender._perform, ShopSide.perform, []

    def sent(self: Sender, record: OneRecord, step: Step, *more: Any) -> Any:
        rest()
        if step.kind == kind:
            met.append(kind)
            act(step)
        return send(self, record, step, *more)

    def told(self: ShopSide, effect: Effect) -> EffectResult:
        if effect.step_kind == kind and not met:  # those of many records are told together
            met.append(kind)
            act(effect)
        return tell(self, effect)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sender, "_perform", sent)
        patch.setattr(ShopSide, "perform", told)
        yield
    rest()
    assert met, f"no {kind} was begun"


class Troubles:
    """All that can happen to one effect, each as something that is done when it is about to be sent."""

    def __init__(self, both: Both) -> None:
        self.both = both
        self.gateway = both.gateway

    def refused(self, kind: str, run: Callable[[], Any]) -> None:
        """Bexio refuses it, for good: an effect that names the answers of others is another one the next time."""

        def act(_: Step) -> None:
            self.gateway.status, self.gateway.body = (404 if kind in LOOKS else 422), _REFUSED
            self.gateway.reads = kind in LOOKS

        with at(kind, act, self.gateway.rest):
            run()
        with suppress(AssertionError, RunEnded), at(kind, act, self.gateway.rest):
            run()

    def without_login(self, kind: str, run: Callable[[], Any]) -> None:
        """The token is not accepted just then: nothing was done, and the run ends."""

        def act(_: Step) -> None:
            self.gateway.status, self.gateway.body, self.gateway.reads = 401, {"message": "Expired"}, kind in LOOKS

        with at(kind, act, self.gateway.rest), suppress(RunEnded):
            run()

    def without_space(self, kind: str, run: Callable[[], Any]) -> None:
        """The disk of the shop is full."""

        def full(*_: Any) -> None:
            raise TryLater("No space is left for the shop.", "Free some space.", code="disk")

        with pytest.MonkeyPatch.context() as patch:

            def act(_: Step) -> None:
                patch.setattr(FolderShop, "deliver", full)
                patch.setattr(FolderCatalog, "change_products", full)
                patch.setattr(FolderCatalog, "change_stock", full)

            with at(kind, act, self.gateway.rest), suppress(RunEnded):
                run()

    def unanswered(self, kind: str, run: Callable[[], Any], *, took_effect: bool) -> None:
        """The connection breaks off before or after the work is done."""

        def act(_: Step) -> None:
            self.gateway.fault = "drop_after" if took_effect else "drop_before"

        with at(kind, act, self.gateway.rest), suppress(RunEnded):
            run()

    def killed(self, kind: str, run: Callable[[], Any], *, took_effect: bool = False) -> None:
        """The process is killed before the request, or after its answer and before that is written down."""
        reaper = Reaper()
        real = Journal.done

        def done(self: Journal, intent: Any, *answer: Any, **more: Any) -> Any:
            if took_effect and intent.kind == kind:
                reaper.strike(None)
            return real(self, intent, *answer, **more)

        strike: Act = (lambda _: None) if took_effect else reaper.strike
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Journal, "done", done)
            with observed_by(reaper), pytest.raises(Killed), at(kind, strike, self.gateway.rest):
                run()

    def killed_twice(self, site: Site, kind: str, run: Callable[[], Any]) -> None:
        """And the next one is killed while it looks what became of it."""
        known = set(journal(self.both))
        self.killed(kind, run)
        ((scope, _, key),) = [row for row in set(journal(self.both)) - known if row[1] == kind]

        def look(*_: Any) -> Any:
            raise Killed

        with site.workspace() as workspace:
            started = prepare(workspace, "invoices push", workspace.store)
            intent = workspace.store.intents.get(scope, kind, key)
            assert intent is not None
            side = type("Side", (), {"find": look})()
            with pytest.raises(Killed):
                replace(started.recovery, side=lambda _: side)._settle(intent)

    def doubled(self, kind: str, run: Callable[[], Any]) -> None:
        """A gateway hands it on twice, and answers with a page of its own."""

        def act(_: Step) -> None:
            self.gateway.twice = True

        with at(kind, act, self.gateway.rest):
            run()

    def meanwhile(self, kind: str, run: Callable[[], Any], act: Act, *, fault: str = "") -> None:
        """A person works in bexio just before it is sent."""

        def both(step: Step) -> None:
            act(step)
            self.gateway.fault = fault

        with at(kind, both, self.gateway.rest):
            run()


class Reaper:
    """Kills a run: nothing after that takes effect."""

    def __init__(self) -> None:
        self.dead = False

    def strike(self, _: Step | None) -> None:
        """The end."""
        self.dead = True
        raise Killed

    def __call__(self, point: str, **facts: str) -> None:
        """Whatever the dead still want to do."""
        if self.dead:
            raise Killed
