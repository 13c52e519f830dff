"""The pacer against a simulated ledger that counts requests in fixed windows."""

from __future__ import annotations

import heapq
import math
from datetime import timedelta
from functools import partial
from random import Random

import pytest
from http_doubles import NOON, ManualClock
from hypothesis import given, settings
from hypothesis import strategies as st

from bexsync.errors import Unreachable
from bexsync.http import rate_limit
from bexsync.http.clock import SystemClock
from bexsync.http.rate_limit import Budget, MemoryBudget, corrected, spent
from bexsync.http.responses import RequestEffect
from bexsync.ledgers.bexio import DESCRIPTION

ASSUMED_LIMITS = DESCRIPTION.limits.buckets
RateLimiter = partial(rate_limit.RateLimiter, limits=DESCRIPTION.limits)


def headers(limit=100, remaining=50, reset=30):
    return {"ratelimit-limit": str(limit), "ratelimit-remaining": str(remaining), "ratelimit-reset": str(reset)}


class FixedWindows:
    """Counts like the gateway in front of bexio: windows aligned to a grid, the reset in whole seconds, rounded up."""

    def __init__(self, limit: int, window: float, phase: float) -> None:
        self.limit, self.window, self.phase = limit, window, phase
        self.used: dict[int, int] = {}
        self.refused: list[float] = []

    def take(self, now: float):
        number, since = divmod(now + self.phase, self.window)
        self.used[int(number)] = self.used.get(int(number), 0) + 1
        if self.used[int(number)] > self.limit:
            self.refused.append(now)
        remaining = max(0, self.limit - self.used[int(number)])
        return headers(self.limit, remaining, max(1, math.ceil(self.window - since)))


def worker(rate_limiter: rate_limit.RateLimiter, server: FixedWindows, clock: ManualClock, latencies):
    """One process that sends request after request; it yields whenever time has to pass."""
    while True:
        yield from rate_limiter.pauses("default")
        there, back = next(latencies)
        yield there
        answer = server.take(clock.seconds)
        yield back
        rate_limiter.after("default", answer, took=there + back)


def simulate(clock: ManualClock, workers, until: float) -> None:
    """Lets the workers run side by side, always the one whose time comes first."""
    queue = [(0.0, number, each) for number, each in enumerate(workers)]
    while queue[0][0] < until:
        clock.seconds, number, each = queue[0]
        heapq.heapreplace(queue, (clock.seconds + next(each), number, each))


@settings(max_examples=40, deadline=None)
@given(
    limit=st.integers(60, 400),
    window=st.sampled_from([5.0, 10.0, 60.0]),
    phase=st.floats(0, 60),
    workers=st.integers(1, 4),
    seed=st.integers(0, 2**32),
)
def test_no_refusal_and_hardly_any_time_lost(limit, window, phase, workers, seed):
    random = Random(seed)
    clock, book, windows = ManualClock(), MemoryBudget(), 4
    server = FixedWindows(limit, window, phase)
    quick = 0.5 * window * workers / limit  # fast enough to exceed the limit twice over

    def latencies():
        while True:
            yield random.uniform(0.1, 0.5) * quick, random.uniform(0.1, 0.5) * quick

    pacers = [RateLimiter(book, clock) for _ in range(workers)]
    simulate(
        clock, [worker(rate_limiter, server, clock, latencies()) for rate_limiter in pacers], windows * window + window
    )
    # Every window but the first and the last, which were not there as a whole.
    used = [server.used[number] for number in sorted(server.used)[1:-1]]
    assert server.refused == []
    assert sum(used) >= 0.9 * limit * len(used)


@settings(max_examples=25, deadline=None)
@given(phase=st.floats(0, 60), workers=st.integers(1, 4), seed=st.integers(0, 2**32))
def test_slow_answers_confuse_nobody(phase, workers, seed):
    random = Random(seed)
    clock, book = ManualClock(), MemoryBudget()
    server = FixedWindows(250, 60.0, phase)

    def latencies():
        while True:
            slow = random.random() < 0.02
            yield random.uniform(0.001, 0.05), random.uniform(1.0, 40.0) if slow else random.uniform(0.001, 0.1)

    pacers = [RateLimiter(book, clock) for _ in range(workers)]
    simulate(clock, [worker(rate_limiter, server, clock, latencies()) for rate_limiter in pacers], 300)
    assert server.refused == []


@given(
    st.lists(st.tuples(st.integers(0, 99), st.floats(0, 2)), min_size=1, max_size=20),
    st.integers(0, 99),
)
def test_within_a_window_what_remains_never_grows(reports, start):
    end = NOON + timedelta(seconds=60)
    books = Budget(100, start, end)
    for remaining, late in reports:
        after = corrected(books, Budget(100, remaining, end + timedelta(seconds=late)))
        assert after.remaining == min(books.remaining, remaining)
        assert after.resets_at == min(books.resets_at, end + timedelta(seconds=late))
        books = after


def test_a_new_window_begins_afresh():
    books = corrected(Budget(100, -3, NOON), Budget(100, 99, NOON + timedelta(seconds=5)))
    assert books == Budget(100, 99, NOON + timedelta(seconds=5))


def test_a_window_that_is_over_is_forgotten():
    assert spent(Budget(100, 5, NOON), NOON) is None
    assert spent(None, NOON) is None
    assert spent(Budget(100, 0, NOON + timedelta(seconds=1)), NOON) == Budget(100, -1, NOON + timedelta(seconds=1))


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"ratelimit-limit": "100"},
        headers(limit="many"),
        headers(limit=0, remaining=0),
        headers(remaining="-1"),
        headers(remaining=101),
        headers(reset="1772452800"),
        headers(reset="soon"),
        headers(reset="²"),
        headers(reset=""),
    ],
)
def test_nonsense_is_not_believed(nonsense):
    clock, book = ManualClock(), MemoryBudget()
    RateLimiter(book, clock).after("default", nonsense)
    assert book.spend("default", clock.now()) is None


@pytest.mark.parametrize("prefix", ["ratelimit-{}", "x-ratelimit-{}", "x-ratelimit-{}-minute"])
def test_every_spelling_is_understood(prefix):
    clock, book = ManualClock(), MemoryBudget()
    names = {"limit": "100", "remaining": "50", "reset": "30"}
    RateLimiter(book, clock).after("default", {prefix.format(name): value for name, value in names.items()})
    assert book.spend("default", clock.now()) == Budget(100, 49, NOON + timedelta(seconds=30))


@pytest.mark.parametrize(("took", "reset"), [(1.5, 30), (0.5, 1), (0.0, 0)])
def test_an_answer_that_may_speak_of_another_window_is_not_believed(took, reset):
    clock, book = ManualClock(), MemoryBudget()
    RateLimiter(book, clock).after("default", headers(reset=reset), took=took)
    assert book.spend("default", clock.now()) is None


@pytest.mark.parametrize(("bucket", "limit"), ASSUMED_LIMITS.items())
def test_the_documented_limits_hold_until_the_ledger_names_its_own(bucket, limit):
    clock = ManualClock()
    rate_limiter = RateLimiter(MemoryBudget(), clock)
    free = limit - 3
    assert sum(rate_limiter.before(bucket) for _ in range(free)) == 0
    assert rate_limiter.before(bucket) == 60


def test_a_ledger_with_windows_of_a_second_is_not_held_to_the_documented_limit():
    rate_limiter = RateLimiter(MemoryBudget(), ManualClock())
    rate_limiter.after("search", headers(limit=250, remaining=249, reset=1))
    assert sum(rate_limiter.before("search") for _ in range(300)) == 0


def test_buckets_are_counted_apart():
    clock = ManualClock()
    rate_limiter = RateLimiter(MemoryBudget(), clock)
    rate_limiter.after("search", headers(remaining=0))
    assert rate_limiter.before("items") == 0
    assert rate_limiter.before("search") == 30


def test_writes_leave_some_of_each_window_to_reads():
    clock = ManualClock()
    rate_limiter = RateLimiter(MemoryBudget(), clock)
    rate_limiter.after("default", headers(limit=1000, remaining=55))
    assert [rate_limiter.before("default", RequestEffect.WRITE) for _ in range(2)] == [0, 0]
    assert rate_limiter.before("default") == 0
    assert rate_limiter.before("default", RequestEffect.WRITE) == 30


def test_a_wait_that_is_too_long_ends_the_run():
    clock = ManualClock()
    rate_limiter = RateLimiter(MemoryBudget(), clock, max_wait=20)
    rate_limiter.after("default", headers(remaining=0))
    with pytest.raises(Unreachable, match="30 seconds"):
        rate_limiter.before("default")
    assert clock.slept == []


def test_a_book_that_hands_out_an_old_window_does_no_harm():
    class Old(MemoryBudget):
        def spend(self, bucket, now):
            return Budget(100, -5, now - timedelta(seconds=1))

    assert RateLimiter(Old(), ManualClock()).before("default") == 0


def test_the_system_clock_tells_and_passes_time():
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0.001)
    clock.sleep(-1)
    assert clock.monotonic() > before
    assert clock.now().utcoffset() == timedelta(0)
