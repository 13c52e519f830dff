"""Give a process that a test starts the date that `TESTS_NOW` names, as seconds since 1970; time goes on from there."""

import os
import sys

if "TESTS_NOW" in os.environ:
    without = sys.modules.get("pytest")
    sys.modules["pytest"] = None  # type: ignore[assignment]  # time_machine would import it, which takes long
    import time_machine

    del sys.modules["pytest"]
    if without is not None:
        sys.modules["pytest"] = without
    time_machine.travel(float(os.environ["TESTS_NOW"]), tick=True).start()
