"""What happens before a form is looked at: tokens, scopes, limits, HTTP; and the server around it."""

from __future__ import annotations

import ast
import base64
import json
import socket
import threading
from pathlib import Path

import httpx  # noqa: TID251 - the tests are a client of their own
import pytest

import bexio_sandbox
from bexio_sandbox import Sandbox
from bexio_sandbox.latency import Latency

TOKEN = "pat-of-the-tests"


class TestTokens:
    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer nobody", f"Basic {TOKEN}", TOKEN])
    def test_a_wrong_one_is_refused(self, bexio, header):
        answer = bexio.get("/2.0/contact", headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.json() == {"error_code": 401, "message": "Invalid token."}

    def test_a_revoked_one_is_refused(self, bexio):
        bexio.sandbox.revoke_token(TOKEN)
        assert bexio.get("/2.0/contact").status_code == 401

    def test_a_made_up_one_names_its_end_and_ends_there(self, bexio):
        token = bexio.sandbox.create_token(user_id=2)
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        assert claims["exp"] - claims["iat"] == 60 * 86400
        client = bexio.client(token)
        assert client.get("/3.0/users/me").json()["firstname"] == "Luca"
        bexio.clock.tick(60 * 86400)
        assert client.get("/3.0/users/me").status_code == 401

    @pytest.mark.parametrize(
        ("scopes", "method", "path", "status"),
        [
            (["contact_show"], "GET", "/2.0/contact", 200),
            (["contact_edit"], "GET", "/2.0/contact", 200),
            (["contact_show"], "DELETE", "/2.0/contact/1", 403),
            (["contact_show"], "POST", "/2.0/contact/search", 200),
            (["contact_show"], "GET", "/2.0/kb_invoice", 403),
            (["kb_invoice_show"], "POST", "/2.0/kb_invoice", 403),
            (["kb_invoice_show"], "GET", "/2.0/kb_invoice/1/pdf", 404),
            (["contact_edit"], "GET", "/3.0/banking/accounts", 403),
            (["bank_account_show"], "GET", "/3.0/banking/accounts", 200),
            ([], "GET", "/3.0/taxes", 200),
            ([], "GET", "/2.0/kb_item_setting", 200),
            ([], "GET", "/2.0/contact_group", 200),
        ],
    )
    def test_a_scope_is_needed(self, bexio, scopes, method, path, status):
        client = bexio.client(bexio.sandbox.create_token(scopes))
        body = [] if path.endswith("/search") else None
        assert client.request(method, path, json=body).status_code == status

    def test_an_unknown_scope_is_a_mistake(self, bexio):
        with pytest.raises(ValueError, match="general"):
            bexio.sandbox.create_token(["general"])


class TestHttp:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/2.0/currency"),
            ("GET", "/2.0/user"),
            ("GET", "/2.0//contact"),
            ("GET", "/2.0/contact/"),
            ("GET", "/2.0/contact/one"),
            ("GET", "/2.0/contact/77"),
            ("GET", "/2.0/kb_invoice/1/reminder"),
            ("GET", "/3.0/taxes/search"),
            ("PUT", "/2.0/contact/1"),
            ("PATCH", "/2.0/contact/1"),
            ("POST", "/3.0/taxes"),
            ("GET", "/4.0/purchase/bills"),
        ],
    )
    def test_other_paths_are_not_found(self, bexio, method, path):
        answer = bexio.http.request(method, path)
        assert answer.status_code == 404
        assert answer.json() == {"error_code": 404, "message": "Page not found"}
        assert "ratelimit-limit" in answer.headers

    @pytest.mark.parametrize(("accept", "status"), [("text/html", 415), ("*/*", 200), ("application/*", 200)])
    def test_json_has_to_be_accepted(self, bexio, accept, status):
        assert bexio.get("/2.0/contact", headers={"Accept": accept}).status_code == status

    @pytest.mark.parametrize(
        ("content", "kind", "status"),
        [
            (b"{", "application/json", 400),
            (b'{"a": NaN}', "application/json", 400),
            (b"\xff", "application/json", 400),
            (b"[" * 100_000, "application/json", 400),
            (b"a=1", "application/x-www-form-urlencoded", 415),
            (b"", "application/json", 422),
            (b"[]", "application/json", 422),
            (b"null", "application/json", 422),
        ],
    )
    def test_a_body_is_json(self, bexio, content, kind, status):
        answer = bexio.http.post("/2.0/contact", content=content, headers={"Content-Type": kind})
        assert answer.status_code == status
        assert answer.json()["error_code"] == status

    def test_a_body_has_a_length(self, bexio):
        answer = bexio.http.post("/2.0/contact", content=iter([b"{}"]))
        assert answer.status_code == 411

    def test_requests_are_noted(self, bexio):
        bexio.search("contact", ("id", "=", 1), limit=5)
        bexio.get("/2.0/nothing")
        noted = [(r.number, r.method, r.path, r.query, r.status, r.bucket) for r in bexio.sandbox.requests]
        assert noted == [
            (1, "POST", "/2.0/contact/search", {"limit": "5"}, 200, "search"),
            (2, "GET", "/2.0/nothing", {}, 404, "default"),
        ]
        assert bexio.sandbox.requests[0].body == [{"field": "id", "value": 1, "criteria": "="}]

    def test_hooks_see_a_request_before_and_after(self, bexio):
        seen = []
        bexio.sandbox.hooks.before.append(lambda r: seen.append((r.status, len(bexio.sandbox.state.contacts))))
        bexio.sandbox.hooks.after_commit.append(lambda r: seen.append((r.status, len(bexio.sandbox.state.contacts))))
        bexio.add_contact()
        assert seen == [(0, 2), (201, 3)]

    def test_what_was_committed_stays_when_the_answer_is_lost(self, bexio):
        def lose(_):
            raise ConnectionResetError

        bexio.sandbox.hooks.after_commit.append(lose)
        with pytest.raises(ConnectionResetError):
            bexio.add_contact()
        assert len(bexio.sandbox.contacts()) == 3


class TestLimits:
    def test_they_are_counted_per_bucket_and_minute(self, bexio):
        bexio.get("/2.0/contact")
        answer = bexio.get("/2.0/contact")
        assert answer.headers["ratelimit-limit"] == answer.headers["x-ratelimit-limit-minute"] == "1000"
        assert answer.headers["ratelimit-remaining"] == answer.headers["x-ratelimit-remaining-minute"] == "998"
        # 12:55:15 leaves 45 seconds
        assert answer.headers["ratelimit-reset"] == "45"
        assert bexio.search("contact", ("id", "=", 1)).headers["ratelimit-remaining"] == "249"
        assert bexio.search("country", ("name", "=", "x")).headers["ratelimit-remaining"] == "997"
        bexio.clock.tick(45)
        answer = bexio.get("/2.0/contact")
        assert (answer.headers["ratelimit-remaining"], answer.headers["ratelimit-reset"]) == ("999", "60")

    @pytest.mark.parametrize("suffix", ["/pdf", "/kb_reminder/1/pdf"])
    def test_pdfs_share_the_small_bucket(self, bexio, suffix):
        number = bexio.issued()
        bexio.post(f"/2.0/kb_invoice/{number}/kb_reminder")
        bexio.search("kb_invoice", ("id", "=", 1))
        answer = bexio.get(f"/2.0/kb_invoice/{number}{suffix}")
        assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (200, "248")

    def test_a_request_too_many_does_nothing(self, bexio):
        for _ in range(1000):
            bexio.get("/2.0/unit")
        answer = bexio.post("/2.0/contact", bexio.contact_body())
        assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (429, "0")
        assert len(bexio.sandbox.state.contacts) == 2
        assert bexio.search("contact", ("id", "=", 1)).status_code == 200
        bexio.clock.tick(float(answer.headers["ratelimit-reset"]))
        assert bexio.get("/2.0/unit").status_code == 200

    def test_they_are_the_companys_not_the_tokens(self, bexio):
        bexio.get("/2.0/unit")
        other = bexio.client(bexio.sandbox.create_token([]))
        assert other.get("/2.0/unit").headers["ratelimit-remaining"] == "998"

    def test_a_wrong_token_uses_nothing_up(self, bexio):
        assert bexio.client("wrong").get("/2.0/unit").headers["ratelimit-remaining"] == "1000"

    def test_their_clock_can_run_faster(self, founding):
        bexio = founding(speed=60)
        for _ in range(251):
            answer = bexio.search("contact", ("id", "=", 1))
        assert (answer.status_code, answer.headers["ratelimit-reset"]) == (429, "1")
        bexio.clock.tick(1)
        assert bexio.search("contact", ("id", "=", 1)).status_code == 200

    def test_they_can_be_switched_off(self, founding):
        bexio = founding(rate_limits=False)
        answers = [bexio.search("contact", ("id", "=", 1)) for _ in range(251)]
        assert answers[-1].status_code == 200
        assert answers[-1].headers["ratelimit-remaining"] == "0"


class TestLatency:
    def test_answers_come_late_and_side_by_side(self, monkeypatch):
        both_under_way = threading.Barrier(2, timeout=20)
        held: list[float] = []

        def sleep(seconds: float) -> None:
            held.append(seconds)
            both_under_way.wait()

        monkeypatch.setattr("bexio_sandbox.latency.monotonic", lambda: 5.0)
        monkeypatch.setattr("bexio_sandbox.latency.sleep", sleep)
        sandbox = Sandbox(token=TOKEN, latency=0.5)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with sandbox.serve() as url:

            def ask() -> None:
                httpx.get(f"{url}/2.0/unit", headers=headers, timeout=20).raise_for_status()

            threads = [threading.Thread(target=ask) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert httpx.get(f"{url}/sandbox/api/state").status_code == 200
        assert held == [0.5, 0.5]
        assert [request.status for request in sandbox.requests] == [200, 200]

    def test_the_work_of_a_request_counts(self, monkeypatch):
        moments = iter([10.0, 10.125, 20.0, 20.75])
        held: list[float] = []
        monkeypatch.setattr("bexio_sandbox.latency.monotonic", lambda: next(moments))
        monkeypatch.setattr("bexio_sandbox.latency.sleep", held.append)
        latency = Latency(0.5)
        for _ in range(2):
            latency.hold(latency.arrival())
        assert held == [0.375]

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"latency": -1}, "latency cannot be negative"),
            (
                {"latency": 0.2, "speed": 2},
                "with latency the minutes of the rate limits pass as they do: speed has to be 1",
            ),
        ],
    )
    def test_what_cannot_be_is_refused(self, options, sentence):
        with pytest.raises(ValueError, match=sentence):
            Sandbox(**options)


class TestServer:
    def test_connections_are_kept_and_served_in_threads(self):
        sandbox = Sandbox(token=TOKEN)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        body = {"contact_type_id": 1, "name_1": "Muster AG", "user_id": 1, "owner_id": 1}
        with sandbox.serve() as url:

            def work():
                with httpx.Client(base_url=url, headers=headers) as client:
                    for _ in range(10):
                        client.post("/2.0/contact", json=body).raise_for_status()

            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(sandbox.contacts()) == 42
        assert [request.number for request in sandbox.requests] == list(range(1, 41))

    def test_an_early_no_leaves_the_connection_usable(self):
        sandbox = Sandbox(token=TOKEN)
        said: list[str] = []
        with sandbox.serve(access_log=said.append) as url, httpx.Client(base_url=url) as client:
            assert client.post("/2.0/contact", json={"name_1": "x" * 100_000}).status_code == 401
            assert client.get("/2.0/unit", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert said == ["POST /2.0/contact 401", "GET /2.0/unit 200"]

    def test_a_chunked_body_is_refused(self):
        sandbox = Sandbox(token=TOKEN)
        head = f"Authorization: Bearer {TOKEN}\r\nAccept: */*\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
        with sandbox.serve() as url:
            port = int(url.rsplit(":", 1)[1])
            with socket.create_connection(("127.0.0.1", port)) as raw:
                raw.sendall(f"POST /2.0/contact HTTP/1.1\r\nHost: x\r\n{head}\r\n2\r\n{{}}\r\n0\r\n\r\n".encode())
                answer = raw.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 411")

    def test_it_listens_on_this_machine_only(self):
        with Sandbox().serve() as url:
            assert url.startswith("http://127.0.0.1:")


class TestPersistence:
    def test_the_books_survive(self, founding, tmp_path):
        data = tmp_path / "books.db"
        first = founding(data=data)
        token = first.sandbox.create_token(["kb_invoice_show"])
        number = first.issued(api_reference="a")
        first.sandbox.person.pay(number, "8.10")
        first.create()
        first.delete("/2.0/kb_invoice/2").raise_for_status()
        first.post(f"/2.0/kb_invoice/{number}/mark_as_sent").raise_for_status()
        assert first.post("/2.0/kb_invoice", {}).status_code == 422
        before = first.show(number), first.sandbox.contacts(), first.sandbox.payments(number)
        first.sandbox.close()
        second = founding(data=data)
        assert (second.show(number), second.sandbox.contacts(), second.sandbox.payments(number)) == before
        assert second.client(token).get("/2.0/kb_invoice").status_code == 200
        assert second.show(second.create())["document_nr"] == "RE-00003"
        assert second.sandbox.invoices()[-1]["id"] == 3

    def test_only_changed_rows_are_written(self, founding, tmp_path, monkeypatch):
        bexio = founding(data=tmp_path / "books.db")
        written = []
        storage = bexio.sandbox.state._storage
        monkeypatch.setattr(storage, "save", lambda rows, counters: written.append(set(rows)))
        bexio.create()
        bexio.get("/2.0/contact")
        bexio.post("/2.0/contact", {})
        assert written == [{("invoices", 1), ("kb_position_custom", 1)}]

    def test_a_write_that_fails_is_undone(self, founding, tmp_path, monkeypatch):
        bexio = founding(data=tmp_path / "books.db")

        def fail(*_):
            raise OSError("disk full")

        monkeypatch.setattr(bexio.sandbox.state._storage, "save", fail)
        with pytest.raises(OSError, match="disk full"):
            bexio.create()
        assert bexio.sandbox.state.invoices == {}
        assert "invoices" not in bexio.sandbox.state.counters


def test_the_sandbox_imports_nothing_of_the_client_side():
    root = Path(bexio_sandbox.__file__).parent
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [n for n in names if n == "httpx" or (n.startswith("bexsync.") and "sandbox" not in n)], file
