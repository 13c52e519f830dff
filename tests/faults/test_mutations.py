"""Each safeguard of exactly-once is taken out of a copy of the source, and a test must turn red.

A patch has to fit the source exactly once, so that this file breaks loudly when the source moves on.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import bexsync

ROOT = Path(__file__).parents[2]
SOURCE = Path(bexsync.__file__).parent
SAFEGUARDS = "tests/faults/test_safeguards.py::"
PERSONS_WORK = "tests/jobs/test_push_persons_work.py::"
AT_ONCE = "tests/faults/test_at_once.py::"
ORDERS = "tests/ledgers/test_bexio_orders.py::"
SCHEDULE = "tests/engine/test_step_schedule.py::"
ORDER_DEATHS = "tests/jobs/test_order_deaths.py::"
MATRIX = "tests/faults/test_matrix.py::test_nothing_twice_nothing_lost"


@dataclass(frozen=True)
class Mutation:
    """A safeguard, where it stands, what stands there instead, and the test that must fail, at which assertion."""

    name: str
    file: str
    text: str
    instead: str
    test: str
    assertion: str
    is_long: bool = False


MUTATIONS = (
    Mutation(
        "the find before a repeat",
        "engine/recover.py",
        ".find(effect)",
        ".find(Effect())",
        f"{MATRIX}[truncated JSON x position]",
        "assert not left or trouble.person",
        is_long=True,
    ),
    Mutation(
        "the settle window",
        "engine/recover.py",
        "if self.journal.seconds_until_due(intent) > 0:",
        "if False:",
        f"{MATRIX}[commit later than the timeout x invoice]",
        'assert references["bexsync:main:invoice:x"] == wanted_documents',
        is_long=True,
    ),
    Mutation(
        "what is kept outside the state",
        "engine/journal.py",
        "        self._note_outside(settled, effect, done)\n",
        "",
        "tests/jobs/test_push_kept.py::test_an_invoice_taken_back_in_bexio_is_never_mailed_or_rewritten_again",
        '== (Status.BLOCKED, "taken_back_in_ledger")',
    ),
    Mutation(
        "the question about another spelling of a number",
        "jobs/invoices.py",
        "self._twins.refuse(invoice)",
        "pass",
        "tests/jobs/test_push_twins.py::test_it_is_a_question",
        '== (["", "same_invoice"] if at_once',
    ),
    Mutation(
        "the look before a draft is deleted",
        "ledgers/bexio/cancelling.py",
        "or state.shared or state.content != effect.content:",
        "or state.shared:",
        "tests/jobs/test_push_cancelled.py::test_what_a_person_or_a_customer_had_a_part_in_is_not_taken_back",
        "assert cancelled(world).status in (Status.BLOCKED, Status.HELD)",
    ),
    Mutation(
        "the clock that nobody sets",
        "engine/journal.py",
        "return max(0.0, by_the_wall, needed - passed)",
        "return max(0.0, by_the_wall)",
        "tests/jobs/test_push_clock.py::test_a_clock_put_forward_after_a_power_cut_makes_nothing_due",
        "assert (len(world.invoices()), len(world.sandbox.mails)) == (2, 2)",
    ),
    Mutation(
        "the moment of sending",
        "engine/sending.py",
        "record.sent = replace(current, intent=self.journal.restamp(current.intent))",
        "pass",
        f"{SAFEGUARDS}test_a_create_that_waited_for_the_rate_limit_counts_from_when_it_left",
        "assert (len(known.invoices()), len(known.sandbox.mails)) == (2, 2)",
    ),
    Mutation(
        "the look at a draft before a mail that waited",
        "engine/sending.py",
        'problem = "" if self._was_just_shown(record, claim, effect) else self.changed(effect)',
        'problem = ""',
        f"{PERSONS_WORK}test_a_draft_edited_while_its_mail_waits_for_the_rate_limit_is_held",
        'assert (outcome.status, outcome.code) == (Status.HELD, "held")',
    ),
    Mutation(
        "the compare before a draft is rewritten",
        "ledgers/bexio/document_effects.py",
        "if written_before and not may_rewrite(",
        "if False and not may_rewrite(",
        f"{PERSONS_WORK}test_a_change_in_the_shop_does_not_destroy_a_persons_work",
        'assert (outcome.status, outcome.code) == (Status.HELD, "held")',
    ),
    Mutation(
        "the exact compare of api_reference",
        "ledgers/bexio/finders.py",
        "is_wanted = DocumentReference.read(row).api_reference in allowed",
        "is_wanted = DocumentReference.read(row).api_reference is not None",
        f"{SAFEGUARDS}test_a_search_that_shows_another_invoice_of_the_customer_is_not_believed",
        # The other invoice is held by a link already, so that the push itself ends as a conflict.
        "assert known.push().exit_code is Exit.OK",
    ),
    Mutation(
        "the company lock",
        "store/sqlite/locks.py",
        'self._lock(f"{self._company}-write")',
        'self._lock(f"{self._company}-{self._site}-write")',
        f"{AT_ONCE}test_another_site_creates_the_customer_while_we_read_the_contacts",
        'once(row["mail"] for row in self.sandbox.contacts()',
        is_long=True,
    ),
    Mutation(
        "the lock from reading contacts to planning",
        "jobs/booking.py",
        "return nullcontext() if self._run.dry else self._run.workspace.locks.company()",
        "return nullcontext()",
        f"{AT_ONCE}test_another_site_creates_the_customer_while_we_read_the_contacts",
        'once(row["mail"] for row in self.sandbox.contacts()',
    ),
    Mutation(
        "the look after a refusal",
        "engine/sending.py",
        "finding = self.side(step.effect).find(claim.effect)",
        "finding = LookupResult()",
        f"{SAFEGUARDS}test_a_refusal_after_the_work_was_done_is_not_believed",
        "assert known.push().exit_code is Exit.OK",
        is_long=True,
    ),
    Mutation(
        "the refresh of linked documents",
        "jobs/invoices.py",
        "        refresh_links(run, self._chosen)\n",
        "",
        f"{SAFEGUARDS}test_a_state_from_before_the_mail_mails_nothing_again",
        "assert outcome.status is Status.UNCHANGED",
    ),
    Mutation(
        "the barring of rejected payloads",
        "engine/journal.py",
        "return known.state is IntentState.CONFLICT or (same and known.state in "
        "(IntentState.REJECTED, IntentState.HELD))",
        "return known.state is IntentState.CONFLICT and same is not None",
        f"{SAFEGUARDS}test_what_was_refused_is_not_sent_again_by_itself",
        "assert len(refused) == 1",
    ),
    Mutation(
        "the claim: what is in doubt is not sent",
        "engine/journal.py",
        "if known.state in (IntentState.SENDING, IntentState.IN_DOUBT) or _is_blocked",
        "if _is_blocked",
        f"{SAFEGUARDS}test_what_is_in_doubt_is_not_sent_while_bexio_may_still_be_at_it",
        "== [Exit.TRY_LATER] * 3",
    ),
    Mutation(
        "the claim: what is done is not sent",
        "engine/journal.py",
        "if known.state is IntentState.DONE:",
        "if False:",
        f"{MATRIX}[truncated JSON x position]",
        'raise AssertionError(f"it does not come to rest',
    ),
    Mutation(
        "the claim before the request",
        "engine/journal.py",
        "            store.intents.save(intent, now)\n        return StartedStep(intent, effect)",
        "        return StartedStep(intent, effect)",
        "tests/jobs/test_push_durable_writes.py::test_every_request_leaves_after_its_own_claim_is_on_the_disk",
        "assert [rows for _, rows in sent] == [",
    ),
    Mutation(
        "the questions before a claim, outside the commit before it",
        "engine/sending.py",
        "if step is None or self.side(step.effect).looks_first(step.effect):",
        "if step is None:",
        "tests/ledgers/test_bexio_orders_commits.py::test_no_transaction_is_open_while_a_request_is_under_way",
        "assert locked == []",
    ),
    Mutation(
        "the run's lock: a step that is being sent belongs to its run",
        "engine/journal.py",
        "if intent.state is not IntentState.SENDING or not is_alive(",
        "if True or not is_alive(",
        "tests/jobs/test_push_sender.py::test_while_its_run_lives_nobody_else_judges_it",
        "assert the_create(killed).state is IntentState.SENDING",
    ),
    Mutation(
        "the contact index read anew",
        "jobs/invoices.py",
        "                run.ledger.refresh_contacts()\n",
        "                pass\n",
        f"{SAFEGUARDS}test_a_contact_that_somebody_else_created_is_used",
        '.count("nina@example.ch") == 1',
    ),
    Mutation(
        "payment id list",
        "ledgers/bexio/paying.py",
        "if one.ledger_id not in known and _is_same(one, effect)",
        "if _is_same(one, effect)",
        f"{ORDERS}test_a_lost_payment_is_not_taken_for_one_that_was_there_before",
        "for row in world.sandbox.payments()] == [100, 100]",
    ),
    Mutation(
        "what was received when a payment was planned",
        "ledgers/bexio/paying.py",
        "if received is not None and state.received > Decimal(received):",
        "if False:",
        f"{ORDERS}test_a_payment_beside_one_that_a_person_booked_is_held",
        'assert statuses(record) == [("payment", "held")]',
    ),
    Mutation(
        "the highest id before a delivery",
        "ledgers/bexio/fulfilling.py",
        "for state in self._orders.deliveries() if state.ledger_id.age > before.age]",
        "for state in self._orders.deliveries() if before]",
        f"{ORDERS}test_a_lost_delivery_is_not_taken_for_one_that_was_there_before",
        "assert books(world)[:2] == (1, 2)",
    ),
    Mutation(
        "half an invoice is deleted only where bexio has ended",
        "ledgers/bexio/fulfilling.py",
        "            if problem.has_ended:\n",
        "            if True:\n",
        f"{ORDERS}test_half_an_invoice_of_which_no_answer_came_is_for_a_person",
        'assert statuses(desk.apply(want))[0] == ("order_invoice", "in_doubt")',
    ),
    Mutation(
        "the question about half a delivery",
        "ledgers/bexio/fulfilling.py",
        "return self._half_delivery([state for state in candidates if not state.is_issued], wanted)",
        "return LookupResult()",
        f"{MATRIX}[500 and half of the positions x delivery]",
        'assert len(standing) <= 2 + (made == "deliveries"), "delivered twice"',
    ),
    Mutation(
        "the edit of an invoice that a run had only made",
        "planning/order_work.py",
        "elif self._was_not_edited(invoice):",
        "elif False:",
        f"{ORDER_DEATHS}test_an_invoice_that_was_only_made_is_edited_before_it_goes_out",
        '== ("bexsync:main:order:5001", 9)',
    ),
    Mutation(
        "the invoice of an order that was made anew",
        "planning/order_work.py",
        "(self._places or self._is_anew_without_invoice)",
        "self._places",
        f"{ORDER_DEATHS}test_an_order_made_anew_gets_its_invoice",
        "assert run(shop).code == 0",
    ),
    Mutation(
        "money that somebody booked is not booked again",
        "planning/order_payments.py",
        "matched = _matches(came_in, ledger)",
        "matched: dict[str, LedgerId] = {}",
        "tests/jobs/test_orders.py::test_part_of_the_money_that_the_bank_booked_is_not_booked_again",
        "for row in shop.sandbox.payments(1)] == [Decimal(50)]",
    ),
    Mutation(
        "the order of steps on one object",
        "engine/schedule.py",
        "self._by_object[place.written][0] == place.number",
        "True",
        f"{SCHEDULE}test_steps_on_one_object_go_in_the_order_of_the_plan",
        "assert scene.free == [0, 1]",
    ),
    Mutation(
        "the wait for what a step needs",
        "engine/schedule.py",
        "and not any(self._is_left_before(ref, place) for ref in place.needs)",
        "",
        f"{SCHEDULE}test_a_step_waits_for_those_it_needs_in_other_records_too",
        "assert scene.free == [0]",
    ),
    Mutation(
        "one delivery of a contact at a time",
        "engine/schedule.py",
        "and place.exclusive not in self._exclusive",
        "",
        f"{SCHEDULE}test_what_is_found_beside_a_contact_is_made_one_at_a_time",
        "assert scene.start(1).free == [2]",
    ),
    Mutation(
        "the numbers that follow the days",
        "engine/schedule.py",
        "and self._takes_next_number(place)",
        "",
        "tests/jobs/test_in_flight.py::test_numbers_follow_the_days[day]",
        'assert (days == sorted(days)) == (order != "any")',
    ),
    Mutation(
        "the first of its kind alone",
        "engine/schedule.py",
        "return self.is_proved(place.step.effect) or not self._under_way",
        "return True",
        f"{SCHEDULE}test_what_rests_on_something_unproved_is_alone",
        "assert scene.start(1).free == [2]",
    ),
    Mutation(
        "the end of workers whose run has gone",
        "workers.py",
        """            if self._is_closed:
                raise Abandoned
            if not self._is_taken:
""",
        "            if not self._is_taken:\n",
        "tests/engine/test_workers.py::test_who_comes_back_when_the_owner_has_gone_does_not_go_on",
        "assert abandoned.wait(10)",
    ),
)


LEAST = 35


def run(copy: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """These tests against the copy of the source, processes that they start included."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}

    def python(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    assert python("-c", "import bexsync; print(bexsync.__file__)").stdout.startswith(str(copy))
    return python("-m", "pytest", "-x", "-q", "--tb=short", "-p", "no:randomly", "-p", "no:cacheprovider", *tests)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with a copy of the package."""
    shutil.copytree(SOURCE, tmp_path / "src" / "bexsync", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "src"


def cases() -> list[object]:
    return [pytest.param(m, id=m.name, marks=pytest.mark.long if m.is_long else pytest.mark.slow) for m in MUTATIONS]


def test_there_are_no_fewer_than_before() -> None:
    assert len(MUTATIONS) >= LEAST
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)


def test_every_patch_fits_the_source() -> None:
    misfits = [m.name for m in MUTATIONS if (SOURCE / m.file).read_text().count(m.text) != 1]
    assert misfits == []


def test_every_assertion_stands_in_a_test() -> None:
    texts = [file.read_text() for file in (ROOT / "tests").rglob("*.py") if file != Path(__file__)]
    assert [m.name for m in MUTATIONS if not any(m.assertion in text for text in texts)] == []


def test_every_patch_names_what_exists(tmp_path: Path) -> None:
    """Else the test would break at the name, when all mutations are run, long after the name has changed."""
    for number, mutation in enumerate(MUTATIONS):
        text = (SOURCE / mutation.file).read_text().replace(mutation.text, mutation.instead)
        (tmp_path / f"{number}.py").write_text(text)
    ruff = [Path(sys.executable).with_name("ruff"), "check", "--isolated", "--no-cache", "--select", "F821", tmp_path]
    done = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("mutation", cases())
def test_without_it_a_test_turns_red(mutation: Mutation, copy: Path) -> None:
    file = copy / "bexsync" / mutation.file
    text = file.read_text()
    assert text.count(mutation.text) == 1, f"the patch no longer fits {mutation.file}"
    file.write_text(text.replace(mutation.text, mutation.instead))
    done = run(copy, mutation.test)
    assert done.returncode == 1, f"nobody misses it:\n{done.stdout}"
    assert re.search(r"^E +(AssertionError|assert )", done.stdout, re.MULTILINE), (
        f"it broke instead of being missed:\n{done.stdout}"
    )
    assert mutation.assertion in done.stdout, f"it failed at another assertion:\n{done.stdout}"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_with_all_of_them_every_test_is_green(copy: Path) -> None:
    done = run(copy, *sorted({mutation.test for mutation in MUTATIONS}))
    assert done.returncode == 0, done.stdout
