"""What `init` asks, beside the login: every question with its default and how an answer is checked."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from datetime import date, datetime

from bexsync.admin.first_profile import Offer, chosen, repeated
from bexsync.cli.options import LEDGER
from bexsync.errors import BexsyncError, ConfigurationProblem, UsageProblem
from bexsync.files import require_writable, usable_path
from bexsync.http.address import api_hint, parse_address
from bexsync.paths import is_path, profile_path
from bexsync.ports.shop_package import Question
from bexsync.registry import ledger_description

SANDBOX = "http://127.0.0.1:8765"
LANGUAGES = ("de", "fr", "it", "en")
FINISHES = {
    "draft": f"makes it a draft; a person looks at it and issues it in {LEDGER}",
    "issue": "makes and issues it; nobody is mailed",
    "send": "makes, issues and mails it",
}
_MOST_SHOWN = 9


def name(default: str, words: Sequence[str]) -> Question[str]:
    """What the profile is called."""
    return Question("", "Name of the profile", default, new_profile, words)


def program(profile: str) -> str:
    """How a person calls bexsync for this profile."""
    return "bexsync" if profile == "default" else f"bexsync --profile {shlex.quote(profile)}"


def new_profile(said: str) -> str:
    """A name or path that is free; raises UsageProblem or ConfigurationProblem."""
    if not (said.endswith(".toml") if is_path(said) else re.fullmatch(r"\w[\w.-]*", said)) or ".vat" in said[-9:]:
        raise UsageProblem(
            f"{repeated(said)} is no name for a profile.", "Take letters, digits, - and _, or the path of a .toml file."
        )
    path = profile_path(said)
    with usable_path(path):
        if path.is_symlink() or path.exists():
            raise ConfigurationProblem(
                f"There is a profile {path} already; it stays as it is.",
                f"Edit it and try it with `{program(said)} test-connection`, or give another name: "
                "bexsync --profile NAME init",
                code="profile_exists",
            )
        require_writable(path.parent, "Name another place: bexsync --profile PATH.toml init")
    return said


def api_address(default: str) -> Question[str]:
    """Where a sandbox listens."""

    def check(said: str) -> str:
        if not said.startswith(("https://", "http://")):
            raise UsageProblem(
                f"{repeated(said)} is no web address.", "It begins with https://, on this computer with http://."
            )
        return parse_address(said, api_hint(ledger_description())).base

    words = ("In another terminal: bexsync sandbox serve --data books.db", "It says where it listens.")
    return Question("--api-url", "Its address", default, check, words)


def web_address(option: str, default: str) -> Question[str]:
    """An address that goes with it, which nobody is asked for."""

    def check(said: str) -> str:
        if not said.startswith(("https://", "http://")):
            raise UsageProblem(f"{repeated(said)} is no web address.", "It begins with https://.")
        return said.rstrip("/")

    return Question(option, "", default, check)


def choice(
    option: str, prompt: str, noun: str, offers: Sequence[Offer], usual: str, words: Sequence[str]
) -> Question[str]:
    """One of the ledger's list, by its own name or by its place; `usual` is proposed where the list has it."""
    default = usual if any(offer.value == usual for offer in offers) else offers[0].value
    places = [offer.value for offer in offers].index(default) + 1
    return Question(
        option,
        prompt,
        default,
        lambda said: chosen(said, offers, noun, LEDGER),
        (*words, *_listed(offers, default)),
        shown=default or str(places),
    )


def _listed(offers: Sequence[Offer], default: str) -> list[str]:
    """The first few and the proposal, which is marked."""
    width = max(len(offer.value) for offer in offers)
    lines = [
        f"{'*' if offer.value == default else ' '} {place:>2}  {offer.value or '-':<{width}}  {offer.words}".rstrip()
        for place, offer in enumerate(offers, 1)
        if place <= _MOST_SHOWN or offer.value == default
    ]
    more = len(offers) - len(lines)
    return [*lines, f"      and {more} more, by number or name"] if more > 0 else lines


def one_of(
    option: str,
    prompt: str,
    values: dict[str, str],
    default: str,
    words: Sequence[str],
    hint: str = "Take one of these.",
) -> Question[str]:
    """One of a few words; `hint` goes with an answer that is none of them."""
    offers = [Offer(value, text) for value, text in values.items()]

    def check(said: str) -> str:
        try:
            return chosen(said, offers, "")
        except BexsyncError:
            raise UsageProblem(f"{repeated(said)} is none of {', '.join(values)}.", hint) from None

    listed = _listed(offers, default) if any(values.values()) else ()
    return Question(option, prompt, default, check, (*words, *listed))


def site(default: str, taken_by: Callable[[str], str], before: str = "") -> Question[str]:
    """The lasting name of the shop; `before` is what it was under an earlier file of the same profile."""

    def check(said: str) -> str:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", said):
            raise UsageProblem(
                f"{repeated(said)} cannot be the name of a shop.", "Take small letters, digits, - and _, at most 32."
            )
        if before and said != before:
            raise ConfigurationProblem(
                f"The shop of this profile was {before} before, and its name is for ever.",
                "For another shop write another profile.",
                code="site_changed",
            )
        other = taken_by(said)
        if other:
            raise ConfigurationProblem(
                f"The profile {other} has the shop {said} already.", "Every shop has a name of its own.",
                code="site_taken",
            )  # fmt: skip
        return said

    words = (f"The name of the shop becomes part of every key in {LEDGER}: it is for ever.",)
    return Question("--site", "Shop", default, check, words)


def start_date(today: date) -> Question[date]:
    """From when on invoices are bexsync's business."""

    def check(said: str) -> date:
        for form in ("%Y-%m-%d", "%d.%m.%Y"):
            try:
                return datetime.strptime(said, form).date()  # noqa: DTZ007  days have no zone
            except ValueError:
                continue
        raise UsageProblem(f"{repeated(said)} is no date.", f"Write it like {today}.")

    words = ("bexsync leaves older invoices alone.",)
    return Question("--start-date", "Invoices dated from", today.isoformat(), check, words)


def number(option: str, prompt: str, default: int, words: Sequence[str] = ()) -> Question[int]:
    """How many."""
    return Question(option, prompt, str(default), lambda said: _whole(said, 1_000_000), words)


def due_days(default: int | None) -> Question[int | None]:
    """The term of payment, None for the ledger's own."""

    def check(said: str) -> int | None:
        return None if said in ("", "-") else _whole(said, 3650)

    shown = f"{LEDGER}'s own" if default is None else str(default)
    text = "" if default is None else str(default)
    return Question("--due-days", "Days to pay, where an invoice names none", text, check, shown=shown)


def _whole(said: str, most: int) -> int:
    if not (said.isascii() and said.isdecimal() and int(said[:20]) <= most):
        raise UsageProblem(f"{repeated(said)} is no whole number from 0 to {most}.")
    return int(said)
