"""Faults over real sockets, told by a plain client and judged in the books."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx  # noqa: TID251 - the tests are a client of their own
import pytest

from bexio_sandbox import ConnectionLost, Fault, Sandbox
from bexio_sandbox.faults.kinds import KINDS

TOKEN = "pat-of-the-tests"
CREATE = {"method": "POST", "path": "/2.0/kb_invoice"}


class Clock:
    """Stands still until somebody moves it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 6, 18, 12, 55, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def tick(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class Served:
    """A sandbox on a port, and a client of it."""

    def __init__(self, sandbox: Sandbox, clock: Clock, http: httpx.Client) -> None:
        self.sandbox = sandbox
        self.clock = clock
        self.http = http
        self.url = str(http.base_url).rstrip("/")
        self.faults = sandbox.faults
        taxes = sandbox.state.taxes.values()
        self._tax = next(row["id"] for row in taxes if row["code"] == "UN81")

    def body(self, positions: int = 4, **fields: object) -> dict[str, object]:
        line = {"type": "KbPositionCustom", "amount": "1", "unit_price": "100", "text": "Tee", "tax_id": self._tax}
        return {"contact_id": 1, "user_id": 1, "positions": [{**line, "unit_id": 1}] * positions, **fields}

    def create(self, positions: int = 4, **fields: object) -> httpx.Response:
        return self.http.post("/2.0/kb_invoice", json=self.body(positions, **fields))

    def issued(self) -> int:
        number = self.create().raise_for_status().json()["id"]
        self.http.post(f"/2.0/kb_invoice/{number}/issue").raise_for_status()
        return number

    def found(self, resource: str = "kb_invoice") -> list[int]:
        body = [{"field": "id", "value": 0, "criteria": ">"}]
        return [row["id"] for row in self.http.post(f"/2.0/{resource}/search", json=body).raise_for_status().json()]

    @property
    def invoices(self) -> list[dict[str, object]]:
        return self.sandbox.invoices()

    @property
    def fired(self) -> list[str]:
        return [fired.fault.name for fired in self.faults.fired]


@pytest.fixture
def bexio() -> Iterator[Served]:
    clock = Clock()
    sandbox = Sandbox(clock=clock, token=TOKEN)
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}
    with sandbox.serve() as url, httpx.Client(base_url=url, headers=headers, timeout=5) as http:
        yield Served(sandbox, clock, http)
    sandbox.close()


def is_reset(caught: pytest.ExceptionInfo[httpx.TransportError]) -> bool:
    error: BaseException | None = caught.value
    while error is not None:
        if isinstance(error, ConnectionResetError):
            return True
        error = error.__cause__ or error.__context__
    return False


class TestBeforeTheWork:
    def test_the_connection_is_reset(self, bexio):
        bexio.faults.add(Fault("drop_before", **CREATE))
        with pytest.raises(httpx.ReadError) as caught:
            bexio.create()
        assert is_reset(caught)
        assert bexio.invoices == []
        assert bexio.create().status_code == 201

    @pytest.mark.parametrize(
        ("fault", "status"),
        [
            (Fault("error_before", **CREATE), 500),
            (Fault("error_before", **CREATE, status=503), 503),
            (Fault("html_502", **CREATE), 502),
            (Fault("too_many", **CREATE), 429),
            (Fault("token_expired", **CREATE), 401),
            (Fault("token_revoked", **CREATE), 401),
        ],
    )
    def test_an_error_leaves_the_books_alone(self, bexio, fault, status):
        bexio.faults.add(fault)
        answer = bexio.create()
        assert answer.status_code == status
        assert bexio.invoices == []
        assert bexio.sandbox.state.counters.get("invoices", 0) == 0
        assert [request.status for request in bexio.sandbox.requests] == [status]

    @pytest.mark.parametrize(
        ("kind", "there", "absent"),
        [
            ("usable", {"ratelimit-remaining": "0", "ratelimit-reset": "7"}, {"retry-after"}),
            ("retry_after", {"retry-after": "7"}, {"ratelimit-reset"}),
            ("none", {}, {"retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"}),
            ("nonsense", {"ratelimit-reset": "soon", "ratelimit-remaining": "-5", "retry-after": ""}, set()),
        ],
    )
    def test_too_many_requests_come_with_all_sorts_of_headers(self, bexio, kind, there, absent):
        bexio.faults.add(Fault("too_many", headers=kind, seconds=7))
        answer = bexio.http.get("/2.0/contact")
        assert answer.status_code == answer.json()["error_code"] == 429
        assert {name: answer.headers.get(name) for name in there} == there
        assert not absent & set(answer.headers)

    def test_html_is_no_json(self, bexio):
        bexio.faults.add(Fault("html_502"))
        answer = bexio.http.get("/2.0/contact")
        assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html; charset=utf-8")
        assert "Bad Gateway" in answer.text


class TestAfterTheWork:
    def test_the_connection_is_reset(self, bexio):
        bexio.faults.add(Fault("drop_after", **CREATE))
        with pytest.raises(httpx.ReadError) as caught:
            bexio.create()
        assert is_reset(caught)
        (invoice,) = bexio.invoices
        assert len(invoice["positions"]) == 4

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_an_error_hides_a_success(self, bexio, status):
        bexio.faults.add(Fault("error_after", **CREATE, status=status))
        answer = bexio.create()
        assert answer.status_code == answer.json()["error_code"] == status
        assert len(bexio.invoices) == 1
        assert Decimal(bexio.invoices[0]["total"]) == Decimal("432.40")

    def test_html_hides_a_success(self, bexio):
        bexio.faults.add(Fault("html_after", **CREATE))
        assert bexio.create().status_code == 502
        assert len(bexio.invoices) == 1

    def test_a_payment_is_booked_though_nobody_hears_of_it(self, bexio):
        number = bexio.issued()
        bexio.faults.add(Fault("drop_after", "POST", "/2.0/kb_invoice/{id}/payment"))
        with pytest.raises(httpx.ReadError):
            bexio.http.post(f"/2.0/kb_invoice/{number}/payment", json={"value": "10.00", "date": "2026-06-18"})
        assert [row["value"] for row in bexio.sandbox.payments(number)] == ["10.000000"]

    def test_a_body_shorter_than_promised(self, bexio):
        bexio.faults.add(Fault("truncated", **CREATE))
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            bexio.create()
        assert len(bexio.invoices) == 1

    def test_a_body_cut_off_by_the_end_of_the_connection(self, bexio):
        bexio.faults.add(Fault("truncated", **CREATE, content_length="none"))
        answer = bexio.create()
        assert answer.status_code == 201
        assert not {"content-length", "transfer-encoding"} & set(answer.headers)
        assert answer.content.startswith(b'{"id": 1')
        with pytest.raises(json.JSONDecodeError):
            answer.json()
        assert len(bexio.invoices) == 1

    def test_a_body_that_drips(self, bexio):
        bexio.faults.add(Fault("drip", **CREATE, bytes_per_second=20_000))
        started = time.monotonic()
        answer = bexio.create()
        assert time.monotonic() - started >= len(answer.content) / 20_000
        assert answer.json()["id"] == 1

    def test_a_drip_slower_than_patience(self, bexio):
        bexio.faults.add(Fault("drip", **CREATE, bytes_per_second=1))
        with pytest.raises(httpx.ReadTimeout):
            bexio.http.post("/2.0/kb_invoice", json=bexio.body(), timeout=0.3)
        assert len(bexio.invoices) == 1


class TestLateCommit:
    def give_up(self, bexio: Served) -> None:
        with pytest.raises(httpx.ReadTimeout):
            bexio.http.post("/2.0/kb_invoice", json=bexio.body(), timeout=0.2)

    def test_it_comes_when_the_client_is_gone(self, bexio):
        bexio.faults.add(Fault("late_commit", **CREATE, seconds=0.6))
        self.give_up(bexio)
        assert bexio.invoices == []
        deadline = time.monotonic() + 5
        while not bexio.sandbox.requests[0].status and time.monotonic() < deadline:  # set after the books are
            time.sleep(0.05)
        assert len(bexio.invoices) == 1
        assert bexio.sandbox.requests[0].status == 201

    def test_it_comes_when_told(self, bexio):
        bexio.faults.add(Fault("late_commit", **CREATE, seconds=3600))
        self.give_up(bexio)
        assert bexio.invoices == []
        bexio.faults.clear()
        bexio.faults.finish_late_work()
        assert len(bexio.invoices) == 1

    def test_it_is_judged_by_the_books_of_then(self, bexio):
        number = bexio.issued()
        bexio.faults.add(Fault("late_commit", "POST", "*/payment", seconds=3600))
        payment = {"value": "432.40", "date": "2026-06-18"}
        with pytest.raises(httpx.ReadTimeout):
            bexio.http.post(f"/2.0/kb_invoice/{number}/payment", json=payment, timeout=0.2)
        bexio.http.post(f"/2.0/kb_invoice/{number}/payment", json=payment).raise_for_status()
        bexio.faults.finish_late_work()
        assert len(bexio.sandbox.payments(number)) == 1
        assert bexio.sandbox.requests[2].status == 422

    def test_a_client_more_patient_than_the_commit_is_dropped(self, bexio):
        bexio.faults.add(Fault("late_commit", **CREATE, seconds=0.1))
        with pytest.raises(httpx.ReadError):
            bexio.create()
        assert len(bexio.invoices) == 1

    def test_a_sandbox_that_closes_forgets_it(self, bexio):
        bexio.faults.add(Fault("late_commit", **CREATE, seconds=3600))
        self.give_up(bexio)
        bexio.faults.close()
        assert bexio.invoices == []


class TestHalfCreate:
    def test_half_of_the_positions_stay(self, bexio):
        bexio.faults.add(Fault("half_create"))
        answer = bexio.create(positions=7, api_reference="bexsync:main:invoice:1")
        assert answer.status_code == 500
        (invoice,) = bexio.invoices
        assert (len(invoice["positions"]), Decimal(invoice["total"])) == (3, Decimal("324.30"))
        assert invoice["api_reference"] == "bexsync:main:invoice:1"

    def test_a_refused_create_stays_refused(self, bexio):
        bexio.faults.add(Fault("half_create"))
        assert bexio.create(contact_id=99).status_code == 422
        assert bexio.invoices == []

    def test_it_is_about_creates_only(self, bexio):
        bexio.faults.add(Fault("half_create"))
        assert bexio.http.get("/2.0/kb_invoice").status_code == 200
        assert bexio.create().status_code == 500


class TestSearches:
    def test_every_result_comes_twice(self, bexio):
        bexio.create()
        bexio.create()
        bexio.faults.add(Fault("doubled_search"))
        assert bexio.http.get("/2.0/kb_invoice/1").json()["id"] == 1
        assert bexio.found() == [1, 1, 2, 2]
        assert bexio.found() == [1, 2]

    def test_a_lag_in_seconds(self, bexio):
        bexio.create()
        bexio.faults.add(Fault("lagging_search", repeat=0, seconds=30))
        bexio.create()
        assert bexio.found() == [1]
        assert bexio.http.get("/2.0/kb_invoice/2").status_code == 200
        assert len(bexio.invoices) == 2
        bexio.clock.tick(29)
        assert bexio.found() == [1]
        bexio.clock.tick(1)
        assert bexio.found() == [1, 2]

    def test_a_lag_in_requests(self, bexio):
        bexio.faults.add(Fault("lagging_search", repeat=0, requests=2))
        bexio.create()
        assert [bexio.found() for _ in range(3)] == [[], [], [1]]

    def test_contacts_lag_too(self, bexio):
        bexio.faults.add(Fault("lagging_search", repeat=0, seconds=30))
        body = {"contact_type_id": 1, "name_1": "Muster AG", "user_id": 1, "owner_id": 1}
        bexio.http.post("/2.0/contact", json=body).raise_for_status()
        assert bexio.found("contact") == [1, 2]
        assert [row["id"] for row in bexio.http.get("/2.0/contact").json()] == [1, 2]
        assert bexio.http.get("/2.0/contact/3").status_code == 200
        bexio.clock.tick(30)
        assert bexio.found("contact") == [1, 2, 3]

    def test_a_person_acts_on_what_the_search_does_not_show(self, bexio):
        number = bexio.issued()
        bexio.faults.add(
            Fault("lagging_search", repeat=0, seconds=30),
            Fault("person", path="*/search", action="pay"),
        )
        bexio.create()
        bexio.http.post("/2.0/kb_invoice/2/issue").raise_for_status()
        assert bexio.found() == [number]
        assert bexio.sandbox.payments(2) != []


class TestTokens:
    def test_an_expired_one_is_healed_by_a_new_one(self, bexio):
        bexio.faults.add(Fault("token_expired", nth=2))
        statuses = [bexio.http.get("/2.0/contact").status_code for _ in range(3)]
        assert statuses == [200, 401, 401]
        bexio.http.headers["Authorization"] = f"Bearer {bexio.sandbox.create_token()}"
        assert bexio.http.get("/2.0/contact").status_code == 200

    def test_a_revoked_one_takes_the_others_of_its_user_along(self, bexio):
        other = bexio.sandbox.create_token()
        bexio.faults.add(Fault("token_revoked"))
        assert bexio.http.get("/2.0/contact").status_code == 401
        assert bexio.http.get("/2.0/contact", headers={"Authorization": f"Bearer {other}"}).status_code == 401

    def test_a_wrong_one_stays_wrong(self, bexio):
        bexio.faults.add(Fault("token_expired"))
        assert bexio.http.get("/2.0/contact", headers={"Authorization": "Bearer x"}).status_code == 401
        assert bexio.http.get("/2.0/contact").status_code == 200


class TestClock:
    @pytest.mark.parametrize(("seconds", "stamp"), [(3600, "2026-06-18 15:55:15"), (-86400, "2026-06-17 14:55:15")])
    def test_it_jumps(self, bexio, seconds, stamp):
        bexio.faults.add(Fault("clock_jump", nth=2, seconds=seconds))
        bexio.create()
        bexio.create()
        bexio.create()
        stamps = [invoice["updated_at"] for invoice in bexio.invoices]
        assert stamps == ["2026-06-18 14:55:15", stamp, stamp]

    def test_a_window_of_the_limits_ends(self, bexio):
        bexio.faults.add(Fault("clock_jump", nth=3, seconds=60))
        left = [bexio.http.get("/2.0/contact").headers["ratelimit-remaining"] for _ in range(3)]
        assert left == ["999", "998", "999"]


class TestPerson:
    def act(self, bexio: Served, action: str, **more: object) -> int:
        number = bexio.issued()
        bexio.faults.add(Fault("person", "GET", "/2.0/unit", action=action, **more))
        bexio.http.get("/2.0/unit").raise_for_status()
        assert bexio.faults.fired[-1].problem == ""
        return number

    @pytest.mark.parametrize(
        ("action", "more", "status", "remaining"),
        [
            ("pay", {}, 9, "0"),
            ("pay_part", {}, 16, "216.20"),
            ("pay_part", {"amount": "400"}, 16, "32.40"),
            ("credit", {}, 9, "0"),
            ("credit", {"amount": "32.40"}, 16, "400"),
            ("cancel", {}, 19, "432.40"),
        ],
    )
    def test_money_and_status(self, bexio, action, more, status, remaining):
        self.act(bexio, action, **more)
        (invoice,) = bexio.invoices
        assert invoice["kb_item_status_id"] == status
        assert Decimal(invoice["total_remaining_payments"]) == Decimal(remaining)

    def test_deleting(self, bexio):
        self.act(bexio, "delete")
        assert bexio.invoices == []

    def test_editing(self, bexio):
        self.act(bexio, "edit_title", title="Neu")
        assert bexio.invoices[0]["title"] == "Neu"
        self.act(bexio, "edit_price", price="50")
        assert Decimal(bexio.invoices[1]["total"]) == Decimal("378.35")

    def test_contacts(self, bexio):
        self.act(bexio, "merge_contacts")
        assert [row["id"] for row in bexio.sandbox.contacts()] == [2]
        assert bexio.invoices[0]["contact_id"] == 2
        bexio.faults.plan([Fault("person", "GET", "/2.0/unit", action="archive_contact", target=2)])
        bexio.http.get("/2.0/unit").raise_for_status()
        assert bexio.sandbox.contacts() == []

    @pytest.mark.parametrize(
        ("target", "paid"),
        [("newest invoice", [3]), ("all", [1, 2, 3]), (2, [2]), ("b", [2]), ("this invoice", [1])],
    )
    def test_targets(self, bexio, target, paid):
        for name in "abc":
            number = bexio.create(api_reference=name).json()["id"]
            bexio.http.post(f"/2.0/kb_invoice/{number}/issue").raise_for_status()
        bexio.faults.add(Fault("person", "GET", "/2.0/kb_invoice/{id}", action="pay", target=target))
        shown = bexio.http.get("/2.0/kb_invoice/1").json()["kb_item_status_id"]
        assert [i["id"] for i in bexio.invoices if i["kb_item_status_id"] == 9] == paid
        assert shown == (9 if 1 in paid else 8)

    def test_after_the_work_the_answer_tells_nothing_of_it(self, bexio):
        bexio.faults.add(
            Fault("person", **CREATE, action="edit_title", target="this invoice", when="after", title="Neu")
        )
        assert bexio.create(title="Alt").json()["title"] == "Alt"
        assert bexio.invoices[0]["title"] == "Neu"

    def test_acts_though_the_connection_is_lost(self, bexio):
        bexio.faults.add(
            Fault("drop_after", **CREATE),
            Fault("person", **CREATE, action="delete", target="this invoice", when="after"),
        )
        with pytest.raises(httpx.ReadError):
            bexio.create()
        assert bexio.invoices == []
        assert bexio.fired == ["drop_after", "person"]

    @pytest.mark.parametrize(
        ("action", "target", "problem"),
        [("pay", "newest invoice", "not issued"), ("cancel", "nobody's", "nothing is meant"), ("delete", 77, "meant")],
    )
    def test_what_cannot_be_is_told_and_disturbs_nothing(self, bexio, action, target, problem):
        bexio.create()
        bexio.faults.add(Fault("person", action=action, target=target))
        assert bexio.http.get("/2.0/kb_invoice/1").status_code == 200
        assert problem in bexio.faults.fired[0].problem


class TestPlan:
    def test_nth_and_repeat_count_matching_requests(self, bexio):
        bexio.faults.add(Fault("error_before", "GET", "/2.0/unit", nth=2, repeat=2))
        statuses = [bexio.http.get(path).status_code for path in ("/2.0/unit", "/2.0/contact") * 5]
        assert statuses == [200, 200, 500, 200, 500, 200, 200, 200, 200, 200]
        assert [(f.number, f.path) for f in bexio.faults.fired] == [(3, "/2.0/unit"), (5, "/2.0/unit")]
        assert bexio.faults.fired[0].at == bexio.clock()

    def test_zero_repeats_for_ever_until_cleared(self, bexio):
        bexio.faults.add(Fault("error_before", nth=2, repeat=0))
        assert [bexio.http.get("/2.0/unit").status_code for _ in range(4)] == [200, 500, 500, 500]
        bexio.faults.clear()
        assert bexio.http.get("/2.0/unit").status_code == 200
        assert len(bexio.fired) == 3

    @pytest.mark.parametrize(
        ("path", "hit"),
        [
            ("*", [1, 1, 1]),
            ("*/send", [0, 0, 1]),
            ("/2.0/kb_invoice/{id}", [0, 1, 0]),
            ("/2.0/kb_invoice*", [1, 1, 1]),
            ("/2.0/kb.invoice", [0, 0, 0]),
        ],
    )
    def test_paths(self, path, hit):
        paths = ["/2.0/kb_invoice", "/2.0/kb_invoice/12", "/2.0/kb_invoice/12/send"]
        assert [int(Fault("drip", path=path).matches("GET", each)) for each in paths] == hit

    def test_only_one_fault_spoils_the_answer(self, bexio):
        bexio.faults.plan([Fault("error_after", **CREATE, status=503), Fault("drop_before", **CREATE)])
        assert bexio.create().status_code == 503
        assert len(bexio.invoices) == 1
        assert bexio.fired == ["error_after"]

    def test_a_plan_replaces_the_one_before(self, bexio):
        bexio.faults.plan([Fault("html_502")])
        bexio.faults.plan([Fault("error_before")])
        assert bexio.http.get("/2.0/unit").status_code == 500

    def test_listeners_are_told(self, bexio):
        told = []
        bexio.faults.listeners.append(lambda fired: told.append((fired.fault.name, fired.number)))
        bexio.faults.add(Fault("drop_before"))
        with pytest.raises(httpx.ReadError):
            bexio.http.get("/2.0/unit")
        assert told == [("drop_before", 1)]

    def test_hooks_still_see_every_request(self, bexio):
        seen = []
        bexio.sandbox.hooks.before.append(lambda r: seen.append(("before", r.status)))
        bexio.sandbox.hooks.after_commit.append(lambda r: seen.append(("after", r.status)))
        bexio.faults.add(Fault("error_after", **CREATE))
        bexio.create()
        assert seen == [("before", 0), ("after", 201)]

    def test_parallel_requests_are_counted_one_by_one(self, bexio):
        bexio.faults.add(Fault("error_before", nth=5, repeat=3))
        statuses: list[int] = []

        def ask() -> None:
            for _ in range(5):
                statuses.append(httpx.get(f"{bexio.url}/2.0/unit", headers=bexio.http.headers).status_code)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200] * 17 + [500] * 3


class TestInProcess:
    """Without a socket an exception takes the place of the lost connection."""

    @pytest.mark.parametrize(
        ("fault", "left"),
        [
            (Fault("drop_before"), 0),
            (Fault("drop_after"), 1),
            (Fault("late_commit", seconds=3600), 0),
            (Fault("truncated"), 1),
        ],
    )
    def test_a_connection_is_lost(self, founding, fault, left):
        bexio = founding()
        bexio.sandbox.faults.add(fault)
        with pytest.raises(ConnectionLost):
            bexio.create()
        assert len(bexio.sandbox.invoices()) == left
        assert issubclass(ConnectionLost, ConnectionResetError)
        bexio.sandbox.faults.finish_late_work()
        assert len(bexio.sandbox.invoices()) == (1 if fault.name == "late_commit" else left)

    def test_a_cut_off_body(self, founding):
        bexio = founding()
        bexio.sandbox.faults.add(Fault("truncated", content_length="none"))
        with pytest.raises(json.JSONDecodeError):
            bexio.get("/2.0/contact").json()


def test_a_dropped_connection_says_nothing_at_all(bexio):
    bexio.faults.add(Fault("drop_before"))
    address = ("127.0.0.1", bexio.http.base_url.port)
    with socket.create_connection(address) as raw:
        raw.sendall(b"GET /2.0/unit HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            raw.recv(1)


def test_nothing_is_asked_of_an_empty_plan(bexio, monkeypatch):
    monkeypatch.setattr(type(bexio.faults), "serve", None)
    assert bexio.http.get("/2.0/unit").status_code == 200


def test_every_kind_is_tried_here():
    own = Path(__file__).read_text()
    assert [name for name in KINDS if f'"{name}"' not in own] == []
