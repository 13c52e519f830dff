"""Codes and refresh tokens in, tokens out; and what tokens are good for."""

from __future__ import annotations

import base64
import hashlib
import json
import threading

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet
from realms import CALLBACK, CLIENT, LUCA, OPENID, TOKEN

from bexio_sandbox import Fault


def claims_of(realm, token):
    keys = KeySet.import_key_set(realm.app.get(f"{OPENID}/certs").json())
    return jwt.decode(token, keys, algorithms=["RS256"]).claims


def said(answer):
    return answer.status_code, answer.json()["error"]


def basic(name, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


class TestDiscovery:
    def test_everything_named_is_there(self, realm):
        found = realm.app.get("/realms/bexio/.well-known/openid-configuration").json()
        assert found["issuer"] == f"{realm.url}/realms/bexio"
        endpoints = [name for name in found if name.endswith("_endpoint") or name == "jwks_uri"]
        assert len(endpoints) == 7
        for name in endpoints:
            assert found[name].startswith(f"{found['issuer']}/protocol/openid-connect/")
            assert realm.app.get(found[name]).status_code != 404

    def test_keys_are_public_only(self, realm):
        (key,) = realm.app.get(f"{OPENID}/certs").json()["keys"]
        assert set(key) == {"kty", "use", "alg", "kid", "n", "e"}
        assert key["alg"] == "RS256"

    def test_other_paths_are_not_there(self, realm):
        assert realm.app.get("/realms/other/.well-known/openid-configuration").status_code == 404
        assert realm.app.get(f"{OPENID}/device").status_code == 404


class TestTheAnswer:
    def test_it_holds_what_keycloak_gives(self, realm):
        answer = realm.exchange(realm.code(LUCA))
        assert answer.headers["cache-control"] == "no-store"
        tokens = answer.json()
        assert {name: tokens[name] for name in ("expires_in", "refresh_expires_in", "token_type")} == {
            "expires_in": 3600,
            "refresh_expires_in": 0,
            "token_type": "Bearer",
        }
        assert tokens["not-before-policy"] == 0
        assert set(tokens["scope"].split()) == set(realm.request()["scope"].split())
        assert set(tokens) >= {"access_token", "refresh_token", "id_token", "session_state"}

    def test_the_id_token_can_be_verified(self, realm):
        tokens = realm.login(LUCA)
        claims = claims_of(realm, tokens["id_token"])
        now = int(realm.clock().timestamp())
        half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
        expected = {
            "iss": f"{realm.url}/realms/bexio",
            "aud": CLIENT["client_id"],
            "azp": CLIENT["client_id"],
            "nonce": "the nonce",
            "iat": now,
            "exp": now + 3600,
            "sid": tokens["session_state"],
            "email": LUCA,
            "company_user_id": 2,
            "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
        }
        assert {name: claims[name] for name in expected} == expected
        head, body, signature = tokens["id_token"].split(".")
        changed = json.loads(base64.urlsafe_b64decode(body + "==")) | {"aud": "evil"}
        forged = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")
        with pytest.raises(BadSignatureError):
            claims_of(realm, f"{head}.{forged}.{signature}")

    def test_the_access_token_names_its_company(self, realm):
        claims = claims_of(realm, realm.login(LUCA)["access_token"])
        assert (claims["company_id"], claims["company_user_id"], claims["typ"]) == ("bergladen7270", 2, "Bearer")
        assert "contact_edit" in claims["scope"].split()

    @pytest.mark.parametrize(
        ("scope", "has_refresh", "has_id"),
        [
            ("openid offline_access", True, True),
            ("offline_access", True, False),
            ("openid", False, True),
            ("", False, False),
        ],
    )
    def test_scopes_decide_what_comes(self, realm, scope, has_refresh, has_id):
        tokens = realm.login(scope=scope)
        assert ("refresh_token" in tokens, "id_token" in tokens) == (has_refresh, has_id)

    def test_the_api_allows_exactly_what_was_granted(self, realm):
        token = realm.login(scope="contact_show bank_account_show")["access_token"]
        assert realm.api(token).status_code == 200
        assert realm.api(token, "/2.0/contact/1", "DELETE").status_code == 403
        assert realm.api(token, "/3.0/banking/accounts").status_code == 200
        assert realm.api(token, "/2.0/kb_invoice").status_code == 403
        assert realm.api(token, "/3.0/users/me").json()["firstname"] == "Regula"

    def test_the_access_token_ends(self, realm):
        realm.identity.settings.access_lifetime = 300
        tokens = realm.login()
        assert tokens["expires_in"] == 300
        realm.clock.tick(299)
        assert realm.api(tokens["access_token"]).status_code == 200
        realm.clock.tick(1)
        assert realm.api(tokens["access_token"]).json() == {"error_code": 401, "message": "Invalid token."}
        assert realm.refresh(tokens["refresh_token"]).status_code == 200


class TestWhoAsks:
    def test_the_secret_may_stand_in_the_header(self, realm):
        form = {"grant_type": "authorization_code", "code": realm.code(), "redirect_uri": CALLBACK}
        answer = realm.app.post(
            f"{OPENID}/token", data={**form, "code_verifier": realm.verifier}, headers=basic(*CLIENT.values())
        )
        assert answer.status_code == 200

    @pytest.mark.parametrize(
        "client",
        [
            {"client_secret": "wrong"},
            {"client_secret": None},
            {"client_id": "nobody"},
            {"client_id": None, "client_secret": None},
        ],
    )
    def test_a_wrong_secret_is_refused_and_the_code_lives_on(self, realm, client):
        code = realm.code()
        answer = realm.exchange(code, **client)
        assert said(answer) == (401, "invalid_client")
        assert "www-authenticate" not in answer.headers
        assert realm.exchange(code).status_code == 200

    def test_a_wrong_header_is_challenged(self, realm):
        answer = realm.app.post(f"{OPENID}/token", data={"grant_type": "x"}, headers=basic("bexsync-sandbox", "x"))
        assert said(answer) == (401, "invalid_client")
        assert answer.headers["www-authenticate"] == 'Basic realm="bexio"'

    def test_who_says_it_twice_is_refused(self, realm):
        answer = realm.app.post(f"{OPENID}/token", data=CLIENT, headers=basic(*CLIENT.values()))
        assert said(answer) == (400, "invalid_request")


class TestForms:
    def test_nothing_may_stand_in_the_address(self, realm):
        code = realm.code()
        query = {**CLIENT, "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        answer = realm.app.post(f"{OPENID}/token", params={**query, "code_verifier": realm.verifier}, data={})
        assert said(answer) == (400, "invalid_request")
        rest = {**query, "code_verifier": realm.verifier}
        secret = rest.pop("client_secret")
        assert said(realm.app.post(f"{OPENID}/token", params={"client_secret": secret}, data=rest)) == (
            400,
            "invalid_request",
        )
        assert realm.exchange(code).status_code == 200

    def test_json_and_get_are_refused(self, realm):
        assert realm.app.post(f"{OPENID}/token", json=CLIENT).status_code == 415
        assert realm.app.get(f"{OPENID}/token").status_code == 405

    def test_nothing_comes_twice(self, realm):
        body = "grant_type=refresh_token&grant_type=refresh_token"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        assert said(realm.app.post(f"{OPENID}/token", content=body, headers=kind)) == (400, "invalid_request")

    @pytest.mark.parametrize(
        ("form", "error"),
        [
            ({}, "invalid_request"),
            ({"grant_type": "authorization_code"}, "invalid_request"),
            ({"grant_type": "refresh_token"}, "invalid_request"),
            ({"grant_type": "password", "username": LUCA, "password": "sandbox"}, "unauthorized_client"),
            ({"grant_type": "client_credentials"}, "unauthorized_client"),
            ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, "unsupported_grant_type"),
            ({"grant_type": "authorization_code", "code": "ä"}, "invalid_grant"),
            ({"grant_type": "refresh_token", "refresh_token": "a.b.c"}, "invalid_grant"),
        ],
    )
    def test_what_earns_nothing(self, realm, form, error):
        assert said(realm.token(**form)) == (400, error)


class TestCodes:
    @pytest.mark.parametrize(
        "form",
        [
            {"code_verifier": "x" * 43},
            {"code_verifier": None},
            {"redirect_uri": "http://localhost:27182/callback"},
            {"redirect_uri": None},
        ],
    )
    def test_one_wrong_try_uses_a_code_up(self, realm, form):
        code = realm.code()
        assert said(realm.exchange(code, **form)) == (400, "invalid_grant")
        assert said(realm.exchange(code)) == (400, "invalid_grant")
        assert realm.identity.logins == []

    def test_a_code_belongs_to_one_app(self, realm):
        realm.sandbox.register_app("other", "s", [CALLBACK])
        answer = realm.exchange(realm.code(), client_id="other", client_secret="s")
        assert said(answer) == (400, "invalid_grant")

    def test_a_code_lasts_a_minute(self, realm):
        early, late = realm.code(), realm.code()
        realm.clock.tick(59)
        assert realm.exchange(early).status_code == 200
        realm.clock.tick(1)
        assert said(realm.exchange(late)) == (400, "invalid_grant")

    def test_a_second_use_takes_back_what_came_of_the_first(self, realm):
        code = realm.code()
        tokens = realm.exchange(code).json()
        newer = realm.refresh(tokens["refresh_token"]).json()
        assert said(realm.exchange(code)) == (400, "invalid_grant")
        assert realm.api(tokens["access_token"]).status_code == 401
        assert realm.api(newer["access_token"]).status_code == 401
        assert said(realm.refresh(newer["refresh_token"])) == (400, "invalid_grant")
        assert realm.identity.logins[0].end == "its code was used twice"

    def test_a_plain_challenge_is_checked_too(self, realm):
        plain = {"code_challenge": realm.verifier, "code_challenge_method": "plain"}
        assert realm.exchange(realm.code(**plain)).status_code == 200
        assert said(realm.exchange(realm.code(**plain), code_verifier="y" * 64)) == (400, "invalid_grant")
        assert realm.exchange(realm.code(**{**plain, "code_challenge_method": None})).status_code == 200

    def test_a_verifier_without_a_challenge_is_odd(self, realm):
        without = {"code_challenge": None, "code_challenge_method": None}
        assert said(realm.exchange(realm.code(**without))) == (400, "invalid_grant")
        assert realm.exchange(realm.code(**without), code_verifier=None).status_code == 200

    def test_two_at_once_get_one_login_that_ends(self, realm):
        code, statuses = realm.code(), []
        threads = [threading.Thread(target=lambda: statuses.append(realm.exchange(code).status_code)) for _ in "1234"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200, 400, 400, 400]
        assert not realm.identity.is_alive()


class TestRefreshing:
    def test_every_refresh_gives_a_new_chain_link(self, realm):
        tokens, seen = realm.login(), set()
        for _ in range(3):
            seen.add(tokens["refresh_token"])
            tokens = realm.refresh(tokens["refresh_token"]).raise_for_status().json()
            assert tokens["refresh_token"] not in seen
            assert realm.api(tokens["access_token"]).status_code == 200
            assert "nonce" not in claims_of(realm, tokens["id_token"])
        assert (realm.identity.refreshes, realm.identity.logins[0].refreshes) == (3, 3)

    def test_an_old_one_kills_the_login(self, realm):
        first = realm.login()
        second = realm.refresh(first["refresh_token"]).json()
        other = realm.login(LUCA)
        answer = realm.refresh(first["refresh_token"])
        assert said(answer) == (400, "invalid_grant")
        assert "reuse" in answer.json()["error_description"]
        assert said(realm.refresh(second["refresh_token"])) == (400, "invalid_grant")
        assert realm.api(first["access_token"]).status_code == 401
        assert realm.api(second["access_token"]).status_code == 401
        assert not realm.identity.is_alive(1)
        assert realm.identity.is_alive(2)
        assert realm.refresh(other["refresh_token"]).status_code == 200

    def test_a_race_kills_the_login(self, realm):
        token, statuses = realm.login()["refresh_token"], []
        threads = [threading.Thread(target=lambda: statuses.append(realm.refresh(token).status_code)) for _ in "12"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200, 400]
        assert not realm.identity.is_alive()

    def test_a_year_without_use_ends_it(self, realm):
        tokens = realm.login()
        for _ in range(2):
            realm.clock.tick(364 * 86400)
            tokens = realm.refresh(tokens["refresh_token"]).raise_for_status().json()
        realm.clock.tick(365 * 86400)
        assert said(realm.refresh(tokens["refresh_token"])) == (400, "invalid_grant")

    def test_scopes_can_only_become_fewer(self, realm):
        tokens = realm.login()
        answer = realm.refresh(tokens["refresh_token"], scope="openid kb_invoice_edit")
        assert said(answer) == (400, "invalid_scope")
        fewer = realm.refresh(tokens["refresh_token"], scope="contact_edit").json()
        assert fewer["scope"] == "contact_edit"
        assert realm.api(fewer["access_token"], "/2.0/kb_invoice").status_code == 403
        again = realm.refresh(fewer["refresh_token"]).json()
        assert realm.api(again["access_token"], "/2.0/kb_invoice").status_code == 200

    def test_it_belongs_to_one_app(self, realm):
        realm.sandbox.register_app("other", "s", [CALLBACK])
        tokens = realm.login()
        stolen = realm.refresh(tokens["refresh_token"], client_id="other", client_secret="s")
        assert said(stolen) == (400, "invalid_grant")
        assert realm.refresh(tokens["refresh_token"]).status_code == 200

    def test_other_tokens_refresh_nothing(self, realm):
        tokens = realm.login()
        for name in ("access_token", "id_token"):
            assert said(realm.refresh(tokens[name])) == (400, "invalid_grant")
        assert realm.api(tokens["refresh_token"]).status_code == 401


class TestTakingBack:
    def test_a_revoked_refresh_token_ends_the_login(self, realm):
        tokens = realm.login()
        assert realm.app.post(f"{OPENID}/revoke", data={**CLIENT, "token": tokens["refresh_token"]}).status_code == 200
        assert realm.api(tokens["access_token"]).status_code == 401
        assert said(realm.refresh(tokens["refresh_token"])) == (400, "invalid_grant")

    def test_a_revoked_access_token_ends_alone(self, realm):
        tokens = realm.login()
        realm.app.post(f"{OPENID}/revoke", data={**CLIENT, "token": tokens["access_token"]}).raise_for_status()
        assert realm.api(tokens["access_token"]).status_code == 401
        assert realm.refresh(tokens["refresh_token"]).status_code == 200

    @pytest.mark.parametrize(
        ("form", "status"),
        [
            ({**CLIENT, "token": "unknown"}, 200),
            (CLIENT, 400),
            ({**CLIENT, "client_secret": "x", "token": "unknown"}, 401),
        ],
    )
    def test_what_else_revoking_answers(self, realm, form, status):
        assert realm.app.post(f"{OPENID}/revoke", data=form).status_code == status

    def test_no_app_revokes_for_another(self, realm):
        realm.sandbox.register_app("other", "s", [CALLBACK])
        tokens = realm.login()
        for name in ("refresh_token", "access_token"):
            form = {"client_id": "other", "client_secret": "s", "token": tokens[name]}
            assert realm.app.post(f"{OPENID}/revoke", data=form).status_code == 200
        assert realm.api(tokens["access_token"]).status_code == 200
        assert realm.identity.is_alive()

    def test_a_logout_with_the_refresh_token(self, realm):
        tokens = realm.login()
        form = {**CLIENT, "refresh_token": tokens["refresh_token"]}
        assert realm.app.post(f"{OPENID}/logout", data=form).status_code == 204
        assert not realm.identity.is_alive()
        assert said(realm.app.post(f"{OPENID}/logout", data={**form, "refresh_token": "x"})) == (400, "invalid_grant")
        assert realm.app.post(f"{OPENID}/logout", data={**form, "client_secret": "x"}).status_code == 401

    def test_a_person_takes_all_back(self, realm):
        first, second = realm.login(), realm.login()
        realm.identity.end_logins()
        for tokens in (first, second):
            assert realm.api(tokens["access_token"]).status_code == 401
            assert said(realm.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


class TestLookingAtTokens:
    def facts(self, realm, token):
        return realm.app.post(f"{OPENID}/token/introspect", data={**CLIENT, "token": token}).raise_for_status().json()

    def test_living_ones_are_described(self, realm):
        tokens = realm.login()
        access = self.facts(realm, tokens["access_token"])
        assert access["active"] is True
        assert access["client_id"] == CLIENT["client_id"]
        assert set(access["scope"].split()) == set(tokens["scope"].split())
        assert self.facts(realm, tokens["refresh_token"])["active"] is True

    def test_dead_ones_are_not(self, realm):
        old = realm.login()
        new = realm.refresh(old["refresh_token"]).json()
        assert self.facts(realm, old["refresh_token"]) == {"active": False}
        realm.identity.end_logins()
        for token in (new["access_token"], new["refresh_token"], "nonsense"):
            assert self.facts(realm, token) == {"active": False}

    def test_strangers_are_told_nothing(self, realm):
        answer = realm.app.post(f"{OPENID}/token/introspect", data={"token": TOKEN})
        assert said(answer) == (401, "invalid_client")


class TestUserinfo:
    def info(self, realm, token):
        return realm.app.get(f"{OPENID}/userinfo", headers={"Authorization": f"Bearer {token}"})

    @pytest.mark.parametrize(
        ("scope", "told"),
        [
            ("openid", set()),
            ("openid profile", {"gender", "given_name", "family_name", "locale"}),
            ("openid email", {"email", "email_verified"}),
            ("openid company_profile", {"company_id", "company_name", "company_user_id", "shard_id"}),
        ],
    )
    def test_scopes_decide_what_is_told(self, realm, scope, told):
        answer = self.info(realm, realm.login(LUCA, scope=scope)["access_token"])
        assert set(answer.json()) == {"sub", *told}

    def test_the_same_person_has_the_same_name_everywhere(self, realm):
        tokens = realm.login(LUCA)
        told = self.info(realm, tokens["access_token"]).json()
        assert told["sub"] == claims_of(realm, tokens["id_token"])["sub"]
        assert told["sub"] == claims_of(realm, realm.sandbox.create_token(user_id=2))["sub"]
        assert (told["given_name"], told["company_user_id"]) == ("Luca", 2)

    def test_a_personal_token_is_asked_as_well(self, realm):
        assert self.info(realm, TOKEN).json()["company_name"] == "Bergladen GmbH"

    @pytest.mark.parametrize("header", [None, "Bearer nobody", f"Basic {TOKEN}"])
    def test_bad_tokens_are_challenged(self, realm, header):
        headers = {"Authorization": header} if header else {}
        answer = realm.app.get(f"{OPENID}/userinfo", headers=headers)
        assert said(answer) == (401, "invalid_token")
        assert answer.headers["www-authenticate"].startswith('Bearer realm="bexio", error="invalid_token"')

    def test_it_is_for_logins_with_openid(self, realm):
        assert said(self.info(realm, realm.login(scope="email")["access_token"])) == (403, "insufficient_scope")


def test_api_and_identity_faults_do_not_mix(realm):
    realm.sandbox.faults.plan([Fault("error_before", repeat=0)])
    tokens = realm.login()
    assert realm.api(tokens["access_token"]).status_code == 500
    realm.sandbox.faults.plan([Fault("error_before", path="/realms/*", repeat=0)])
    assert realm.api(tokens["access_token"]).status_code == 200
    assert realm.refresh(tokens["refresh_token"]).status_code == 500
