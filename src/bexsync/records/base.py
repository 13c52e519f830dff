"""What all records share: frozen, strict about names, decimal about numbers."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

_BOOKABLE = Decimal(10) ** 12
_FINEST = Decimal("0.000001")


def _no_binary_floats(value: Any) -> Any:
    """A float has already lost what was written; texts and whole numbers have not."""
    if isinstance(value, float):
        raise ValueError('is a binary number; write it as text, like "108.10"')
    if isinstance(value, bool):
        raise ValueError("is true or false where a number belongs")
    if isinstance(value, str):
        return value.strip()
    return value


def _plain(value: Decimal) -> Decimal:
    """One spelling per number, so that 1.50 and 1.5 are the same content; bounds keep arithmetic exact."""
    if not value.is_finite():
        raise ValueError("is not a number one can book")
    if abs(value) >= _BOOKABLE:
        raise ValueError("is larger than any amount bexsync books")
    if value != value.quantize(_FINEST):
        raise ValueError("has more than six decimals, which bexio does not accept")
    value = value.normalize()
    return value.quantize(1) if value == value.to_integral_value() else value


def _foreign_id(value: Any) -> Any:
    """Ids of a shop are text; a whole number is accepted and kept exactly."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _empty_is_absent(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


Amount = Annotated[Decimal, BeforeValidator(_no_binary_floats), AfterValidator(_plain)]
ShopId = Annotated[
    str, BeforeValidator(_foreign_id), StringConstraints(strip_whitespace=True, min_length=1, max_length=120)
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000)]
OptionalText = Annotated[Text | None, BeforeValidator(_empty_is_absent)]


class Record(BaseModel):
    """A frozen value without surprises: unknown fields are refused, because a typo must not change a booking."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def canonical(self) -> dict[str, Any]:
        """The record as plain JSON values, unset fields left out; reading it gives an equal record."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def fingerprint(self) -> str:
        """A hash of the content: equal records have equal fingerprints, whatever the file looked like."""
        text = json.dumps(self.canonical(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]
