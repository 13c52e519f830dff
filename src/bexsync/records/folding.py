"""Names compared the way people read them: without case, accents, punctuation and spacing."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae", "œ": "oe"})
_JOINED = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d"})


@lru_cache(maxsize=10_000)
def folded(text: str) -> str:
    """Return the letters and digits of a text in lower case and without accents, words apart by one blank."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_JOINED))
    return " ".join("".join(sign if sign.isalnum() else _kept(sign) for sign in plain).split())


def _kept(sign: str) -> str:
    """Accents and apostrophes join, everything else separates."""
    return "" if unicodedata.combining(sign) or sign in "'’`´." else " "


@lru_cache(maxsize=10_000)
def written_out(text: str) -> str:
    """Return the folded text with its umlauts as two letters each, as keyboards without them write it."""
    return folded(unicodedata.normalize("NFC", text).casefold().translate(_WRITTEN_OUT))


def contracted(text: str) -> str:
    """Return the folded text with what may be a written-out umlaut as one letter."""
    return folded(text).replace("ae", "a").replace("oe", "o").replace("ue", "u")


def alike(one: str, other: str) -> bool:
    """Whether two texts differ at most in case, accents, punctuation, spacing or the spelling of umlauts."""
    return not {written_out(one), folded(one)}.isdisjoint({written_out(other), folded(other)})
