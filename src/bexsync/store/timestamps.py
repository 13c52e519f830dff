"""Moments as sortable text, always UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from bexsync.ports.store import parse_stored


def stored(moment: datetime) -> str:
    """The moment as the state keeps it: fixed width, so that text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """The moment that was stored."""
    return parse_stored(lambda said: datetime.strptime(said, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC), text)
