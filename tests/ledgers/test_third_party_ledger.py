"""A ledger of another distribution: named by its entry point, with its own servers, scopes and words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from bexsync.auth.service import scopes_to_ask_for
from bexsync.config.profile import Profile
from bexsync.registry import ledger_package

PACKAGE = """
from dataclasses import replace
from bexsync.ledgers.bexio import DESCRIPTION as OTHER
from bexsync.ports.ledger_description import Scope, ScopeUse

DESCRIPTION = replace(
    OTHER,
    words=replace(OTHER.words, name="Abacus of Till"),
    api_url="https://api.till.test",
    login=replace(OTHER.login, issuer="https://login.till.test"),
    scopes=(Scope("books", "see the books", ("invoices push",), ScopeUse.ALWAYS),),
)
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "till_ledger.py").write_text(textwrap.dedent(PACKAGE))
    info = tmp_path / "till_ledger-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: till-ledger\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[bexsync.ledgers]\ntill = till_ledger\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    ledger_package.cache_clear()


@pytest.mark.usefixtures("installed")
def test_a_profile_may_name_it() -> None:
    profile = Profile.model_validate({"ledger": {"type": "till", "web_url": "https://till.test"}})
    assert profile.ledger.words.name == "Abacus of Till"
    assert (profile.ledger.api_url, profile.ledger.issuer) == ("https://api.till.test", "https://login.till.test")
    assert profile.ledger.web_url == "https://till.test"
    assert scopes_to_ask_for(profile) == ("books",)


def test_one_that_is_not_installed_is_one_mistake_that_names_what_is_built_in() -> None:
    with pytest.raises(ValidationError) as problem:
        Profile.model_validate({"ledger": {"type": "till"}})
    (error,) = problem.value.errors()
    assert (error["loc"], error["msg"]) == (("ledger", "type"), 'Value error, must be "bexio"')
