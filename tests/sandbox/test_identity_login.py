"""From an app's question to a code: pages, redirects, and who is never redirected."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from realms import CALLBACK, LUCA, OPENID, REGULA, came_back

from bexio_sandbox.scopes import WORDS

EVIL = '"><script>alert(1)</script>'


class TestTheWay:
    def test_it_leads_from_login_over_consent_to_a_code(self, realm):
        page = realm.authorize()
        assert page.status_code == 200
        assert all(shown in page.text for shown in (REGULA, LUCA, "Bergladen GmbH", "bexsync"))
        consent = realm.press(page, username=LUCA, password="sandbox")
        consent = realm.browser.get(consent.headers["location"])
        assert "Luca Ferrari" in consent.text
        told = came_back(realm.press(consent, decision="allow"))
        assert set(told) == {"code", "state", "iss", "session_state"}
        assert (told["state"], told["iss"]) == ("the state", f"{realm.url}/realms/bexio")
        answer = realm.exchange(told["code"]).json()
        assert answer["session_state"] == told["session_state"]
        assert [(login.user_id, login.client_id) for login in realm.identity.logins] == [(2, "bexsync-sandbox")]

    def test_every_scope_has_words(self, realm):
        page = realm.consent_page(scope=" ".join(WORDS))
        for scope, words in WORDS.items():
            assert f"{words} <code>{scope}</code>" in page.text

    def test_the_password_has_to_be_right(self, realm):
        answer = realm.press(realm.authorize(), username=LUCA, password="Sandbox")
        assert answer.status_code == 200
        assert "This password does not belong to this person." in answer.text
        assert re.search(rf'value="{LUCA}" required checked', answer.text), "what was chosen stays chosen"
        assert "set-cookie" not in answer.headers or "SANDBOX_IDENTITY" not in answer.headers["set-cookie"]
        assert realm.press(answer, username="nobody@mail.example", password="sandbox").status_code == 200
        assert realm.press(answer, username=LUCA, password="sandbox").status_code == 303

    def test_who_declines_says_so_to_the_app(self, realm):
        told = came_back(realm.press(realm.consent_page(), decision="decline"))
        assert (told["error"], told["state"]) == ("access_denied", "the state")
        assert "code" not in told
        assert realm.identity.logins == []

    def test_a_second_login_needs_no_password(self, realm):
        first = realm.login()
        assert "asks for access" in realm.authorize().text
        told = came_back(realm.press(realm.authorize(), decision="allow"))
        assert told["session_state"] == first["session_state"]
        assert 'name="password"' in realm.authorize(prompt="login").text
        assert 'name="password"' in realm.authorize(prompt="select_account").text

    def test_somebody_else_can_log_in_instead(self, realm):
        page = realm.consent_page(REGULA)
        other = re.search(r'<a href="([^"]*)">Somebody else', page.text)[1].replace("&amp;", "&")
        answer = realm.press(realm.browser.get(other), username=LUCA, password="sandbox")
        page = realm.browser.get(answer.headers["location"])
        assert "Luca Ferrari" in page.text
        assert realm.exchange(came_back(realm.press(page, decision="allow"))["code"]).status_code == 200
        assert realm.identity.logins[-1].user_id == 2

    def test_the_hint_chooses_the_person(self, realm):
        assert re.search(rf'value="{LUCA}" required checked', realm.authorize(login_hint=LUCA).text)
        assert re.search(rf'value="{REGULA}" required checked', realm.authorize(login_hint=EVIL).text)

    def test_without_a_page_somebody_must_have_agreed_before(self, realm):
        assert came_back(realm.authorize(prompt="none"))["error"] == "login_required"
        realm.consent_page()
        assert came_back(realm.authorize(prompt="none"))["error"] == "consent_required"
        realm.login()
        assert realm.exchange(came_back(realm.authorize(prompt="none"))["code"]).status_code == 200
        assert came_back(realm.authorize(prompt="none", scope="openid file"))["error"] == "consent_required"

    def test_a_question_may_come_as_a_form(self, realm):
        assert "Who are you?" in realm.browser.post(f"{OPENID}/auth", data=realm.request()).text
        assert realm.browser.put(f"{OPENID}/auth", data=realm.request()).status_code == 405


class TestNobodyIsTrusted:
    @pytest.mark.parametrize(
        "redirect_uri",
        [
            None,
            "",
            "http://127.0.0.1:27182/callback/",
            "http://127.0.0.1:27182/Callback",
            "http://127.0.0.1:53173/callback",
            "http://127.0.0.1:27182/callback?x=1",
            "https://127.0.0.1:27182/callback",
            "http://[::1]:27182/callback",
            "http://127.0.0.1:27182/callback#x",
            f"{CALLBACK} http://localhost:27182/callback",
            "https://evil.example/",
        ],
    )
    def test_another_redirect_uri_is_a_page(self, realm, redirect_uri):
        answer = realm.authorize(redirect_uri=redirect_uri)
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert "This login cannot go on" in answer.text

    @pytest.mark.parametrize("client_id", [None, "", "nobody", EVIL, "bexsync-sandbox "])
    def test_an_unknown_app_is_a_page(self, realm, client_id):
        answer = realm.authorize(client_id=client_id)
        assert (answer.status_code, "location" in answer.headers) == (400, False)
        assert "<script" not in answer.text

    def test_a_redirect_uri_that_comes_twice_is_a_page(self, realm):
        twice = [*realm.request().items(), ("redirect_uri", "https://evil.example/")]
        answer = realm.browser.get(f"{OPENID}/auth", params=twice)
        assert (answer.status_code, "location" in answer.headers) == (400, False)

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"scope": "openid general"}, "invalid_scope"),
            ({"scope": "openid contact_delete"}, "invalid_scope"),
            ({"scope": "superadmin"}, "invalid_scope"),
            ({"response_type": None}, "invalid_request"),
            ({"response_type": "token"}, "unauthorized_client"),
            ({"response_type": "code id_token"}, "unauthorized_client"),
            ({"response_type": "magic"}, "unsupported_response_type"),
            ({"response_mode": "fragment"}, "invalid_request"),
            ({"request": "eyJ"}, "request_not_supported"),
            ({"request_uri": "https://evil.example/"}, "request_uri_not_supported"),
            ({"code_challenge_method": "S512"}, "invalid_request"),
            ({"code_challenge": None}, "invalid_request"),
            ({"code_challenge": "short"}, "invalid_request"),
            ({"code_challenge": "ä" * 43}, "invalid_request"),
            ({"prompt": "none login"}, "invalid_request"),
        ],
    )
    def test_what_is_wrong_is_told_to_the_app(self, realm, changes, error):
        told = came_back(realm.authorize(**changes))
        assert (told["error"], told["state"]) == (error, "the state")
        assert told["error_description"]
        assert told["iss"] == f"{realm.url}/realms/bexio"

    def test_what_comes_twice_is_wrong(self, realm):
        twice = [*realm.request().items(), ("scope", "file")]
        assert came_back(realm.browser.get(f"{OPENID}/auth", params=twice))["error"] == "invalid_request"

    def test_a_query_of_the_app_stays(self, realm):
        uri = "http://127.0.0.1:1/back?shop=7&x="
        realm.sandbox.register_app("shop", "s", [uri], "Shop")
        answer = realm.authorize(client_id="shop", redirect_uri=uri, scope="general")
        assert answer.headers["location"].startswith("http://127.0.0.1:1/back?shop=7&x=&error=invalid_scope")

    def test_without_a_state_none_comes_back(self, realm):
        assert "state" not in came_back(realm.authorize(state=None, scope="general"))


class TestPages:
    def test_nothing_hostile_gets_onto_a_page(self, realm):
        realm.sandbox.register_app("evil", "s", [CALLBACK], EVIL)
        hostile = {"client_id": "evil", "state": EVIL, "nonce": EVIL, "login_hint": EVIL}
        for page in (realm.authorize(**hostile), realm.consent_page(**hostile)):
            assert "<script" not in page.text
            assert page.text.count("&lt;script&gt;") >= 3
        wrong = realm.press(realm.authorize(**hostile, prompt="login"), username=EVIL, password=EVIL)
        assert "<script" not in wrong.text
        told = came_back(realm.press(realm.consent_page(prompt="login", **hostile), decision="allow"))
        assert told["state"] == EVIL, "the app gets back what it sent"

    def test_a_state_cannot_break_out_of_the_redirect(self, realm):
        answer = realm.authorize(state="x\r\nSet-Cookie: a=b", scope="general")
        assert "set-cookie" not in answer.headers
        assert came_back(answer)["state"] == "x\r\nSet-Cookie: a=b"

    def test_the_headers_are_strict(self, realm):
        pages = (realm.authorize(), realm.consent_page(), realm.authorize(client_id="nobody"))
        for page in pages:
            policy = page.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert re.search(r"style-src 'nonce-([^']+)'", policy)[1] in page.text
            assert page.headers["cache-control"] == "no-store"
            assert page.headers["referrer-policy"] == "no-referrer"
            assert page.headers["x-content-type-options"] == "nosniff"
            assert not re.search(r"<script|\son\w+=|https?://(?!127\.0\.0\.1)(?!localhost)", page.text)
        assert "form-action 'self' http://127.0.0.1:27182" in pages[0].headers["content-security-policy"]
        assert pages[2].headers["content-security-policy"].endswith("form-action 'self'")

    def test_two_sandboxes_on_two_ports_leave_each_other_logged_in(self, realm, founding):
        realm.consent_page(LUCA)
        here = realm.browser.base_url
        with founding().sandbox.serve() as realm.browser.base_url:
            realm.consent_page(REGULA)
        realm.browser.base_url = here
        assert "You are Luca Ferrari" in realm.authorize().text

    def test_cookies_are_kept_from_scripts_and_other_sites(self, realm):
        answer = realm.press(realm.authorize(), username=LUCA, password="sandbox")
        cookie = answer.headers["set-cookie"]
        assert all(part in cookie for part in ("SANDBOX_IDENTITY_", "HttpOnly", "SameSite=Lax", "Path=/realms/bexio/"))

    @pytest.mark.parametrize("changed", [{"csrf": ""}, {"csrf": "0" * 64}, {"scope": "openid file"}, {"state": "mine"}])
    def test_a_form_from_elsewhere_allows_nothing(self, realm, changed):
        answer = realm.press(realm.consent_page(), decision="allow", **changed)
        assert (answer.status_code, "location" in answer.headers) == (400, False)
        assert "expired" in answer.text

    def test_a_form_belongs_to_one_browser(self, realm):
        page, consent = realm.authorize(), realm.consent_page()
        realm.browser.cookies.clear()
        assert realm.press(page, username=LUCA, password="sandbox").status_code == 400
        assert realm.press(consent, decision="allow").status_code == 400
        assert realm.browser.get(f"{urlsplit(str(consent.url)).path}").status_code == 400

    def test_a_login_form_from_elsewhere_logs_nobody_in(self, realm):
        answer = realm.press(realm.authorize(), username=LUCA, password="sandbox", csrf="wrong")
        assert answer.status_code == 400
        assert "set-cookie" not in answer.headers

    def test_forms_are_not_answered_to_a_get(self, realm):
        for path in ("authenticate", "consent"):
            assert realm.browser.get(f"/realms/bexio/login-actions/{path}", params=realm.request()).status_code == 400

    @pytest.mark.parametrize(("host", "status"), [("evil.example", 403), ("localhost:1", 200)])
    def test_only_this_machine_is_answered(self, realm, host, status):
        answer = realm.browser.get("/realms/bexio/.well-known/openid-configuration", headers={"Host": host})
        assert answer.status_code == status


class TestLoggingOut:
    def test_a_hint_ends_the_session_but_not_what_was_allowed_for_later(self, realm):
        tokens = realm.login()
        there = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": CALLBACK, "state": "bye"}
        assert came_back(realm.browser.get(f"{OPENID}/logout", params=there)) == {"state": "bye"}
        assert "Who are you?" in realm.authorize().text
        assert realm.refresh(tokens["refresh_token"]).status_code == 200

    def test_a_login_that_is_not_for_later_ends_too(self, realm):
        tokens = realm.login(scope="openid contact_edit")
        realm.browser.get(f"{OPENID}/logout", params={"id_token_hint": tokens["id_token"]})
        assert realm.api(tokens["access_token"]).status_code == 401

    def test_without_a_hint_the_person_is_asked(self, realm):
        realm.login()
        page = realm.browser.get(f"{OPENID}/logout")
        assert "Log out?" in page.text
        assert "asks for access" in realm.authorize().text
        assert "Log out?" in realm.browser.post(f"{OPENID}/logout", data={"csrf": "wrong"}).text
        assert "You are logged out" in realm.press(page).text
        assert "Who are you?" in realm.authorize().text

    @pytest.mark.parametrize(
        "sent",
        [
            {"id_token_hint": "nonsense"},
            {"client_id": "bexsync-sandbox", "post_logout_redirect_uri": "https://evil.example/"},
            {"post_logout_redirect_uri": CALLBACK},
        ],
    )
    def test_nobody_is_sent_elsewhere(self, realm, sent):
        answer = realm.browser.get(f"{OPENID}/logout", params=sent)
        assert (answer.status_code, "location" in answer.headers) == (400, False)
