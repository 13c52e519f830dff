"""The address of an API, checked before anything is sent there."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from bexsync.errors import ConfigurationProblem, Defect
from bexsync.ports.ledger_description import LedgerDescription

_PATH = re.compile(r"(/[A-Za-z0-9_~%:@,+.-]+)+")


@dataclass(frozen=True)
class Address:
    """Where an API lives; `local` means that requests never leave this computer."""

    base: str
    host: str
    local: bool

    def url(self, path: str) -> str:
        """The full address of a path, which must be clean: servers stumble over double slashes."""
        path = "/" + path.removeprefix("/")
        if not _PATH.fullmatch(path) or ".." in path.split("/"):
            raise Defect(f"{path!r} is not a path of an API.")
        return self.base + path


def api_hint(ledger: LedgerDescription) -> str:
    """What to do about an api_url that cannot be used."""
    return f"Check api_url in the profile; {ledger.words.name}'s is {ledger.api_url}."


def parse_address(base_url: str, hint: str) -> Address:
    """The address in a setting, which must be https unless it is on this computer."""
    parts, host = _split(base_url, hint)
    local = _is_loopback(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ConfigurationProblem(
            f"The address of {host} must begin with https://, because the token travels with every request.", hint
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigurationProblem(f"The address of {host} must hold nothing but a host and a path.", hint)
    return Address(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", host, local)


def _split(base_url: str, hint: str) -> tuple[SplitResult, str]:
    try:
        parts = urlsplit(base_url)
        _ = parts.port  # raises when it is not a port
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or re.search(r"[\s\\]|[^\x21-\x7e]", base_url) or "//" in parts.path:
        raise ConfigurationProblem("The address of the ledger is not a web address.", hint)
    return parts, host


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
