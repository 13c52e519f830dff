"""One of several processes that need a token all the time; run by the tests, and killed by them.

Arguments: profile, how many rounds. Prints "." after every round in which its token was accepted.
"""

from __future__ import annotations

import sys
import time
import urllib.request
from pathlib import Path

from bexsync.config.loading import load_profile
from bexsync.http.clock import SystemClock
from bexsync.paths import profile_path, state_folder
from bexsync.wiring import token_source


def main(profile_name: str, rounds: int) -> None:
    """Waits until a new token is due, gets it, and uses it."""
    path = profile_path(profile_name).resolve()
    profile = load_profile(path)
    tokens = token_source(profile, path, state_folder(), SystemClock())
    seen = ""
    for _ in range(rounds):
        token = tokens.token()
        while token == seen:
            time.sleep(0.05)
            token = tokens.token()
        seen = token
        request = urllib.request.Request(
            f"{profile.ledger.api_url}/3.0/users/me",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 200
        sys.stdout.write(".")
        sys.stdout.flush()


if __name__ == "__main__":
    main(str(Path(sys.argv[1])), int(sys.argv[2]))
