"""Give a process that a test starts the date that `TESTS_NOW` names, as seconds since 1970; time goes on from there.

With `TESTS_KILL_AT` it is killed at its nth change of a file in the shop's folder, before and after counted apart.
"""

import os
import signal
import sys

if "TESTS_NOW" in os.environ:
    without = sys.modules.get("pytest")
    sys.modules["pytest"] = None  # type: ignore[assignment]  # time_machine would import it, which takes long
    import time_machine

    del sys.modules["pytest"]
    if without is not None:
        sys.modules["pytest"] = without
    time_machine.travel(float(os.environ["TESTS_NOW"]), tick=True).start()

if "TESTS_KILL_AT" in os.environ:
    from bexsync.hooks import set_observer

    left = int(os.environ["TESTS_KILL_AT"])

    def _count_down(point: str, **_facts: str) -> None:
        global left
        left -= point.startswith("file:")
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    set_observer(_count_down)
