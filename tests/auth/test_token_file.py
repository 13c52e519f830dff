"""The file that brings an access token: a plain one, which nobody else may write."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from bexsync.auth import source
from bexsync.auth.source import FILE_VARIABLE, VARIABLE
from bexsync.errors import LoginNeeded

environment_token = partial(source.environment_token, "source.example")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "token"
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv(FILE_VARIABLE, str(path))
    return path


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o644])
def test_a_file_of_ones_own(file: Path, mode: int) -> None:
    file.write_text(" a-token-of-some-length\n")
    file.chmod(mode)
    assert environment_token() == "a-token-of-some-length"


@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_a_file_that_others_may_write(file: Path, mode: int) -> None:
    file.write_text("a-token-of-some-length")
    file.chmod(mode)
    with pytest.raises(LoginNeeded, match="may be written by other users") as caught:
        environment_token()
    assert "chmod go-w" in caught.value.hint


def test_a_pipe_is_refused_at_once(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(LoginNeeded, match="no plain file"):
        environment_token()


def test_a_process_substitution_is_refused(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    reading, writing = os.pipe()
    monkeypatch.setenv(FILE_VARIABLE, f"/dev/fd/{reading}")
    with pytest.raises(LoginNeeded, match="no plain file"):
        environment_token()
    os.close(reading)
    os.close(writing)
