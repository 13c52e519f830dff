"""Long texts in short entries: whatever crashes, a text comes back as it was, as the one before, or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bexsync.auth.stores.chunks import Damaged, erase_chunks, load_chunks, save_chunks

LIMIT = 1280
NAME = "bexsync:/home/anna/default.toml"


class Crash(Exception):
    """The process is gone."""


@dataclass
class Vault:
    """Short texts by name; it crashes instead of its nth change."""

    texts: dict[str, str] = field(default_factory=dict)
    crash_at: int | None = None
    changes: int = 0

    def read(self, name: str) -> str | None:
        return self.texts.get(name)

    def write(self, name: str, text: str) -> None:
        self._change()
        assert len(text.encode("utf-16-le")) <= 2 * LIMIT, "the stub received bad data"
        self.texts[name] = text

    def delete(self, name: str) -> None:
        self._change()
        self.texts.pop(name, None)

    def _change(self) -> None:
        if self.changes == self.crash_at:
            raise Crash
        self.changes += 1


def loaded(vault: Vault) -> str | None:
    """The text, with "log in again" for a damaged one."""
    try:
        return load_chunks(vault, NAME)
    except Damaged:
        return "log in again"


Texts = st.builds(
    lambda unit, times: unit * times,
    st.text(min_size=1, max_size=20),
    st.integers(min_value=1, max_value=600),
)


@given(Texts)
def test_any_text_comes_back(text: str) -> None:
    vault = Vault()
    save_chunks(vault, NAME, text)
    assert load_chunks(vault, NAME) == text


@given(st.lists(st.tuples(st.none() | Texts, st.none() | st.integers(min_value=0, max_value=40)), max_size=8))
def test_after_any_crashes_the_text_is_the_old_one_or_the_new_one(steps: list[tuple[str | None, int | None]]) -> None:
    vault = Vault()
    now: str | None = None
    for text, crash_at in steps:
        vault.crash_at, vault.changes = crash_at, 0
        crashed = False
        try:
            if text is None:
                erase_chunks(vault, NAME)
            else:
                save_chunks(vault, NAME, text)
        except Crash:
            crashed = True
        found = loaded(vault)
        if not crashed:
            assert found == text
        elif text is None:
            assert found in (now, None, "log in again")
        else:
            assert found in (now, text)
        now = found
    vault.crash_at = None
    erase_chunks(vault, NAME)
    assert vault.texts == {}, "parts of a secret were left behind"


def test_a_crash_at_every_single_step_of_a_replacement() -> None:
    old, new = "old" * 2000, "new" * 1500
    fresh = Vault()
    save_chunks(fresh, NAME, old)
    counting = Vault(dict(fresh.texts))
    save_chunks(counting, NAME, new)
    seen = []
    for step in range(counting.changes):
        vault = Vault(dict(fresh.texts), crash_at=step)
        with pytest.raises(Crash):
            save_chunks(vault, NAME, new)
        seen.append(load_chunks(vault, NAME))
    assert set(seen) == {old, new}
    assert seen == sorted(seen, reverse=True), "once the new text holds, the old one never comes back"


@given(Texts, st.data())
def test_a_missing_or_changed_entry_is_told_never_guessed(text: str, data: st.DataObject) -> None:
    vault = Vault()
    save_chunks(vault, NAME, text)
    victim = data.draw(st.sampled_from(sorted(vault.texts)))
    damage = data.draw(st.sampled_from(["gone", "short", "empty", "other"]))
    before = vault.texts.pop(victim)
    if damage != "gone":
        vault.texts[victim] = {"short": before[:-1], "empty": "", "other": data.draw(st.text(max_size=30))}[damage]
    if damage == "gone" and victim == NAME:
        assert load_chunks(vault, NAME) is None
    else:
        assert loaded(vault) == (text if vault.texts.get(victim) == before else "log in again")


@pytest.mark.parametrize(
    "manifest",
    ["", "{", "[]", "3", "null", '{"v": 2, "gen": 1, "n": 1, "sha256": ""}', '{"v": 1, "gen": 1, "n": true}']
    + [json.dumps({"v": 1, "gen": gen, "n": n, "sha256": "x"}) for gen, n in ((1, 10**9), (1, -1), ("1", 1), (1.0, 1))],
)
def test_a_manifest_that_is_none_is_told(manifest: str) -> None:
    with pytest.raises(Damaged):
        load_chunks(Vault({NAME: manifest}), NAME)


def test_a_text_saved_by_another_process_while_reading_is_read_anew() -> None:
    vault = Vault()
    save_chunks(vault, NAME, "old" * 2000)

    class Overtaken(Vault):
        def read(self, name: str) -> str | None:
            text = super().read(name)
            if name == NAME and not overtaken:
                overtaken.append(True)
                save_chunks(vault, NAME, "new" * 2000)
            return text

    overtaken: list[bool] = []
    assert load_chunks(Overtaken(vault.texts), NAME) == "new" * 2000
    assert overtaken
