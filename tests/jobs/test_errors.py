"""Errors: listed, shown, acknowledged, retried, and never unnoticed for ever."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from werkzeug.wrappers import Response

from bexio_sandbox import Request
from bexio_sandbox.server import serving
from bexsync.admin.errors import ErrorAdmin
from bexsync.engine.result import Status
from bexsync.errors import Exit, TooManyErrors
from bexsync.ports.store import ErrorRow
from bexsync.wiring import open_error_desk
from front_door import called
from world import World, an_invoice


def desk(world: World) -> ErrorAdmin:
    return open_error_desk(str(world.profile_path), clock=world.clock)


def open_errors(world: World, *, everything: bool = False) -> list[ErrorRow]:
    with desk(world) as errors:
        return errors.open_errors(include_acknowledged=everything)


def acknowledge(world: World, *numbers: str) -> None:
    with desk(world) as errors:
        errors.acknowledge(numbers or ("all",))


def retry(world: World, *numbers: str) -> None:
    with desk(world) as errors:
        errors.retry(numbers or ("all",))


def test_a_record_that_stays_blocked_counts_and_one_that_is_mended_is_gone(world: World) -> None:
    world.drop(an_invoice("1", currency="XXX"))
    world.push()
    world.clock.forward(hours=1)
    world.push()
    (row,) = open_errors(world)
    assert (row.kind, row.shop_id, row.times, row.first_at[11:16], row.last_at[11:16]) == (
        "invoice", "1", 2, "09:00", "10:00",
    )  # fmt: skip
    assert row.message == "bexio has no currency XXX."
    assert row.hint
    world.drop(an_invoice("1"))
    world.push()
    assert open_errors(world, everything=True) == []


def test_an_acknowledged_record_rests_until_its_content_changes(world: World) -> None:
    world.drop(an_invoice("1", currency="XXX"))
    world.push()
    acknowledge(world)
    assert open_errors(world) == []
    assert world.push().outcomes == []
    world.drop(an_invoice("1", currency="XXX", title="another"))
    assert [o.status for o in world.push().outcomes] == [Status.BLOCKED]
    assert [row.times for row in open_errors(world)] == [2]


def test_an_acknowledged_record_can_be_retried(world: World) -> None:
    world.drop(an_invoice("1", currency="XXX"))
    world.push()
    acknowledge(world)
    retry(world)
    assert [o.status for o in world.push().outcomes] == [Status.BLOCKED]
    assert len(open_errors(world)) == 1


@contextmanager
def refusing_creates(world: World) -> Iterator[list[str]]:
    """bexio refuses every create of an invoice, in its own words, until the list is emptied."""
    words = ["title: Pflichtfeld"]

    def refusing(environ: Any, start_response: Any) -> Any:
        if words and (environ["REQUEST_METHOD"], environ["PATH_INFO"]) == ("POST", "/2.0/kb_invoice"):
            environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            body = json.dumps({"error_code": 422, "message": "Not saved.", "errors": words})
            return Response(body, 422, content_type="application/json")(environ, start_response)
        return world.sandbox.app(environ, start_response)

    with serving(refusing, 0, None) as url:
        world.set_profile(ledger={"api_url": url})
        yield words


def test_what_bexio_refused_is_kept_in_its_words_and_tried_again_on_demand(world: World) -> None:
    world.drop(an_invoice("0"))
    world.push()
    world.drop(an_invoice("1"))
    with refusing_creates(world) as words:
        assert [o.status for o in world.push().outcomes] == [Status.FAILED]
        (row,) = open_errors(world)
        assert row.code == "refused"
        assert row.said == "bexio refused it (422): title: Pflichtfeld"
        words.clear()
        assert [o.status for o in world.push().outcomes] == [Status.FAILED]  # the same content is not sent again
        retry(world)
        assert [o.status for o in world.push().outcomes] == [Status.DONE]
    assert len(world.invoices()) == 2
    assert open_errors(world, everything=True) == []


def test_every_refused_attempt_is_kept_with_its_run_and_reason(world: World) -> None:
    world.drop(an_invoice("1"), name="1.json")
    with refusing_creates(world):
        world.push()
    with world.workspace() as workspace:
        (refused,) = workspace.store.attempts.of("main", "invoice", "bexsync:main:invoice:1")
        assert refused.run == workspace.store.runs.newest()[0].id
    assert (refused.outcome, refused.reason) == ("rejected", "bexio refused it (422): title: Pflichtfeld")


def test_many_records_refused_for_one_reason_are_one_cause(world: World) -> None:
    world.set_profile(errors={"stop_after": 1})
    world.drop(*(an_invoice(str(n)) for n in range(4)))
    with refusing_creates(world):
        world.push()
        assert len(open_errors(world)) == 4
        assert len({row.cause for row in open_errors(world)}) == 1
        world.push()


def test_a_retried_mail_in_doubt_is_looked_for_and_not_mailed_again(world: World) -> None:
    """The mail left, its answer did not come, and bexio does not say: retrying must not mail twice."""
    world.sandbox.behaviours.settle("network_link", "on_issue")
    world.set_profile(engine={"timeout_seconds": 0.3, "settle_seconds": 0})
    world.drop(an_invoice("1"))
    struck: list[str] = []

    def swallow(request: Request) -> None:
        if request.path.endswith("/send") and not struck:
            struck.append(request.path)
            time.sleep(1)

    world.sandbox.hooks.after_commit.append(swallow)
    called(world, "invoices", "push")
    called(world, "invoices", "push")
    for _ in range(3):
        if open_errors(world, everything=True):
            retry(world)
        called(world, "invoices", "push")
    assert struck
    assert len(world.sandbox.mails) == 1
    assert len(world.invoices()) == 1


def broken(count: int) -> list[dict[str, Any]]:
    return [an_invoice(str(n), currency=f"X{chr(65 + n // 26)}{chr(65 + n % 26)}") for n in range(count)]


def test_25_unnoticed_causes_may_be_and_26_stop_the_job_before_anything_is_done(world: World) -> None:
    world.drop(*broken(25))
    world.push()
    assert world.push().exit_code is Exit.SOME_FAILED
    world.drop(*broken(26))
    world.push()
    world.drop(an_invoice("good"), name="good.json")
    requests = len(world.sandbox.requests)
    with pytest.raises(TooManyErrors, match=r"26 different causes .*stop_after is 25.*nothing was done"):
        world.push()
    assert len(world.sandbox.requests) == requests
    assert (world.shop / "in" / "good.json").exists()
    stopped = called(world, "invoices", "push")
    assert (stopped.returncode, stopped.stdout) == (78, "")
    assert "bexsync errors ack" in stopped.stderr
    assert world.poll().exit_code is Exit.OK  # another job goes on

    acknowledge(world, *(f"error:{row.id}" for row in open_errors(world)[:5]))
    assert [o.status for o in world.push().outcomes if o.shop_id == "good"] == [Status.DONE]


# the commands


@pytest.fixture
def mixed(world: World) -> World:
    world.drop(an_invoice("good"), an_invoice("bad", currency="XXX"))
    world.drop_bytes(b"{oops", "broken.json")
    world.push()
    return world


@pytest.mark.parametrize("command", [("errors",), ("errors", "list")])
def test_bare_errors_lists_too(mixed: World, command: tuple[str, ...]) -> None:
    listed = called(mixed, *command)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "invoice bad" in listed.stdout
    assert "bexio has no currency XXX." in listed.stdout
    assert "→ It has CHF" in listed.stdout
    assert "once" in listed.stdout


def test_errors_as_json(mixed: World) -> None:
    for command in (("errors", "--json"), ("errors", "list", "--json")):
        envelope = json.loads(called(mixed, *command).stdout)
        assert (envelope["command"], envelope["site"], envelope["exit_code"]) == ("errors list", "main", 0)
        assert {row["shop_id"] for row in envelope["data"]["errors"]} == {"bad", "broken.json"}


def test_show_ack_and_retry(mixed: World) -> None:
    number = next(str(row.id) for row in open_errors(mixed) if row.shop_id == "bad")
    shown = called(mixed, "errors", "show", number)
    assert "cause unknown_currency" in shown.stdout or "cause " in shown.stdout
    said = "invoice bad: bexio has no currency XXX.\n"
    assert called(mixed, "errors", "ack", number).stdout == f"1 error acknowledged:\n  {said}"
    assert "bad" not in called(mixed, "errors").stdout
    assert "invoice bad" in called(mixed, "errors", "--all").stdout
    assert called(mixed, "errors", "retry", number).stdout == f"1 error to be tried again:\n  {said}"
    assert "invoice bad" in called(mixed, "errors").stdout
    listed = called(mixed, "errors", "ack", "all").stdout
    assert listed.startswith("2 errors acknowledged:\n  file broken.json: ")
    assert listed.endswith(f"\n  {said}")
    assert called(mixed, "errors").stdout == "No open errors.\n"


def test_errors_are_named_by_their_records_too(world: World) -> None:
    world.drop(*(an_invoice(str(n), source_number=f"R-{n}", currency="XXX") for n in (31, 2, 1)))
    world.push()
    rows = {row.shop_id: row.id for row in open_errors(world)}
    assert rows == {"1": 1, "2": 2, "31": 3}
    for name in ("31", "R-31", "error:3", "invoice:31", "invoice:R-31", "3"):
        assert [row.shop_id for row in desk(world).pick([name])] == ["31"]
    assert [row.shop_id for row in desk(world).pick(["2", "invoice:2", "R-1"])] == ["2", "1"]
    assert "invoice 31" in called(world, "errors", "show", "R-31").stdout
    assert called(world, "errors", "ack", "31").stdout == (
        "1 error acknowledged:\n  invoice 31: bexio has no currency XXX.\n"
    )


def test_a_name_that_means_two_errors_is_not_guessed(world: World) -> None:
    world.drop(an_invoice("2", currency="XXX"))
    world.push()
    world.drop(an_invoice("1", currency="XXX"), name="later.json")
    world.push()
    wrong = called(world, "errors", "ack", "1")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "1 is the number of the error of invoice 2, and invoice 1 has an error as well (2)." in wrong.stderr
    assert "Say `error:1` for the former or `invoice:1` for the latter." in wrong.stderr
    assert "invoice 2:" in called(world, "errors", "ack", "error:1").stdout
    assert "invoice 1:" in called(world, "errors", "ack", "invoice:1").stdout


def test_a_number_that_is_none(mixed: World) -> None:
    for number in ("99", "x"):
        wrong = called(mixed, "errors", "ack", number)
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert f"There is no open error {number}." in wrong.stderr


def test_a_file_that_could_not_be_read_cannot_be_retried(mixed: World) -> None:
    number = next(str(row.id) for row in open_errors(mixed) if row.kind == "file")
    wrong = called(mixed, "errors", "retry", number)
    assert wrong.returncode == 2
    assert "Correct the file and drop it into in/ again" in wrong.stderr


def test_errors_need_no_token_and_a_profile_that_never_ran_is_told_so(world: World) -> None:
    never = called(world, "errors", BEXSYNC_ACCESS_TOKEN="")
    assert never.returncode == 78
    assert "was never run" in never.stderr
    assert "`bexsync products sync`" in never.stderr
    world.push()
    assert called(world, "errors", BEXSYNC_ACCESS_TOKEN="").stdout == "No open errors.\n"
