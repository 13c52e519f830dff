"""What can be changed about the identity server while it runs."""

from __future__ import annotations

from dataclasses import dataclass

REALM = "/realms/bexio"
OPENID = f"{REALM}/protocol/openid-connect"


@dataclass
class Settings:
    """The knobs of the identity server; times are seconds."""

    access_lifetime: int = 3600
    code_lifetime: int = 60
    refresh_lifetime: int = 365 * 86400
    # How far the clock of the identity server is ahead of the sandbox's.
    clock_offset: float = 0
    company_id: str = "bergladen7270"
    # Where the realm is while nobody asks for it over HTTP.
    issuer: str = f"http://127.0.0.1{REALM}"
