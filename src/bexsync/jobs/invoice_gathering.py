"""What a push asks the state and the ledger before it plans, and the planner that decides on it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache, partial
from typing import cast

from bexsync.engine.answers import gone, observed
from bexsync.errors import MappingProblem
from bexsync.ids import LedgerId
from bexsync.jobs.invoice_choice import ChosenInvoice
from bexsync.jobs.run import Run
from bexsync.jobs.settlement import counts_as_paid
from bexsync.planning.contacts import ContactPlanner
from bexsync.planning.documents import DocumentPlanner
from bexsync.planning.invoice_link import KIND, Linked, reference
from bexsync.planning.invoice_payments import InvoicePayments
from bexsync.planning.invoice_writing import FinishPlanner, InvoiceWriter
from bexsync.planning.invoices import InvoicePlanner
from bexsync.planning.matching import OURS, Twins
from bexsync.ports.contact_effects import CUSTOMER, CreateContact
from bexsync.ports.documents import DocumentState, DocumentStatus
from bexsync.ports.master_data import MasterData, User
from bexsync.ports.store import DocumentEvent, Link
from bexsync.ports.wanted import NewContact
from bexsync.records import Invoice


def documents_of(
    run: Run, shop_ids: Sequence[str], refer: Callable[[str, str], str] = reference
) -> dict[str, list[DocumentState]]:
    """The documents with our references, and those that were adopted but could not be given one."""
    ledger, kept = run.ledger, run.workspace.kept
    references = [refer(run.store.site, shop_id) for shop_id in shop_ids]
    found = ledger.find_documents(references)
    adopted = {one: doc for one in references for doc in kept.documents(DocumentEvent.ADOPTED, one)[-1:]}
    missing = {one: doc for one, doc in adopted.items() if doc not in {d.ledger_id for d in found.get(one, ())}}
    states = ledger.documents(sorted(missing.values())) if missing else {}
    for one, doc in missing.items():
        if doc in states:
            found[one] = [*found.get(one, ()), states[doc]]
    return found


def documents_numbered(run: Run, numbers: Collection[str]) -> dict[str, list[DocumentState]]:
    """The documents with these numbers that are somebody else's: not ours, not cancelled, and in no link."""
    found = run.ledger.documents_numbered(sorted(numbers)) if numbers else {}
    return {number: [one for one in documents if _is_free(run, one)] for number, documents in found.items()}


def _is_free(run: Run, document: DocumentState) -> bool:
    is_others = not document.reference.startswith(OURS) and document.standing is not DocumentStatus.CANCELLED
    return is_others and run.store.links.owner_of(KIND, document.ledger_id) is None


def booked_on(run: Run, days: Collection[date]) -> Twins:
    """The invoices of these days that stand in the ledger already."""
    if not days:
        return Twins()
    store = run.store
    rows = list(store.records.dated(KIND, [day.isoformat() for day in days]))
    booked = (cast(Invoice, row.record()) for row in rows if store.links.get(KIND, row.shop_id) is not None)
    return Twins.among(invoice for invoice in booked if invoice.status not in ("cancelled", "draft"))


def refresh_links(run: Run, chosen: Sequence[ChosenInvoice]) -> None:
    """How linked documents stand is asked anew: a state restored from a copy must not mail an invoice again."""
    store, now = run.store, run.workspace.clock.now()
    links = [link for one in chosen if (link := store.links.get(KIND, one.shop_id))]
    if not links:
        return
    states = run.ledger.documents([link.ledger_id for link in links])
    for link in links:
        state = states.get(link.ledger_id) or run.ledger.document(link.ledger_id)
        is_settled = counts_as_paid(run, state)
        with store.transaction():
            # A poll may have told the shop of it meanwhile; what was told must not be forgotten.
            fresh = store.links.get(KIND, link.shop_id) or link
            store.links.save(observed(fresh, state, is_settled=is_settled) if state else gone(fresh), now)


def invoice_planner(run: Run, start: date, *, foreign: bool) -> InvoicePlanner:
    profile = run.workspace.profile
    master = run.ledger.master(bank_accounts=foreign)
    try:
        check_numbering(profile.ledger.numbering, master)
        owner = owner_of(profile.ledger.user, master)
    except MappingProblem:
        run.ledger.forget_master_data()  # once a person has mended it, the next run is to see it
        raise
    return InvoicePlanner(
        writer=InvoiceWriter(
            documents=DocumentPlanner(
                profile,
                master,
                run.workspace.vat_map,
                owner,
                run.workspace.clock.now().date(),
                run.ledger.negative_prices,
            ),
            contacts=contact_planner(run, master, owner),
            finisher=FinishPlanner(profile, master.me.mail),
            payments=InvoicePayments(profile, master, run.store.site, run.was_done),
            site=run.store.site,
        ),
        start_date=start,
        skip=profile.invoices.skip,
        done=run.was_done,
        finished=partial(run.workspace.kept.documents, DocumentEvent.FINISHED),
        forgotten=partial(run.workspace.kept.documents, DocumentEvent.FORGOTTEN),
        url_of=partial(_url_of, run),
    )


def contact_planner(run: Run, master: MasterData, owner: User) -> ContactPlanner:
    """The planner of the contacts of one run, whatever records they are for."""
    return ContactPlanner(
        profile=run.workspace.profile,
        master=master,
        index=run.store.contacts,
        owner=owner,
        linked=partial(_contact_of, run),
        under_way=_contacts_under_way(run),
        customers=_customers_of(run),
    )


def _contact_of(run: Run, customer: str) -> LedgerId | None:
    link = run.store.links.get(CUSTOMER, customer)
    return link.ledger_id if link else None


def _customers_of(run: Run) -> Callable[[LedgerId], Collection[str]]:
    """Which customers of the shop a contact is linked to; read as a whole, when it is asked for first."""

    @cache
    def known() -> Mapping[LedgerId, set[str]]:
        found: dict[LedgerId, set[str]] = {}
        for customer, contact, _ in run.store.links.marks(CUSTOMER):
            found.setdefault(contact, set()).add(customer)
        return found

    return lambda ledger_id: known().get(ledger_id, ())


def _contacts_under_way(run: Run) -> tuple[NewContact, ...]:
    journal = run.applier.sender.journal
    return tuple(
        NewContact(**vars(journal.effect(intent)), key=intent.key)
        for intent in run.store.intents.under_way(CreateContact.step_kind)
    )


def _url_of(run: Run, shop_id: str) -> str:
    link = run.store.links.get(KIND, shop_id)
    return link.url if link else ""


def linked(link: Link) -> Linked:
    """What planning needs of a link."""
    return Linked(
        ledger_id=link.ledger_id,
        fingerprint=link.fingerprint,
        agreed=link.agreed,
        standing=DocumentStatus(link.state.get("standing", "draft")),
        number=link.number,
        url=link.url,
        total=Decimal(link.state.get("total", "0")),
        shared=link.state.get("shared") == "yes",
        revision=int(link.notes.get("revision", 0)),
        created_as=str(link.notes.get("created_as", "")),
        content=str(link.notes.get("content", "")),
        due_date=str(link.notes.get("due_date", "")),
    )


def check_numbering(
    numbering: str,
    master: MasterData,
    *,
    is_automatic: bool | None = None,
    what: str = "invoices",
    section: str = "[ledger]",
) -> None:
    """Raises MappingProblem unless profile and ledger agree on who numbers documents of a kind, invoices at first."""
    is_automatic = master.automatic_numbering if is_automatic is None else is_automatic
    if numbering == "ledger" and not is_automatic:
        raise MappingProblem(
            f"{master.ledger} does not number {what} by itself, but the profile expects it to.",
            f'Switch on automatic numbering in {master.ledger}, or set {section} numbering = "shop".',
            code="numbering",
        )
    if numbering == "shop" and is_automatic:
        raise MappingProblem(
            f"{master.ledger} numbers {what} by itself, but the profile says that the shop does.",
            f'Switch off automatic numbering in {master.ledger}, or set {section} numbering = "ledger".',
            code="numbering",
        )


def owner_of(mail: str, master: MasterData) -> User:
    """The user that documents belong to; raises MappingProblem where the ledger has no such one."""
    if not mail:
        return master.me
    for user in master.users:
        if user.mail.casefold() == mail.casefold():
            return user
    raise MappingProblem(
        f"{master.ledger} has no user with the mail {mail}.",
        f"Correct [ledger] user; it has {', '.join(u.mail for u in master.users)}.",
        code="unknown_user",
    )
