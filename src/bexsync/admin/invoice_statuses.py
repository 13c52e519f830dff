"""The words for how an invoice stands, and for what a list of invoices is sorted by; light, for the shell."""

from __future__ import annotations

from bexsync.errors import UsageProblem
from bexsync.registry import ledger_description

_LEDGER = ledger_description().words.name  # the shell asks without reading a profile

STATUSES = {
    "open": "issued and not fully paid",
    "overdue": "open and past its due date",
    "waiting": f"not in {_LEDGER} yet",
    "blocked": "a person must correct something",
    "draft": f"a draft in {_LEDGER}",
    "issued": "issued, not mailed by bexsync",
    "sent": "mailed",
    "partly_paid": "part of the money came in",
    "paid": "paid",
    "unpaid": "the same as open",
    "cancelled": f"cancelled in {_LEDGER}",
    "deleted": f"deleted in {_LEDGER}",
    "ignored": "not for bexsync to book",
    "given_up": "acknowledged, left alone until it changes",
    "done": f"agrees with {_LEDGER}",
}
_ALIASES = {
    "open": "unpaid outstanding owed due offen unbezahlt ausstehend ouverte impayée impayee aperta",
    "overdue": "late past_due überfällig ueberfaellig faellig fällig en_retard échue scaduta",
    "waiting": "new pending not_pushed queued wartend neu en_attente",
    "blocked": "failed error errors held blockiert fehler",
    "draft": "drafts entwurf brouillon bozza",
    "issued": "ausgestellt émise emise",
    "sent": "mailed emailed versendet versandt gesendet verschickt envoyée envoyee inviata",
    "partly_paid": "partial partially_paid part_paid teilbezahlt teilweise_bezahlt",
    "paid": "settled bezahlt beglichen payée payee payé pagata",
    "cancelled": "canceled void voided storniert annulliert annulée annulee annullata",
    "deleted": "gelöscht geloescht removed",
    "ignored": "skipped left_alone ignoriert",
    "given_up": "acknowledged acked",
    "done": f"in_{_LEDGER}",
}
_WORDS = {word: status for status, words in _ALIASES.items() for word in (status, *words.split())}
SORT_FIELDS = ("date", "due", "customer", "amount", "paid", "open", "status", "number", "id")


def known_status(word: str) -> str:
    """The status that a word means; raises UsageProblem with the list for any other word."""
    status = _WORDS.get("_".join(word.casefold().replace("-", " ").replace("_", " ").split()))
    if status is None:
        raise UsageProblem(f'There is no status "{word}".', f"It is one of {', '.join(STATUSES)}.")
    return status


def sort_key(word: str) -> tuple[str, bool]:
    """The field to sort by, and whether downwards; raises UsageProblem with the list for an unknown one."""
    name = word.removeprefix("-").casefold()
    if name not in SORT_FIELDS:
        raise UsageProblem(
            f'The list cannot be sorted by "{word}".',
            f"It can by {', '.join(SORT_FIELDS)}; a minus before it sorts downwards.",
        )
    return name, word.startswith("-")
