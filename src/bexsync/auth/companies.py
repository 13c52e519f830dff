"""Which company a token opens, remembered by a fingerprint of the token so that asking is rare."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bexsync.auth.login import token_claims
from bexsync.errors import StateProblem, TryLater, WrongCompany
from bexsync.files import unusable, write_privately


@dataclass(frozen=True)
class Company:
    """A ledger company; `id` names its state for ever, `anchor` is a lasting id that any token can read."""

    id: str
    name: str
    anchor: str


class CompanyBook:
    """The companies this computer knows, and which one each profile is pinned to."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "companies.json"

    def company(self, profile: str, token: str, ask: Callable[[], Company]) -> Company:
        """The company of a token; `ask` is called once for a token never seen; raises WrongCompany."""
        fingerprint = hashlib.sha256(token.encode()).hexdigest()[:24]
        book = self._read()
        company = _known(book, fingerprint)
        pinned = book["profiles"].get(profile)
        if company is not None and pinned == company.id:
            return company
        company = company or ask()
        with self._locked():
            book = self._read()
            company = _enter(book, company, fingerprint)
            _pin(book, profile, company)
            self._write(book)
        return company

    def pinned(self, profile: str) -> str | None:
        """The id of the company a profile is pinned to, None before its first run."""
        found = self._read()["profiles"].get(profile)
        return str(found) if found else None

    def release(self, profile: str) -> None:
        """Forgets which company a profile is pinned to; only for one that was never used."""
        if self.pinned(profile) is None:
            return
        with self._locked():
            book = self._read()
            book["profiles"].pop(profile, None)
            self._write(book)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            held = FileLock(self._path.with_suffix(".lock"), mode=0o600).acquire(timeout=30)
        except Timeout as problem:
            raise TryLater(f"{self._path} is locked by another process.", "Try again.", code="busy") from problem
        except OSError as problem:
            raise unusable(problem.filename or self._path.parent, problem) from problem
        with held:
            yield

    def _read(self) -> dict[str, Any]:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return {"companies": [], "profiles": {}}
        except OSError as problem:
            raise unusable(self._path, problem) from problem
        try:
            book = json.loads(content.decode())
            if not _is_book(book):
                raise TypeError("its parts have the wrong type")
        except (ValueError, KeyError, TypeError, RecursionError) as problem:
            raise StateProblem(
                f"{self._path} is damaged ({problem}).",
                "Delete it; it is written anew with the next run, and the profile is pinned again.",
            ) from problem
        return dict(book)

    def _write(self, book: Mapping[str, Any]) -> None:
        write_privately(self._path, json.dumps(book, indent=1).encode())


def _is_book(book: Any) -> bool:
    companies, profiles = book["companies"], book["profiles"]
    if not isinstance(companies, list) or not isinstance(profiles, dict):
        return False
    return all(
        isinstance(entry["tokens"], list) and all(isinstance(entry[name], str) for name in ("id", "name", "anchor"))
        for entry in companies
    )


def _known(book: Mapping[str, Any], fingerprint: str) -> Company | None:
    for entry in book["companies"]:
        if fingerprint in entry["tokens"]:
            return Company(entry["id"], entry["name"], entry["anchor"])
    return None


def _enter(book: dict[str, Any], company: Company, fingerprint: str) -> Company:
    """A company known by either id or anchor keeps the id it was first entered with."""
    for entry in book["companies"]:
        if entry["id"] == company.id or entry["anchor"] == company.anchor:
            others = [t for t in entry["tokens"] if t != fingerprint]
            entry["tokens"] = [*others[-19:], fingerprint]
            return Company(entry["id"], company.name, entry["anchor"])
    book["companies"].append(
        {"id": company.id, "name": company.name, "anchor": company.anchor, "tokens": [fingerprint]}
    )
    return company


def _pin(book: dict[str, Any], profile: str, company: Company) -> None:
    pinned = book["profiles"].setdefault(profile, company.id)
    if pinned != company.id:
        names = {entry["id"]: entry["name"] for entry in book["companies"]}
        raise WrongCompany(
            f'The token opens the company "{company.name}", but this profile belongs to "{names.get(pinned, pinned)}".',
            "Use a token of that company. For another company write another profile.",
        )


def company_claim(token: str, name: str) -> str:
    """The company's id where the token carries it under `name`, as a hint only: nothing is trusted because of it."""
    claim = token_claims(token).get(name, "")
    return claim if isinstance(claim, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", claim) else ""
