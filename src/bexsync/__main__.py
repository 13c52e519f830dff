"""The entry point; `--version` answers before anything else is imported."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Runs the command line."""
    if sys.argv[1:] == ["--version"]:
        from bexsync import __version__

        sys.stdout.write(f"bexsync {__version__}\n")
        return
    # pydantic looks for plugins in every package that is installed; none is to read our records and logins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from bexsync.cli.app import run

    run()


if __name__ == "__main__":
    main()
