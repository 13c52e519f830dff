"""Unexpected exceptions that one record brings to light: they belong to that record, and the others go on."""

from __future__ import annotations

from bexsync.errors import Defect, RecordProblem, fault_in_words

# What pure code raises when it meets what nobody thought of; a disk or a state that fails is no matter of one record.
FAULTS = (ArithmeticError, AssertionError, AttributeError, Defect, LookupError, RecursionError, TypeError, ValueError)


def record_fault(name: str, fault: Exception) -> RecordProblem:
    """Return the error of the record called `name`, with the place of the fault and none of its values."""
    return RecordProblem(
        f"{name} cannot be planned, by a bug in bexsync: {fault_in_words(fault)}.",
        "Nothing was done for it. Please report this line; until it is mended, enter the record in bexio by hand.",
        code="bug",
    )
