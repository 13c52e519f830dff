"""What all records share: frozen, strict about names, decimal about numbers, plain about dates."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationInfo,
    model_validator,
)

from bexsync.characters import encoded_twice, lines_of_text, one_line, unprinted
from bexsync.records.quoting import shown

_BOOKABLE = Decimal(10) ** 12
_FINEST = Decimal("0.000001")
_FINEST_FACTOR = Decimal("0.000000000001")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DEEPEST_METADATA = 20


def _written_number(value: Any) -> Any:
    """A float has already lost what was written; texts and whole numbers have not."""
    if isinstance(value, float):
        raise ValueError('is a binary number; write it as text, like "108.10"')
    if isinstance(value, bool):
        raise ValueError("is true or false where a number belongs")
    if isinstance(value, str):
        value = value.strip()
        if not _NUMBER.fullmatch(value):
            raise ValueError("must be a number like 1234.50")
    elif not isinstance(value, int | Decimal):
        raise ValueError("must be a number like 1234.50")
    return value


def _plain(value: Decimal) -> Decimal:
    """One spelling per number, so that 1.50 and 1.5 are the same content; bounds keep arithmetic exact."""
    _bookable(value)
    if value != value.quantize(_FINEST):
        raise ValueError("has more than six decimals, which the ledger does not accept")
    return _one_spelling(value)


def _plain_stated(value: Decimal) -> Decimal:
    """A shop computes its sums with binary numbers and may write 1.3200000001: that is 1.32."""
    _bookable(value)
    return _one_spelling(value.quantize(_FINEST))


def _plain_factor(value: Decimal) -> Decimal:
    """Prices and quantities keep more decimals than a ledger takes, so that planning can choose how to round them."""
    _bookable(value)
    return _one_spelling(value.quantize(_FINEST_FACTOR))


def _bookable(value: Decimal) -> None:
    if not value.is_finite():
        raise ValueError("is not a number one can book")
    if value.copy_abs() >= _BOOKABLE:
        raise ValueError("is larger than any amount bexsync books")


def _one_spelling(value: Decimal) -> Decimal:
    if not value:
        return Decimal(0)  # normalising would keep the sign of -0
    value = value.normalize()
    return value.quantize(1) if value == value.to_integral_value() else value


def _written_whole_number(value: Any) -> Any:
    """Texts of digits and whole numbers; true is not 1."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number")
    return value


def _written_day(value: Any) -> Any:
    """Days are written out: a number could be seconds or a day, and a moment falls on two days."""
    if isinstance(value, str) and _DAY.fullmatch(value.strip()):
        return value.strip()
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("must be a date like 2026-11-20")


def _written_moment(value: Any) -> Any:
    """A moment names its offset from UTC: without one nobody knows on which day it falls."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    if isinstance(value, str) and _MOMENT.fullmatch(value.strip()):
        return value.strip()
    raise ValueError("must be a moment with its offset, like 2026-11-20T09:30:00+01:00 or 2026-11-20T08:30:00Z")


def _in_utc(value: datetime) -> datetime:
    """One spelling per moment, so that the same moment with another offset is the same content."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the years that can be written") from None


def _foreign_id(value: Any) -> Any:
    """Ids of a shop are text; a whole number is accepted and kept exactly."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _one_printed_line(value: str) -> str:
    """Ids stand in keys, in searches and on terminals, so they hold only what prints."""
    if not value.isprintable():
        code = unprinted(value)
        raise ValueError(f"holds a character that cannot be printed{f' ({code})' if code else ''}")
    return value


def refuse_unprinted(value: str, info: ValidationInfo) -> str:
    """What is compared or dialled must be what one sees; raises ValueError.

    A record that is stored was taken under the rules of its day.
    """
    code = unprinted(value)
    if code and not (info.context and info.context.is_stored):
        raise ValueError(f"holds a character that cannot be printed ({code})")
    return value


def _cleaned(value: Any, clean: Callable[[str], str], info: ValidationInfo) -> Any:
    """The text as it may be shown anywhere; the reading remembers in which fields something was removed."""
    if not isinstance(value, str) or (value.isascii() and value.isprintable()):
        return value
    word = "" if info.context and info.context.is_stored else encoded_twice(value)
    if word:
        raise ValueError(f"holds text that was encoded twice, such as {shown(word)}; export it again as UTF-8")
    text = clean(value)
    if text != value and info.context and (value.strip() or text.strip()):
        info.context.cleaned.setdefault(info.field_name or "a text", None)
    return text


def _one_clean_line(value: Any, info: ValidationInfo) -> Any:
    return _cleaned(value, one_line, info)


def _clean_lines(value: Any, info: ValidationInfo) -> Any:
    return _cleaned(value, lines_of_text, info)


def _empty_is_absent(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


@dataclass
class Reading:
    """One record being read: whether it comes from the state, and the fields that were cleaned, in order."""

    is_stored: bool = False
    cleaned: dict[str, None] = field(default_factory=dict)


def refuse_twice(path: str, name: str, ids: Iterable[str]) -> None:
    """What was done for a part is known by its id, so each id must be one; raises ValueError."""
    seen: set[str] = set()
    for found in ids:
        if found in seen:
            raise ValueError(f"has two `{path}` with the {name} {shown(found)}")
        seen.add(found)


def _plain_json(value: Any, depth: int = 0) -> Any:
    """What a shop adds of its own must survive being hashed and stored."""
    if depth > _DEEPEST_METADATA:
        raise ValueError(f"is nested deeper than {_DEEPEST_METADATA} levels")
    if isinstance(value, Mapping):
        for key, part in value.items():
            _plain_json(key, depth)
            _plain_json(part, depth + 1)
    elif isinstance(value, list | tuple):
        for part in value:
            _plain_json(part, depth + 1)
    elif isinstance(value, str):
        _encodable(value)
    elif isinstance(value, Decimal | float) and not Decimal(value).is_finite():
        raise ValueError("holds something that is not a number")
    return value


def _encodable(value: str) -> None:
    if any("\ud800" <= c <= "\udfff" for c in value):
        raise ValueError("holds half a character (a lone surrogate)")


Amount = Annotated[Decimal, BeforeValidator(_written_number), AfterValidator(_plain)]
StatedAmount = Annotated[Decimal, BeforeValidator(_written_number), AfterValidator(_plain_stated)]
Factor = Annotated[Decimal, BeforeValidator(_written_number), AfterValidator(_plain_factor)]
WholeNumber = Annotated[int, BeforeValidator(_written_whole_number)]
Day = Annotated[date, BeforeValidator(_written_day)]
Moment = Annotated[datetime, BeforeValidator(_written_moment), AfterValidator(_in_utc)]
CurrencyCode = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[A-Za-z]{3}$")]
ShopId = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120),
    BeforeValidator(_foreign_id),
    AfterValidator(_one_printed_line),
]
_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000)]
CleanLine = BeforeValidator(_one_clean_line)
Text = Annotated[_Text, CleanLine]
OptionalText = Annotated[_Text | None, BeforeValidator(_empty_is_absent), CleanLine]
OptionalLines = Annotated[_Text | None, BeforeValidator(_empty_is_absent), BeforeValidator(_clean_lines)]
OptionalCode = Annotated[Annotated[_Text, AfterValidator(refuse_unprinted)] | None, BeforeValidator(_empty_is_absent)]
Metadata = Annotated[dict[str, Any], AfterValidator(_plain_json)]


class Record(BaseModel):
    """A frozen value without surprises: unknown fields are refused, because a typo must not change a booking."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_what_is_empty(cls, value: Any) -> Any:
        """An empty text in an optional field says nothing; where a value counts, it stays and is refused."""
        if not isinstance(value, Mapping):
            return value
        empty = [k for k, v in value.items() if v is None or (isinstance(v, str) and (not v or v.isspace()))]
        absent = {k for k in empty if cls._may_be_absent(k)}
        return {k: v for k, v in value.items() if k not in absent} if absent else value

    @classmethod
    def _may_be_absent(cls, name: str) -> bool:
        known = cls.model_fields.get(name)
        return known is not None and not known.is_required() and known.default is None

    def canonical(self) -> dict[str, Any]:
        """The record as plain JSON values, unset fields left out; reading it gives an equal record."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def fingerprint(self) -> str:
        """A hash of the content: equal records have equal fingerprints, whatever the file looked like."""
        text = json.dumps(self.canonical(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]
