"""What is said of a piece of a file that is no record."""

from __future__ import annotations

from dataclasses import dataclass

from bexsync.ports.shop import InvalidInput

CORRECT = "Correct it and drop the file into in/ again; records that are already booked are recognised."
_LONGEST_ID = 120


@dataclass(frozen=True)
class InputError:
    """Something unreadable, and whether it is a matter of format."""

    invalid: InvalidInput
    is_format: bool = False

    @property
    def is_countless(self) -> bool:
        """Whether a file of garbage could hold any number of these."""
        return self.is_format or not self.invalid.shop_id


def id_in(text: str) -> str:
    """The id as far as it can be one, for an error."""
    text = text.strip()
    return text if text.isprintable() and len(text) <= _LONGEST_ID else ""
