"""The words of a mail to a customer: placeholders filled in, amounts and dates as the customer writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from bexsync.money import grouped

_ENGLISH_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def in_letters(words: Mapping[str, str], language: str) -> dict[str, str]:
    """Return the words with the total as 12'345.60 and the due date in the usual form of the language."""
    due = words.get("due_date", "")
    return {
        **words,
        "total": grouped(Decimal(words["total"])),
        "due_date": day_in_letters(date.fromisoformat(due), language) if due else "",
    }


def day_in_letters(day: date, language: str) -> str:
    """2 December 2026 in English, 02.12.2026 in the other languages of Switzerland."""
    return f"{day.day} {_ENGLISH_MONTHS[day.month - 1]} {day.year}" if language == "en" else f"{day:%d.%m.%Y}"


def filled(text: str, words: Mapping[str, str]) -> str:
    """Only our own names are replaced, and what stands for them is not read again; other braces are the writer's."""
    return re.sub(r"\{(\w+)\}", lambda found: str(words.get(found[1], found[0])), text)
