"""Makes the contract suites importable, from the end of the path: tests/http must not hide the standard library's."""

import sys
from pathlib import Path

_TESTS = str(Path(__file__).parent.parent)
if _TESTS not in sys.path:
    sys.path.append(_TESTS)
