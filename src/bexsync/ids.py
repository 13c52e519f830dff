"""Ids of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import CoreSchema


class LedgerId(str):
    """The id of an object in the ledger: opaque text, whatever the ledger makes of it."""

    __slots__ = ()

    @property
    def wire(self) -> int | str:
        """The id as it is written into the journal: a number where it is one, as when all ids were numbers."""
        return int(self) if self.isdecimal() and str(int(self)) == self else str(self)

    @property
    def age(self) -> tuple[int, str]:
        """What ids are sorted by: those that are numbers in the order of numbers."""
        return len(self), str(self)

    @classmethod
    def read(cls, value: object) -> LedgerId:
        """The id that was written as `wire`; raises ValueError where it is none."""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError("no id")
        return cls(value)

    @classmethod
    def known(cls, value: object) -> LedgerId | None:
        """The id that was written as `wire`, None where none was; raises ValueError where it is neither."""
        return None if value is None else cls.read(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(cls.read)
