"""Values as the state keeps them: moments as sortable text, always UTC, and objects as JSON with sorted keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bexsync.ports.store import parse_stored


def stored(moment: datetime) -> str:
    """The moment as the state keeps it: fixed width, so that text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """The moment that was stored; raises StateProblem where it is damaged."""
    return parse_stored(_moment, text)


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def packed(value: Mapping[str, Any]) -> str:
    """JSON with sorted keys, so that equal values are equal text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
