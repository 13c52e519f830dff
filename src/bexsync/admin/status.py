"""How things stand: the jobs, what waits, the errors and the login, read from this computer alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bexsync.config.profile import Profile
from bexsync.errors import Exit
from bexsync.planning.invoice_link import KIND
from bexsync.planning.order_link import INVOICE_KIND as ORDER_INVOICE
from bexsync.planning.order_link import KIND as ORDER
from bexsync.ports.shop_package import WaitingFiles
from bexsync.ports.store import RecordState, RunRow, RunState
from bexsync.store import Store
from bexsync.store.values import moment

_EVERY_PROFILE = ("invoices push", "payments poll")
_OF_PRODUCTS = ("products sync", "stock pull")
_OF_ORDERS = ("orders sync",)
_UNKNOWN_TOO_LONG = timedelta(hours=1)
# A person is needed before time is, and nothing works without configuration and login.
_MOST_SEVERE = (Exit.OK, Exit.TRY_LATER, Exit.SOME_FAILED, Exit.BUG, Exit.LOGIN, Exit.CONFIGURATION)


@dataclass(frozen=True)
class JobStatus:
    """The runs of one job; `completed_at` is the end of the last run that went through, failed records or not."""

    job: str
    started_at: str
    ended_at: str
    exit_code: int | None
    counts: Mapping[str, int]
    message: str
    succeeded_at: str
    completed_at: str
    state: RunState


@dataclass(frozen=True)
class Waiting:
    """What is not done yet; `oldest_file_at` is when the oldest file in in/ was last written.

    `records` and `blocked_records` are invoices.
    """

    files: int = 0
    oldest_file_at: str = ""
    claimed_files: int = 0
    records: int = 0
    blocked_records: int = 0
    orders: int = 0
    blocked_orders: int = 0
    unknown_outcomes: int = 0
    unknown_since: str = ""
    not_reported: int = 0


@dataclass(frozen=True)
class LoginEnd:
    """When the login expires: `ends_at` is "" where it never does or nobody can tell."""

    kind: str = ""
    company: str = ""
    user: str = ""
    ends_at: str = ""
    renews_itself: bool = False
    problem: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Problem:
    """Something that monitoring is to raise, with the exit code that it stands for."""

    code: str
    message: str
    hint: str
    exit_code: int


@dataclass(frozen=True)
class StatusReport:
    """Everything that `bexsync status` shows."""

    enabled: bool
    site: str
    at: str
    jobs: Sequence[JobStatus]
    waiting: Waiting
    errors: int
    acknowledged_errors: int
    error_samples: Sequence[str]
    login: LoginEnd
    problems: Sequence[Problem] = field(default_factory=tuple)

    @property
    def exit_code(self) -> Exit:
        """The exit code of the most severe problem."""
        return max((Exit(p.exit_code) for p in self.problems), key=_MOST_SEVERE.index, default=Exit.OK)


@dataclass(frozen=True)
class Limits:
    """From when on monitoring raises something."""

    job_age: timedelta
    login_left: timedelta


def report_status(
    store: Store, profile: Profile, files: WaitingFiles, login: LoginEnd, now: datetime, limits: Limits
) -> StatusReport:
    """The status of one profile, with everything that deserves a word under these limits."""
    jobs = [_job(store, name) for name in store.runs.jobs()]
    errors = store.errors.open()
    open_errors = [error for error in errors if not error.acknowledged_at]
    waiting = _waiting(store, files, {(e.kind, e.shop_id) for e in errors})
    report = StatusReport(
        enabled=profile.enabled,
        site=store.site,
        at=now.isoformat(timespec="seconds"),
        jobs=jobs,
        waiting=waiting,
        errors=len(open_errors),
        acknowledged_errors=len(errors) - len(open_errors),
        error_samples=[f"{e.shop_id}: {e.message}" for e in open_errors[-5:]],
        login=login,
    )
    if not profile.enabled:
        return report
    problems = [*_job_problems(jobs, profile, now, limits), *_other_problems(report, now, limits)]
    return StatusReport(**{**report.__dict__, "problems": problems})


def _job(store: Store, job: str) -> JobStatus:
    (last,) = store.runs.newest(job, 1)
    return JobStatus(
        job=job,
        started_at=last.started_at,
        ended_at=last.ended_at or "",
        exit_code=last.exit_code,
        counts=run_counts(last),
        message=last.message,
        succeeded_at=store.runs.last_end(job, (Exit.OK,)),
        completed_at=store.runs.last_end(job, (Exit.OK, Exit.SOME_FAILED)),
        state=last.state,
    )


def run_counts(run: RunRow) -> dict[str, int]:
    """How many records fared how in a run."""
    counts: dict[str, int] = json.loads(run.counts)
    return counts


def _waiting(store: Store, files: WaitingFiles, with_errors: set[tuple[str, str]]) -> Waiting:
    invoices, blocked_invoices = _open(store, KIND, with_errors)
    orders, blocked_orders = _open(store, ORDER, with_errors)
    unsettled = store.intents.unsettled()
    sent = [intent.sent_at for intent in unsettled if intent.sent_at]
    return Waiting(
        files=files.count,
        oldest_file_at=datetime.fromtimestamp(files.oldest_at).astimezone().isoformat(timespec="seconds")
        if files.oldest_at is not None
        else "",
        claimed_files=files.claimed,
        records=invoices,
        blocked_records=blocked_invoices,
        orders=orders,
        blocked_orders=blocked_orders,
        unknown_outcomes=len(unsettled),
        unknown_since=min(sent).isoformat(timespec="seconds") if sent else "",
        not_reported=sum(len(store.links.unreported_ids(kind)) for kind in (KIND, ORDER_INVOICE)),
    )


def _open(store: Store, kind: str, with_errors: set[tuple[str, str]]) -> tuple[int, int]:
    """How many open records of a kind are for the next run, and how many a person must correct."""
    open_ids = [row.shop_id for row in store.records.in_state(kind, RecordState.OPEN)]
    blocked = sum((kind, shop_id) in with_errors for shop_id in open_ids)
    return len(open_ids) - blocked, blocked


def _job_problems(jobs: Sequence[JobStatus], profile: Profile, now: datetime, limits: Limits) -> Iterator[Problem]:
    watched = {*_EVERY_PROFILE, *(_OF_PRODUCTS if profile.products.enabled else ())}
    watched.update(_OF_ORDERS if profile.orders.enabled else ())
    for job in jobs:
        if job.job not in watched:
            continue
        if job.exit_code in (Exit.CONFIGURATION, Exit.LOGIN, Exit.BUG):
            yield Problem(
                "job_failed", f"The last run of {job.job} ended with {job.exit_code}: {job.message}",
                f"Run `bexsync {job.job}` to see what to do.", job.exit_code,
            )  # fmt: skip
        since = _age(job.completed_at, now)
        if since is None or since > limits.job_age:
            last = f"{_hours(since)} ago" if since is not None else "never"
            hours = int(limits.job_age.total_seconds() // 3600)
            yield Problem(
                "job_overdue", f"{job.job} last went through {last}; more than {hours} hours is too long.",
                "Look at cron, and run it by hand: it says what is in the way.", Exit.SOME_FAILED,
            )  # fmt: skip


def _other_problems(report: StatusReport, now: datetime, limits: Limits) -> Iterator[Problem]:
    if report.errors:
        yield Problem(
            "errors", f"{report.errors} error{' waits' if report.errors == 1 else 's wait'} for a person.",
            "`bexsync errors list` shows them.", Exit.SOME_FAILED,
        )  # fmt: skip
    unknown = _age(report.waiting.unknown_since, now)
    if unknown is not None and unknown > _UNKNOWN_TOO_LONG:
        yield Problem(
            "unknown_outcomes", f"{report.waiting.unknown_outcomes} requests have had no answer for {_hours(unknown)}.",
            "The next run looks whether they took effect.", Exit.TRY_LATER,
        )  # fmt: skip
    login = report.login
    if login.problem:
        yield Problem("login", login.problem, login.hint, Exit.LOGIN)
    elif login.ends_at:
        left = datetime.fromisoformat(login.ends_at) - now
        if left <= timedelta():
            yield Problem("login_ended", f"The login ended on {login.ends_at[:10]}.", _LOG_IN, Exit.LOGIN)
        elif left <= limits.login_left and not login.renews_itself:
            yield Problem("login_ends", f"The login ends on {login.ends_at[:10]}.", _LOG_IN, Exit.SOME_FAILED)


_LOG_IN = "Run `bexsync auth login`."


def _age(text: str, now: datetime) -> timedelta | None:
    if not text:
        return None
    then = moment(text) if text.endswith("Z") else datetime.fromisoformat(text)
    return now - then


def _hours(age: timedelta) -> str:
    hours = int(age.total_seconds() // 3600)
    return f"{hours // 24} days" if hours >= 72 else f"{hours} hour{'' if hours == 1 else 's'}"
