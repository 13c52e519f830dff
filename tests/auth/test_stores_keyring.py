"""Which keyrings are trusted, and what happens when one misbehaves; real ones are in test_stores_secret_service.py."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import keyring.core
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import chainer, fail, null
from keyring.errors import InitError, KeyringError, KeyringLocked, PasswordDeleteError, PasswordSetError

from auth.stores_kit import PROFILE, SECRET
from bexsync.auth.stores import StoreChoice, keyring_store, open_store, probe
from bexsync.config.profile import TokenCommandSection
from bexsync.errors import TokenStoreProblem, TryLater
from constants import set_constant

ALTERNATIVES = ("--token-store encrypted-file", "`file`", "`command`")


class Dictionary(KeyringBackend):
    """A keyring in memory that bears the name of a trusted module."""

    priority = 1
    viable = False  # never found by looking around, only used where it is put

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.texts.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.texts[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.texts:
            raise PasswordDeleteError("No such password!")
        del self.texts[service, username]


def named(module: str, **methods: object) -> KeyringBackend:
    """A keyring whose class says that it comes from this module."""
    return type("Keyring", (Dictionary,), {"__module__": module, **methods})()


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[KeyringBackend], KeyringBackend]]:
    def put(backend: KeyringBackend) -> KeyringBackend:
        keyring.set_keyring(backend)
        return backend

    yield put
    keyring.core._keyring_backend = None


def opened(**settings: str) -> keyring_store.KeyringStore:
    store = open_store(StoreChoice("keyring", settings), PROFILE, Path("/nowhere"), TokenCommandSection())
    assert isinstance(store, keyring_store.KeyringStore)
    return store


TRUSTED = ["keyring.backends.kwallet", "keyring.backends.macOS", "keyring_pass"]


@pytest.mark.parametrize("module", TRUSTED)
def test_a_trusted_keyring_keeps_replaces_and_forgets(module: str, use: Callable[..., Dictionary]) -> None:
    backend = use(named(module))
    store = opened()
    assert store.load() is None
    for text in (SECRET, "x" * 6000, "é\U0001f511" * 2000, "short"):
        store.save(text)
        assert store.load() == text
        assert opened(**store.choice.settings).load() == text
    probe(store)
    store.assert_writable()
    assert store.load() == "short"
    assert store.choice == StoreChoice("keyring", {"backend": module})
    assert store.where == keyring_store.KEYRINGS[module]
    store.erase()
    store.erase()
    assert store.load() is None
    assert backend.texts == {}


@pytest.mark.parametrize(
    "backend",
    [null.Keyring(), named("keyrings.alt.file"), named("keyring.backends.libsecret"), named("my_own")],
    ids=lambda backend: type(backend).__module__,
)
def test_any_other_is_refused_by_name(backend: KeyringBackend, use: Callable[..., Dictionary]) -> None:
    use(backend)
    for attempt in (opened().load, lambda: opened().save(SECRET), lambda: probe(opened())):
        with pytest.raises(TokenStoreProblem, match=type(backend).__module__) as caught:
            attempt()
        assert all(words in caught.value.hint for words in ALTERNATIVES)
    assert not getattr(backend, "texts", None)


def test_none_at_all_is_told(use: Callable[..., Dictionary], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    use(fail.Keyring())
    with pytest.raises(TokenStoreProblem, match="DBUS_SESSION_BUS_ADDRESS is not set") as caught:
        opened().save(SECRET)
    assert "loginctl enable-linger" in caught.value.hint
    assert all(words in caught.value.hint for words in ALTERNATIVES)


def chain(*members: KeyringBackend) -> KeyringBackend:
    methods = {"__module__": chainer.ChainerBackend.__module__, "viable": False, "backends": list(members)}
    return type("ChainerBackend", (chainer.ChainerBackend,), methods)()


def test_a_chain_counts_by_what_it_would_write_to(use: Callable[..., KeyringBackend]) -> None:
    good, bad = named("keyring.backends.kwallet"), named("keyrings.alt.file")
    use(chain(good, bad))
    opened().save(SECRET)
    assert good.texts
    assert not bad.texts
    use(chain(bad, good))
    with pytest.raises(TokenStoreProblem, match=r"keyrings\.alt\.file"):
        opened().save("new")
    assert not bad.texts


def test_a_login_is_not_looked_for_in_another_keyring_than_recorded(use: Callable[..., KeyringBackend]) -> None:
    use(named("keyring_pass"))
    with pytest.raises(TokenStoreProblem, match="The login lies in KWallet, but here it would be") as caught:
        opened(backend="keyring.backends.kwallet").load()
    assert "same kind of session" in caught.value.hint
    first, second = named("keyring.backends.kwallet"), named("keyring_pass")
    use(chain(first, second))
    opened(backend="keyring_pass").save(SECRET)
    assert second.texts
    assert not first.texts


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (KeyringLocked("Failed to unlock the collection!"), "The keyring is locked."),
        (KeyringError(-25308, "Can't get password: (-25308, 'Unknown Error')"), "The keyring is locked."),
        (InitError("Failed to create the collection: Prompt dismissed.."), "was answered with no."),
        (PasswordSetError("Cancelled by user"), "was answered with no."),
        (RuntimeError("the moon is full."), "KWallet refused: the moon is full."),
        (RuntimeError(), "KWallet refused: RuntimeError."),
        (RuntimeError(f"cannot keep {SECRET}"), "KWallet refused: cannot keep ***."),
    ],
)
def test_what_a_keyring_raises_is_a_sentence(problem: Exception, told: str, use: Callable[..., KeyringBackend]) -> None:
    def refuse(*_arguments: object) -> None:
        raise problem

    use(named("keyring.backends.kwallet", get_password=refuse, set_password=refuse))
    for attempt in (lambda: opened().save(SECRET), opened().load):
        with pytest.raises(TokenStoreProblem) as caught:
            attempt()
        assert caught.value.message.endswith(told)
        assert all(words in caught.value.hint for words in ALTERNATIVES)


def test_a_keyring_that_keeps_nothing_is_found_out(use: Callable[..., KeyringBackend]) -> None:
    use(named("keyring.backends.kwallet", set_password=lambda *_: None))
    for attempt in (lambda: opened().save(SECRET), opened().assert_writable, lambda: probe(opened())):
        with pytest.raises(TokenStoreProblem, match=r"did not keep|keeps nothing"):
            attempt()


def test_a_keyring_that_hangs_is_left_alone_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    set_constant(monkeypatch, "keyring_store.PATIENCE", 0.2)
    set_constant(monkeypatch, "PATIENCE_WITH_THE_FIRST_SAVE", 0.4)
    woken = threading.Event()
    backend = named("keyring.backends.kwallet")
    kept_before = {(f"bexsync:{PROFILE}", "login"): "as it was"}
    backend.texts = dict(kept_before)
    monkeypatch.setattr(keyring, "get_keyring", lambda: woken.wait(5) and backend)
    began = time.monotonic()
    for attempt in (opened().load, opened().erase, lambda: opened().save(SECRET), opened().assert_writable):
        with pytest.raises(TryLater, match="did not answer within") as caught:
            attempt()
        assert all(words in caught.value.hint for words in ALTERNATIVES)
    assert 1.1 < time.monotonic() - began < 4
    with pytest.raises(TokenStoreProblem, match="did not answer within"):
        probe(opened())
    woken.set()
    time.sleep(0.1)
    assert backend.texts == kept_before, "a call that nobody waited for any more went on to write or delete"
