"""What keeps one record from being planned: a problem for a person, or a bug; the other records go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bexsync.errors import ConfigurationProblem, Defect, RecordProblem, fault_in_words
from bexsync.jobs.run import Run

T = TypeVar("T")
# What pure code raises when it meets what nobody thought of; a disk or a state that fails is no matter of one record.
_FAULTS = (ArithmeticError, AssertionError, AttributeError, Defect, LookupError, RecursionError, TypeError, ValueError)
# What the master data lack may have been added in the ledger since they were read.
_OF_MASTER_DATA = frozenset(
    {
        *("no_business_year", "not_subject_to_vat", "tax_rate_differs", "tax_unmapped", "tax_unusable"),
        *("unknown_account", "unknown_bank_account", "unknown_currency", "unknown_tax", "unknown_template"),
        *("unknown_unit", "bank_account_ambiguous", "bank_account_currency", "bank_account_missing"),
    }
)
_FEW_GONE = 5


def judged(run: Run, name: str, decide: Callable[[], T]) -> T | RecordProblem:
    """Return what `decide` comes to for the record called `name`, or the problem that keeps it from being planned."""
    try:
        return decide()
    except RecordProblem as problem:
        if problem.code in _OF_MASTER_DATA:
            run.ledger.refresh_master_data()
        return problem
    except _FAULTS as fault:
        # The place of the fault, and none of its values.
        return RecordProblem(
            f"{name} cannot be planned, by a bug in bexsync: {fault_in_words(fault)}.",
            "Nothing was done for it. Please report this line; "
            f"until it is mended, enter the record in {run.ledger_name} by hand.",
            code="bug",
        )


def refuse_mass_deletion(
    gone: int, of: int, ledger: str, *, confirmed: int, things: str, consequence: str, hint: str
) -> None:
    """Raise ConfigurationProblem where a ledger suddenly shows hardly anything.

    It is more likely hidden, or another one, than emptied.
    """
    if gone > max(_FEW_GONE, of // 10, confirmed):
        raise ConfigurationProblem(
            f"{ledger} no longer shows {gone} of {of} {things}; {consequence}.", hint, code="mass_deletion"
        )
