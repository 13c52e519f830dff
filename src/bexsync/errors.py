"""What can go wrong, as one tree; a class carries its code and its exit code.

BexsyncError
├── UsageProblem              2   the command was typed wrongly
├── RecordProblem             1   one record cannot be handled; the others go on
├── ConfigurationProblem     78   profile, mapping, rights or state want a person
│   ├── ProfileProblem            the profile cannot be read, or a value in it is wrong
│   ├── MappingProblem            an account, tax, currency ... of the profile is unknown to the ledger
│   ├── PlanTooBig                the plan exceeds its limits and was not confirmed
│   ├── WrongCompany              the token belongs to another company than before
│   ├── StateProblem              the state database cannot be used as it is
│   ├── NotPermitted              the token lacks a scope, its user a right, or a module is not booked
│   ├── TokenStoreProblem         the place where the login is kept cannot be used
│   ├── WrongServer               the login was made for another server than the profile names
│   └── TooManyErrors             unacknowledged errors piled up
├── LoginNeeded              77   no usable token
├── TryLater                 75   lock, limit, network, or an unsettled doubt
│   ├── StoppedBySignal           SIGTERM or Ctrl-C, between two steps or in a wait
│   ├── Busy                      another run holds the lock
│   └── Unreachable               the ledger does not answer, or asks for patience
├── LedgerAnswer              1   what an effect on the ledger came to when it was not done
│   ├── NotSent                   provably without effect: it may be repeated
│   ├── Refused                   the ledger said no, with its reason
│   └── Unanswered                nobody knows whether it took effect: never repeat blindly
└── Defect                   70   a bug in bexsync
"""

from __future__ import annotations

import traceback
from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    BUG = 70
    TRY_LATER = 75
    LOGIN = 77
    CONFIGURATION = 78


def _one_line(text: str) -> str:
    """What others wrote and we quote must neither break the line nor steer a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text)


class BexsyncError(Exception):
    """The root: a sentence for a person, a hint what to do, and a code for a script."""

    code = "error"
    exit_code = Exit.SOME_FAILED

    def __init__(self, message: str, hint: str = "", *, code: str | None = None) -> None:
        self.message = _one_line(message)
        self.hint = _one_line(hint)
        super().__init__(self.message)
        if code is not None:
            self.code = code


class UsageProblem(BexsyncError):
    """The command was typed wrongly."""

    code = "usage"
    exit_code = Exit.USAGE


class RecordProblem(BexsyncError):
    """One record cannot be handled; `subject` tells distinct causes apart and `field` names the culprit."""

    code = "record"

    def __init__(
        self, message: str, hint: str = "", *, code: str | None = None, field: str = "", subject: str = ""
    ) -> None:
        super().__init__(message, hint, code=code)
        self.field = field
        self.subject = subject


class ConfigurationProblem(BexsyncError):
    """Profile, mapping, rights or state want a person."""

    code = "configuration"
    exit_code = Exit.CONFIGURATION


class ProfileProblem(ConfigurationProblem):
    """The profile cannot be read, or a value in it is wrong."""

    code = "profile"


class MappingProblem(ConfigurationProblem):
    """Something the profile names is unknown to the ledger."""

    code = "mapping"


class PlanTooBig(ConfigurationProblem):
    """The plan exceeds its limits and was not confirmed."""

    code = "plan_too_big"


class WrongCompany(ConfigurationProblem):
    """The token belongs to another company than the one this profile is pinned to."""

    code = "wrong_company"


class StateProblem(ConfigurationProblem):
    """The state database cannot be used as it is."""

    code = "state"


class NotPermitted(ConfigurationProblem):
    """The token lacks a scope, its user a right, or a module is not booked."""

    code = "not_permitted"


class TokenStoreProblem(ConfigurationProblem):
    """The place where the login is kept cannot be used."""

    code = "token_store"


class WrongServer(ConfigurationProblem):
    """The login was made for another server than the one the profile names."""

    code = "wrong_server"


class TooManyErrors(ConfigurationProblem):
    """Unacknowledged errors piled up, so that the job refuses to go on."""

    code = "too_many_errors"


class LoginNeeded(BexsyncError):
    """There is no usable token."""

    code = "login_needed"
    exit_code = Exit.LOGIN


class TryLater(BexsyncError):
    """Nothing is wrong that time does not mend."""

    code = "try_later"
    exit_code = Exit.TRY_LATER


class StoppedBySignal(TryLater):
    """A signal asked to stop, and nothing was under way."""

    code = "stopped"

    def __init__(self) -> None:
        super().__init__("Stopped by a signal.", "The next run goes on from here.")


class Busy(TryLater):
    """Another run holds the lock."""

    code = "busy"


class Unreachable(TryLater):
    """The ledger does not answer, or asks for patience."""

    code = "unreachable"


class LedgerAnswer(BexsyncError):
    """What an effect on the ledger came to when it was not done."""

    code = "ledger"


class NotSent(LedgerAnswer):
    """The request provably had no effect, so it may be repeated; `cause` says what kept it."""

    code = "not_sent"

    def __init__(self, cause: BexsyncError) -> None:
        super().__init__(cause.message, cause.hint, code=cause.code)
        self.cause = cause


class Refused(LedgerAnswer):
    """The ledger said no: its status, its own words, and what it says of single fields."""

    code = "refused"

    def __init__(self, ledger: str, status: int, said: str, fields: tuple[str, ...] = ()) -> None:
        words = "; ".join(fields) or said
        super().__init__(f"{ledger} refused it ({status}): {words}", code="refused")
        self.status = status
        self.said = said
        self.fields = fields


class Changed(LedgerAnswer):
    """The document is no longer what bexsync wrote, so nothing was sent."""

    code = "changed_in_ledger"


class Unanswered(LedgerAnswer):
    """Nobody knows whether the request took effect, so it must be looked up before anything else.

    `has_ended` says that the ledger itself answered that it failed (500), so that it is no longer at work on it.
    """

    code = "unanswered"

    def __init__(self, message: str, hint: str = "", *, has_ended: bool = False) -> None:
        super().__init__(message, hint)
        self.has_ended = has_ended


class Defect(BexsyncError):
    """A bug in bexsync."""

    code = "bug"
    exit_code = Exit.BUG


def fault_in_words(problem: Exception) -> str:
    """Name the kind and the place of an unexpected exception, without any of the values that were at hand."""
    frames = traceback.extract_tb(problem.__traceback__)
    ours = [frame for frame in frames if "bexsync" in frame.filename] or frames
    where = f"{ours[-1].filename.rpartition('bexsync/')[2]}:{ours[-1].lineno}" if ours else "unknown"
    return f"{type(problem).__name__} at {where}"
