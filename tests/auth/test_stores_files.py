"""The two file stores on real disks: rights, crashes, full disks, keys."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

import dates
from auth.stores_kit import PROFILE, ROOT, SECRET, fill, login_file, opened, small_disk
from bexsync.auth.stores import StoreChoice, TokenStore, open_store, probe, same_place
from bexsync.auth.stores.encrypted_file import EncryptedFile, make_key
from bexsync.config.profile import TokenCommandSection
from bexsync.errors import TokenStoreProblem, TryLater

KINDS = ("file", "encrypted-file")


@pytest.fixture(autouse=True)
def no_other_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BEXSYNC_KEY_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "bexsync.key"
    make_key(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def settings(kind: str, key: Path) -> dict[str, str]:
    return {"key_file": str(key)} if kind == "encrypted-file" else {}


@pytest.fixture
def store(kind: str, folder: Path, key: Path) -> TokenStore:
    return opened(kind, folder, **settings(kind, key))


def test_a_login_is_kept_replaced_and_forgotten(store: TokenStore, folder: Path) -> None:
    assert store.load() is None
    store.erase()
    store.save(SECRET)
    assert store.load() == SECRET
    store.save("short")
    assert store.load() == "short"
    store.assert_writable()
    assert store.load() == "short"
    store.erase()
    assert store.load() is None
    assert list((folder / "logins").iterdir()) == []


def test_only_this_user_may_read_it_whatever_the_umask(store: TokenStore, folder: Path) -> None:
    before = os.umask(0)
    try:
        store.save(SECRET)
        store.save(SECRET)
    finally:
        os.umask(before)
    assert stat.S_IMODE(login_file(folder).stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "logins").stat().st_mode) == 0o700


def test_profiles_do_not_meet(store: TokenStore, kind: str, folder: Path, key: Path) -> None:
    store.save(SECRET)
    other = open_store(StoreChoice(kind, settings(kind, key)), "/other.toml", folder, TokenCommandSection())
    assert other.load() is None
    other.save("another")
    assert store.load() == SECRET


def test_the_encrypted_file_shows_nothing_and_the_plain_one_warns(
    store: TokenStore, kind: str, folder: Path, key: Path
) -> None:
    store.save(SECRET)
    content = login_file(folder).read_text()
    assert ("canary" in content) == (kind == "file")
    assert ("plain text" in store.warning) == (kind == "file")
    assert key.read_text().strip() not in content


def test_trying_it_out_leaves_the_login_and_nothing_else(store: TokenStore, folder: Path) -> None:
    store.save(SECRET)
    probe(store)
    assert store.load() == SECRET
    assert [path.name for path in (folder / "logins").iterdir()] == [login_file(folder).name]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_a_file_that_others_may_read_is_refused(store: TokenStore, folder: Path, mode: int) -> None:
    store.save(SECRET)
    login_file(folder).chmod(mode)
    with pytest.raises(TokenStoreProblem, match="may be read by other users") as caught:
        store.load()
    assert f"chmod 600 {login_file(folder)}" in caught.value.hint


@pytest.mark.skipif(not ROOT, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(store: TokenStore, folder: Path) -> None:
    store.save(SECRET)
    os.chown(login_file(folder), 12345, -1)
    with pytest.raises(TokenStoreProblem, match="belongs to another user"):
        store.load()


def test_a_folder_that_others_may_change_is_refused(store: TokenStore, folder: Path) -> None:
    store.save(SECRET)
    (folder / "logins").chmod(0o777)
    for attempt in (lambda: store.save("new"), store.assert_writable):
        with pytest.raises(TokenStoreProblem, match="may be changed by others") as caught:
            attempt()
        assert "chmod 700" in caught.value.hint
    (folder / "logins").chmod(0o700)
    assert store.load() == SECRET


def test_a_linked_folder_counts_by_what_it_leads_to(store: TokenStore, folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.mkdir()
    (folder / "logins").symlink_to(elsewhere)
    store.save(SECRET)
    assert store.load() == SECRET
    assert (folder / "logins").is_symlink()
    elsewhere.chmod(0o777)
    with pytest.raises(TokenStoreProblem, match="may be changed by others"):
        store.save("new")
    (folder / "logins").unlink()
    (folder / "logins").symlink_to(tmp_path / "gone")
    with pytest.raises(TokenStoreProblem, match="cannot be used"):
        store.save("new")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"version": 1}', b"[" * 100_000])
def test_a_damaged_file_is_told(store: TokenStore, folder: Path, content: bytes) -> None:
    store.save(SECRET)
    login_file(folder).write_bytes(content)
    with pytest.raises(TokenStoreProblem, match="is damaged") as caught:
        store.load()
    assert "bexsync auth login" in caught.value.hint
    store.save("new")
    assert store.load() == "new"


def test_every_flipped_or_missing_byte_is_told(store: TokenStore, folder: Path) -> None:
    store.save(SECRET)
    whole = login_file(folder).read_bytes()
    harmless = 0
    for at in range(0, len(whole), 7):
        login_file(folder).write_bytes(whole[:at])
        with pytest.raises(TokenStoreProblem, match="is damaged"):
            store.load()
        login_file(folder).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            assert store.load() == SECRET  # as where base64 pads
            harmless += 1
        except TokenStoreProblem:
            continue
    assert harmless <= 3


def test_what_is_no_file_is_told(store: TokenStore, folder: Path) -> None:
    store.save(SECRET)
    path = login_file(folder)
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(TokenStoreProblem, match="no ordinary file"):
        store.load()
    path.unlink()
    path.mkdir()
    for attempt in (store.load, lambda: store.save("new"), store.erase):
        with pytest.raises(TokenStoreProblem):
            attempt()


def test_a_full_disk_wants_time_and_costs_nothing(kind: str, key: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        store = opened(kind, disk, **settings(kind, key))
        store.save(SECRET)
        fill(disk)
        for attempt in (lambda: store.save("x" * 8000), store.assert_writable):
            with pytest.raises(TryLater, match="No space") as caught:
                attempt()
            assert "Free some space" in caught.value.hint
        assert store.load() == SECRET
        (disk / "ballast").unlink()
        store.save("new")
        assert store.load() == "new"
        assert len(list((disk / "logins").iterdir())) == 1


def test_a_disk_that_cannot_be_written_is_told(kind: str, key: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        store = opened(kind, disk, **settings(kind, key))
        store.save(SECRET)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        for attempt in (lambda: store.save("new"), store.assert_writable, store.erase, lambda: probe(store)):
            with pytest.raises(TokenStoreProblem, match="Read-only"):
                attempt()
        assert store.load() == SECRET


STORE = """
import os, random, signal, sys, time
from pathlib import Path
from bexsync.auth.stores import StoreChoice, open_store
from bexsync.config.profile import TokenCommandSection
kind, folder, key, profile = sys.argv[1:]
settings = {"key_file": key} if kind == "encrypted-file" else {}
store = open_store(StoreChoice(kind, settings), profile, Path(folder), TokenCommandSection())
texts = [letter * 20000 for letter in "abc"]
store.save(texts[0])
"""
WRITER = "print('ready', flush=True)\nwhile True:\n    store.save(texts[int(time.monotonic_ns() // 1000) % 3])\n"
KILLER = """
caught = 0
for attempt in range(400):
    if attempt >= 40 and caught:
        break  # on a busy machine it takes more tries to strike in the middle
    child = os.fork()
    if child == 0:
        try:
            while True:
                store.save(random.choice(texts))
        finally:
            os._exit(1)
    time.sleep(random.uniform(0.002, 0.012))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert store.load() in texts
    caught = sum(name.startswith(".") for name in os.listdir(Path(folder) / "logins"))
print(caught)
"""


def python(script: str, kind: str, folder: Path, key: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", STORE + script, kind, folder, key, PROFILE], stdout=subprocess.PIPE)


def test_with_two_writers_a_reader_only_ever_sees_whole_logins(
    store: TokenStore, kind: str, folder: Path, key: Path
) -> None:
    store.save("a" * 20000)
    seen = set()
    writers = [python(WRITER, kind, folder, key) for _ in range(2)]
    try:
        for process in writers:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        end = time.monotonic() + 0.4
        while time.monotonic() < end:
            found = store.load()
            assert found in {letter * 20000 for letter in "abc"}
            seen.add(found)
    finally:
        for process in writers:
            process.send_signal(signal.SIGKILL)
            process.communicate()
    assert len(seen) == 3, "the writers did not write"


def test_sigkill_in_the_middle_of_saving_leaves_a_whole_login(kind: str, folder: Path, key: Path) -> None:
    process = python(KILLER, kind, folder, key)
    caught, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert int(caught) > 0, "no kill struck in the middle of writing"


def test_what_a_killed_process_leaves_is_swept_away(store: TokenStore, folder: Path) -> None:
    with dates.at(dates.NOW):
        store.save(SECRET)
        leftover = login_file(folder).with_name(f".{login_file(folder).stem}-x8tq")
        leftover.write_text(SECRET)
        os.utime(leftover, (time.time(),) * 2)
        store.save("new")
        assert leftover.exists(), "it may belong to a process that is writing now"
        os.utime(leftover, (time.time() - 120,) * 2)
        store.save("newer")
        assert not leftover.exists()
        leftover.write_text(SECRET)
        store.erase()
        assert not leftover.exists()


# Keys


def test_a_key_is_made_for_this_user_only_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "new" / "bexsync.key"
    make_key(path)
    before = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    Fernet(before.strip())
    with pytest.raises(TokenStoreProblem, match="exists already"):
        make_key(path)
    assert path.read_bytes() == before
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(TokenStoreProblem, match="exists already"):
        make_key(tmp_path / "link")


def test_a_key_on_a_full_disk_is_no_key(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        fill(disk)
        with pytest.raises(TryLater):
            make_key(disk / "bexsync.key")
        assert not (disk / "bexsync.key").exists()


@pytest.mark.parametrize("text", ["gr\u00fcezi\n".encode(), bytes(range(1, 256)), b"k"])
def test_any_text_does_as_a_key(folder: Path, key: Path, text: bytes) -> None:
    key.write_bytes(text)
    store = opened("encrypted-file", folder, key_file=str(key))
    store.save(SECRET)
    assert opened("encrypted-file", folder, key_file=str(key)).load() == SECRET
    assert text not in login_file(folder).read_bytes() or len(text) < 2


def test_where_the_key_is_looked_for(folder: Path, tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {}
    for name in ("credential", "variable"):
        places[name] = tmp_path / name / "bexsync-key"
        make_key(places[name])
    places["credential"].chmod(0o440)  # as it looks where systemd lets the user in by an access list
    opened("encrypted-file", folder, key_file=str(key)).save(SECRET)

    monkeypatch.setenv("BEXSYNC_KEY_FILE", str(places["variable"]))
    with pytest.raises(TokenStoreProblem, match="is not the one") as caught:
        opened("encrypted-file", folder, key_file=str(key)).load()
    assert str(places["variable"]) in caught.value.message

    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(places["credential"].parent))
    with pytest.raises(TokenStoreProblem, match="is not the one") as caught:
        opened("encrypted-file", folder, key_file=str(key)).load()
    assert str(places["credential"]) in caught.value.message

    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials of another kind"))
    monkeypatch.delenv("BEXSYNC_KEY_FILE")
    assert opened("encrypted-file", folder, key_file=str(key)).load() == SECRET


def test_the_key_file_of_the_variable_is_recorded(folder: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(key.parent)
    monkeypatch.setenv("BEXSYNC_KEY_FILE", key.name)
    at_login = opened("encrypted-file", folder)
    at_login.save(SECRET)
    choice = at_login.choice
    monkeypatch.delenv("BEXSYNC_KEY_FILE")
    assert choice == StoreChoice("encrypted-file", {"key_file": str(key)})
    assert open_store(choice, PROFILE, folder, TokenCommandSection()).load() == SECRET


def test_no_key_is_told(folder: Path, key: Path) -> None:
    opened("encrypted-file", folder, key_file=str(key)).save(SECRET)
    for attempt in (
        opened("encrypted-file", folder).load,
        opened("encrypted-file", folder).assert_writable,
        lambda: opened("encrypted-file", folder).save("new"),
    ):
        with pytest.raises(TokenStoreProblem, match="There is no key") as caught:
            attempt()
        assert "BEXSYNC_KEY_FILE" in caught.value.hint
    key.unlink()
    with pytest.raises(TokenStoreProblem, match="There is no key file"):
        opened("encrypted-file", folder, key_file=str(key)).load()


def test_a_key_that_others_may_read_is_refused(folder: Path, key: Path) -> None:
    opened("encrypted-file", folder, key_file=str(key)).save(SECRET)
    key.chmod(0o644)
    with pytest.raises(TokenStoreProblem, match="may be read by other users"):
        opened("encrypted-file", folder, key_file=str(key)).load()


def test_an_empty_key_and_a_wrong_key_are_told_and_keep_the_login(folder: Path, key: Path) -> None:
    opened("encrypted-file", folder, key_file=str(key)).save(SECRET)
    right = key.read_bytes()
    for wrong, told in ((b" \n", "is empty"), (Fernet.generate_key(), "is not the one"), (b"text", "is not the one")):
        key.write_bytes(wrong)
        with pytest.raises(TokenStoreProblem, match=told):
            opened("encrypted-file", folder, key_file=str(key)).load()
    key.write_bytes(right)
    assert opened("encrypted-file", folder, key_file=str(key)).load() == SECRET


def test_an_unknown_store_is_told(folder: Path) -> None:
    with pytest.raises(TokenStoreProblem, match='no token store "env"') as caught:
        opened("env", folder)
    assert "encrypted-file" in caught.value.hint


def test_another_key_file_is_no_other_place() -> None:
    assert same_place(StoreChoice("encrypted-file", {"key_file": "/a"}), StoreChoice("encrypted-file"))
    assert same_place(StoreChoice("keyring", {"backend": "keyring.backends.kwallet"}), StoreChoice("keyring"))
    assert not same_place(StoreChoice("keyring"), StoreChoice("file"))
    assert not same_place(StoreChoice("keyring", {"backend": "a"}), StoreChoice("keyring", {"backend": "b"}))


def test_a_key_that_can_be_guessed_is_refused_at_a_new_login(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("geheim\n")
    key.chmod(0o600)
    store = EncryptedFile(tmp_path / "login", str(key))
    with pytest.raises(TokenStoreProblem, match="shorter than 16 characters") as caught:
        store.try_out("canary")
    assert "geheim" not in f"{caught.value}{caught.value.hint}"
    store.save("a login of before")  # what is there already goes on
    assert store.load() == "a login of before"
