"""What lasts, what goes wrong on purpose, and what tests and people can turn."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import timedelta
from pathlib import Path

import httpx  # noqa: TID251 - the tests are a client of their own
import pytest
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet
from realms import CALLBACK, CLIENT, LUCA, OPENID, TOKEN, came_back
from test_sandbox_recordings import kinds

from bexio_sandbox import Fault, Sandbox

RECORDED = Path(__file__).parents[3] / "shared/contracts/bexio/recorded/laravel-bexio"
TOKENS = f"{OPENID}/token"


def claims_of(realm, token):
    keys = KeySet.import_key_set(realm.app.get(f"{OPENID}/certs").json())
    return jwt.decode(token, keys, algorithms=["RS256"]).claims


def press(realm, action, **fields):
    csrf = re.search(r'name="csrf" value="([^"]+)"', realm.browser.get("/sandbox").text)[1]
    return realm.browser.post("/sandbox/do", data={"csrf": csrf, "action": action, **fields}, follow_redirects=True)


class TestLasting:
    def test_a_login_outlives_the_sandbox(self, opening, tmp_path):
        data = tmp_path / "books.db"
        first = opening(data=data)
        first.sandbox.register_app("mine", "s", [CALLBACK], "Mine")
        tokens = first.login()
        gone = first.login()
        first.refresh(gone["refresh_token"]).raise_for_status()
        unused = first.code()
        session = dict(first.browser.cookies)
        keys = first.app.get(f"{OPENID}/certs").json()
        first.sandbox.close()

        second = opening(data=data)
        assert second.app.get(f"{OPENID}/certs").json() == keys
        assert second.api(tokens["access_token"]).status_code == 200
        assert second.refresh(tokens["refresh_token"]).status_code == 200
        assert second.refresh(gone["refresh_token"]).json()["error"] == "invalid_grant"
        assert [login.is_alive for login in second.identity.logins] == [True, False]
        assert second.exchange(unused, code_verifier=first.verifier).status_code == 200
        assert second.exchange(unused, code_verifier=first.verifier).status_code == 400
        second.browser.cookies.update(session)
        assert "asks for access" in second.authorize(client_id="mine").text

    def test_what_a_refusal_ended_stays_ended(self, opening, tmp_path):
        data = tmp_path / "books.db"
        first = opening(data=data)
        old = first.login()
        new = first.refresh(old["refresh_token"]).json()
        first.refresh(old["refresh_token"])
        first.sandbox.close()
        second = opening(data=data)
        assert second.refresh(new["refresh_token"]).status_code == 400
        assert second.api(new["access_token"]).status_code == 401

    def test_books_from_before_there_were_logins_get_the_standard_app(self, opening, tmp_path):
        data = tmp_path / "books.db"
        opening(data=data).sandbox.close()
        with sqlite3.connect(data) as file:
            file.execute("DELETE FROM rows WHERE name = 'apps'")
            file.execute("DELETE FROM counters WHERE name = 'apps'")
        file.close()
        assert opening(data=data).login()["access_token"]

    def test_the_standard_app_can_be_changed_for_good(self, opening, tmp_path):
        data = tmp_path / "books.db"
        first = opening(data=data)
        first.sandbox.register_app(CLIENT["client_id"], "another", [CALLBACK])
        first.sandbox.close()
        second = opening(data=data)
        assert second.exchange(second.code(), client_secret="another").status_code == 200


class TestFaults:
    def test_an_answer_lost_after_the_work_costs_the_login(self, realm):
        tokens = realm.login()
        realm.sandbox.faults.plan([Fault("drop_after", "POST", TOKENS)])
        with pytest.raises(httpx.TransportError):
            realm.refresh(tokens["refresh_token"])
        assert realm.identity.refreshes == 1
        assert realm.refresh(tokens["refresh_token"]).status_code == 400
        assert not realm.identity.is_alive()

    def test_an_answer_lost_before_the_work_costs_nothing(self, realm):
        tokens = realm.login()
        realm.sandbox.faults.plan([Fault("drop_before", "POST", "*/token")])
        with pytest.raises(httpx.TransportError):
            realm.refresh(tokens["refresh_token"])
        assert realm.refresh(tokens["refresh_token"]).status_code == 200

    @pytest.mark.parametrize(
        ("name", "status", "refreshes"),
        [
            ("error_before", 500, 0),
            ("error_after", 500, 1),
            ("html_502", 502, 0),
            ("html_after", 502, 1),
            ("too_many", 429, 0),
        ],
    )
    def test_other_answers_are_spoiled_too(self, realm, name, status, refreshes):
        tokens = realm.login()
        realm.sandbox.faults.plan([Fault(name, path=TOKENS)])
        assert realm.refresh(tokens["refresh_token"]).status_code == status
        assert realm.identity.refreshes == refreshes
        assert [(fired.path, fired.number) for fired in realm.sandbox.faults.fired] == [
            (TOKENS, len(realm.identity.requests))
        ]

    def test_a_slow_and_a_broken_answer(self, realm):
        tokens = realm.login()
        slow = Fault("drip", path=TOKENS, nth=2, bytes_per_second=50_000)
        realm.sandbox.faults.plan([Fault("truncated", path=TOKENS), slow])
        with pytest.raises(httpx.TransportError):
            realm.refresh(tokens["refresh_token"])
        assert realm.login()["access_token"]
        assert [fired.fault.name for fired in realm.sandbox.faults.fired] == ["truncated", "drip"]

    def test_a_late_commit(self, realm):
        tokens = realm.login()
        realm.sandbox.faults.plan([Fault("late_commit", path=TOKENS, seconds=60)])
        with pytest.raises(httpx.TimeoutException):
            realm.app.post(
                TOKENS,
                data={**CLIENT, "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]},
                timeout=0.1,
            )
        assert realm.identity.refreshes == 0
        realm.sandbox.faults.finish_late_work()
        assert realm.identity.refreshes == 1

    def test_a_person_who_takes_all_access_back(self, realm):
        tokens = realm.login(LUCA)
        realm.sandbox.faults.plan([Fault("token_revoked", path="/2.0/contact")])
        assert realm.api(tokens["access_token"]).status_code == 401
        assert realm.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
        assert realm.sandbox.faults.fired[0].path == "/2.0/contact"

    def test_an_access_token_that_ends_early(self, realm):
        tokens = realm.login()
        realm.sandbox.faults.plan([Fault("token_expired", path="/2.0/contact")])
        assert realm.api(tokens["access_token"]).status_code == 401
        assert realm.api(realm.refresh(tokens["refresh_token"]).json()["access_token"]).status_code == 200

    def test_the_limits_of_the_api_are_not_touched(self, realm):
        tokens = realm.login()
        answer = realm.app.get(f"{OPENID}/certs")
        assert "ratelimit-remaining" not in answer.headers
        assert realm.api(tokens["access_token"]).headers["ratelimit-remaining"] == "999"
        assert [request.path for request in realm.sandbox.requests] == ["/2.0/contact"]
        assert realm.identity.requests[-1].path == f"{OPENID}/certs"


class TestKnobs:
    def test_the_clock_of_the_realm_can_be_off(self, realm):
        realm.identity.settings.clock_offset = 600
        tokens = realm.login()
        claims = claims_of(realm, tokens["id_token"])
        assert claims["iat"] - realm.clock().timestamp() == 600
        assert claims["exp"] - claims["iat"] == 3600
        assert realm.api(tokens["access_token"]).status_code == 200
        realm.clock.tick(3600)
        assert realm.api(tokens["access_token"]).status_code == 401

    def test_keys_can_change(self, realm):
        before = realm.login()
        realm.identity.rotate_keys()
        after = realm.login()
        assert {claims_of(realm, tokens["id_token"])["aud"] for tokens in (before, after)} == {CLIENT["client_id"]}
        realm.identity.rotate_keys(forget_old=True)
        with pytest.raises(InvalidKeyIdError):
            claims_of(realm, before["id_token"])
        assert realm.refresh(before["refresh_token"]).status_code == 200
        assert len(realm.app.get(f"{OPENID}/certs").json()["keys"]) == 1

    def test_another_company_can_answer(self, realm):
        realm.identity.settings.company_id = "another1"
        assert claims_of(realm, realm.login()["id_token"])["company_id"] == "another1"

    def test_hooks_see_the_requests_of_the_realm(self, realm):
        seen = []
        realm.identity.hooks.before.append(lambda request: seen.append((request.path, request.status)))
        realm.identity.hooks.after_commit.append(lambda request: seen.append((request.path, request.status)))
        realm.token(grant_type="nonsense")
        assert seen == [(TOKENS, 0), (TOKENS, 400)]
        assert realm.identity.requests[-1].body["grant_type"] == "nonsense"

    def test_a_login_without_pages(self, realm):
        url = str(realm.app.build_request("GET", f"{OPENID}/auth", params=realm.request()).url)
        told = httpx.QueryParams(realm.identity.approve(url, 2).partition("?")[2])
        assert realm.exchange(told["code"]).json()["id_token"]
        assert told["iss"] == f"{realm.url}/realms/bexio"
        assert realm.identity.logins[0].user_id == 2
        assert "error=access_denied" in realm.identity.approve(url, is_allowed=False)
        with pytest.raises(ValueError, match="not registered"):
            realm.identity.approve(url.replace("callback", "elsewhere"))
        with pytest.raises(ValueError, match="no user 9"):
            realm.identity.approve(url, 9)
        with pytest.raises(ValueError, match="where apps ask"):
            realm.identity.approve(realm.url)

    @pytest.mark.parametrize(
        ("app", "says"),
        [
            (("", "s", [CALLBACK]), "client id"),
            (("a", "", [CALLBACK]), "secret"),
            (("a", "s", []), "between 1 and 10"),
            (("a", "s", [CALLBACK] * 11), "between 1 and 10"),
            (("a", "s", ["no address"]), "no redirect URI"),
            (("a", "s", [f"{CALLBACK}#x"]), "no redirect URI"),
            (("a", "s", ["http://[::1/x"]), "no redirect URI"),
            (("a", "s", ["http://a;script-src *@x/"]), "characters"),
        ],
    )
    def test_an_odd_app_is_refused(self, realm, app, says):
        with pytest.raises(ValueError, match=says):
            realm.sandbox.register_app(*app)


class TestPersonalTokens:
    def test_it_is_a_real_token_that_ends(self, realm):
        token = realm.sandbox.create_token(["contact_show"], user_id=2, days=3)
        claims = claims_of(realm, token)
        assert claims["exp"] - claims["iat"] == 3 * 86400
        assert (claims["company_user_id"], claims["scope"]) == (2, "contact_show")
        realm.clock.tick(3 * 86400 - 1)
        assert realm.api(token).status_code == 200
        realm.clock.tick(1)
        assert realm.api(token).status_code == 401

    def test_a_made_up_one_can_end_too(self, realm):
        realm.sandbox.create_token(token="mine", lifetime=timedelta(seconds=5))
        assert realm.api("mine").status_code == 200
        realm.clock.tick(5)
        assert realm.api("mine").status_code == 401
        assert realm.api(TOKEN).status_code == 200

    def test_the_page_shows_a_new_one_once(self, realm):
        page = press(realm, "create_token", user_id=2, days=7)
        token = re.search(r"<code>(eyJ[^<]+)</code>", page.text)[1]
        assert token not in str(page.url)
        assert realm.api(token, "/3.0/users/me").json()["firstname"] == "Luca"
        claims = claims_of(realm, token)
        assert claims["exp"] - claims["iat"] == 7 * 86400
        assert token not in realm.browser.get(str(page.url)).text
        assert token not in realm.browser.get("/sandbox").text

    @pytest.mark.parametrize("days", [0, 61, -1])
    def test_its_time_is_limited(self, realm, days):
        assert "from 1 to 60 days" in press(realm, "create_token", days=days).text
        answer = realm.app.post("/sandbox/api/create_token", json={"user_id": 1, "days": days})
        assert answer.status_code == 422

    def test_scripts_make_them(self, realm):
        body = {"user_id": 2, "scopes": ["contact_show"], "days": 1}
        token = realm.app.post("/sandbox/api/create_token", json=body).json()["result"]
        assert realm.api(token).status_code == 200
        assert realm.api(token, "/2.0/kb_invoice").status_code == 403
        for wrong in ({"user_id": 9}, {"scopes": ["general"]}, {"colour": "red"}, {"days": "many"}):
            assert realm.app.post("/sandbox/api/create_token", json=wrong).status_code == 422


class TestThePage:
    def test_apps_and_logins_are_shown(self, realm):
        realm.sandbox.register_app("evil", "<b>secret", [CALLBACK], "<script>x")
        tokens = realm.login(LUCA)
        realm.refresh(tokens["refresh_token"])
        page = realm.browser.get("/sandbox").text
        assert all(
            shown in page for shown in ("bexsync-sandbox", "sandbox-secret", CALLBACK, "alive", "&lt;script&gt;")
        )
        assert "<script" not in page
        assert "ended: it was taken back" in press(realm, "end_logins").text
        assert not realm.identity.is_alive()

    def test_an_app_is_registered_by_form_and_by_script(self, realm):
        press(realm, "register_app", client_id="form", secret="s", redirect_uris=CALLBACK)
        body = {
            "client_id": "script",
            "secret": "s",
            "redirect_uris": [CALLBACK, "http://localhost:1/"],
            "name": "Mine",
        }
        assert realm.app.post("/sandbox/api/register_app", json=body).json() == {"result": "script"}
        assert "form" in realm.authorize(client_id="form").text
        assert "Mine" in realm.authorize(client_id="script").text
        assert realm.app.post("/sandbox/api/register_app", json={"client_id": "x"}).status_code == 422

    def test_scripts_log_in_and_turn_the_knobs(self, realm):
        def do(action, **body):
            return realm.app.post(f"/sandbox/api/{action}", json=body)

        do("set_access_lifetime", seconds=90).raise_for_status()
        do("set_clock_offset", seconds=-60).raise_for_status()
        url = str(realm.app.build_request("GET", f"{OPENID}/auth", params=realm.request()).url)
        back = do("approve", url=url, user_id=2).json()["result"]
        assert back.startswith(CALLBACK)
        tokens = realm.exchange(httpx.QueryParams(back.partition("?")[2])["code"]).json()
        assert tokens["expires_in"] == 90
        assert claims_of(realm, tokens["id_token"])["iat"] == realm.clock().timestamp() - 60
        assert "error=access_denied" in do("approve", url=url, decision="decline").json()["result"]
        assert do("approve", url="http://127.0.0.1/").status_code == 422
        assert do("set_access_lifetime", seconds=0).status_code == 422
        do("end_logins", user_id=1).raise_for_status()
        assert realm.identity.is_alive()
        do("end_logins").raise_for_status()
        assert not realm.identity.is_alive()


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recordings of ../shared are not here")
class TestRecordings:
    def test_userinfo_looks_as_recorded(self, realm):
        token = realm.login()["access_token"]
        told = realm.app.get(f"{OPENID}/userinfo", headers={"Authorization": f"Bearer {token}"}).json()
        recorded = json.loads((RECORDED / "OpenID/fetch-user-info.json").read_text())["body"]
        assert kinds(told) == kinds(recorded)

    def test_the_configuration_promises_nothing_the_real_one_does_not(self, realm):
        mine = realm.app.get("/realms/bexio/.well-known/openid-configuration").json()
        recorded = json.loads((RECORDED / "OAuth/openid-configuration.json").read_text())["body"]
        assert set(mine) <= set(recorded)
        for name, value in mine.items():
            if isinstance(value, list):
                assert set(value) <= set(recorded[name]), name
            elif isinstance(value, str):
                assert value.removeprefix(mine["issuer"]) == recorded[name].removeprefix(recorded["issuer"])


def test_a_sandbox_of_its_own_knows_its_address():
    with Sandbox().serve() as url:
        assert httpx.get(f"{url}/realms/bexio/.well-known/openid-configuration").json()["issuer"].startswith(url)


def test_the_issuer_is_known_without_a_request():
    sandbox = Sandbox()
    with sandbox.serve() as url:
        assert sandbox.identity.issuer == f"{url}/realms/bexio"


def test_no_code_comes_back_from_a_wrong_question(realm):
    assert "code" not in came_back(realm.authorize(scope="general"))
