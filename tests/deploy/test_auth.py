"""Who may come in, and what every answer carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.deploy import sessions, tokens
from leafmesh_nb.deploy.launch import create_token, revoke_tokens
from leafmesh_nb.engine import events as ev


def sign_in(client: Any, token: str) -> Any:
    return client.post("/sign-in", data={"token": token})


class TestEveryAnswer:
    def test_carries_a_strict_policy_and_is_not_kept(self, service: Any) -> None:
        for path in ("/healthz", "/sign-in", "/api/nothing", "/nothing"):
            headers = service.client().get(path, headers={"Accept": "text/html"}).headers
            policy = headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'")
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert headers["cache-control"] == "no-store"

    @pytest.mark.faulty
    def test_a_fault_shows_no_insides(self, service: Any, monkeypatch: Any) -> None:
        def broken() -> None:
            raise ZeroDivisionError("a secret of the code")

        monkeypatch.setattr(service.context.shelf, "rows", broken)
        client = service.client(service.operator)
        client.event_hooks = {}
        for accept in ("application/json", "text/html"):
            for path in ("/api/runs", "/metrics"):
                answer = client.get(path, headers={"Accept": accept})
                assert answer.status_code == 500
                assert "content-security-policy" in answer.headers
                assert "Traceback" not in answer.text
                assert "secret of the code" not in answer.text


class TestTokens:
    @pytest.mark.parametrize(
        "value",
        ["", "Bearer", "Bearer  x", "Bearer lm_wrong", "Basic YTpi", "lm_wrong", "Bearer \x7f"],
    )
    def test_one_that_does_not_hold_is_refused(self, service: Any, value: str) -> None:
        answer = service.client().get("/api/runs", headers={"Authorization": value})
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "not_signed_in"
        assert answer.json()["error"]["hint"]

    def test_one_that_does_not_hold_is_not_made_good_by_a_cookie(self, service: Any) -> None:
        client = service.client()
        sign_in(client, service.operator)
        assert client.get("/api/runs").status_code == 200
        wrong = {"Authorization": "Bearer lm_wrong"}
        assert client.get("/api/runs", headers=wrong).status_code == 401

    def test_a_new_token_of_the_operator_takes_the_place_of_the_old(self, service: Any) -> None:
        client = service.client(service.operator)
        assert client.get("/api/runs").status_code == 200
        tokens.create(service.access, "refunds", "ada", operator=True)
        assert client.get("/api/runs").status_code == 401

    def test_a_token_of_another_mesh_does_not_hold(self, service: Any) -> None:
        other = tokens.create(service.access, "another", "lead")
        assert service.client(other).get("/api/approvals").status_code == 401

    def test_a_reviewer_is_let_in_and_taken_out_at_once(self, serve: Callable[..., Any]) -> None:
        service = serve()
        service.register()
        database = service.journal.location
        token = create_token("lead", database=database)
        client, page = service.client(token), service.client()
        assert client.get("/api/approvals").status_code == 200
        assert sign_in(page, token).status_code == 303
        assert page.get("/api/approvals").status_code == 200
        assert revoke_tokens("lead", database=database) == 1
        assert client.get("/api/approvals").status_code == 401
        assert page.get("/api/approvals").status_code == 401

    def test_only_people_of_the_mesh_get_one(self, serve: Callable[..., Any]) -> None:
        service = serve()
        database = service.journal.location
        with pytest.raises(lm.LeafmeshError, match="nothing was deployed"):
            create_token("lead", database=database)
        service.register()
        with pytest.raises(lm.LeafmeshError, match="asks 'mallory'; they ask lead, finance"):
            create_token("mallory", database=database)
        with pytest.raises(lm.LeafmeshError, match="no mesh 'other' was deployed here"):
            create_token("lead", database=database, mesh="other")

    def test_where_two_meshes_know_somebody_one_must_be_named(
        self, serve: Callable[..., Any]
    ) -> None:
        service = serve()
        service.register()
        service.register("returns")
        database = service.journal.location
        with pytest.raises(lm.LeafmeshError, match="several meshes ask lead: refunds, returns"):
            create_token("lead", database=database)
        token = create_token("lead", database=database, mesh="refunds")
        assert service.client(token).get("/api/approvals").status_code == 200


class TestSessions:
    def test_signing_in_sets_a_cookie_no_script_can_read(self, service: Any) -> None:
        client = service.client()
        assert sign_in(client, "lm_wrong").status_code == 403
        answer = sign_in(client, service.token("lead"))
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Secure" not in cookie, "the service is reached over plain HTTP here"

    def test_behind_tls_the_cookie_travels_over_tls_only(self, service: Any) -> None:
        answer = service.client().post(
            "/sign-in",
            data={"token": service.operator},
            headers={"X-Forwarded-Proto": "https"},
        )
        assert "Secure" in answer.headers["set-cookie"]

    def test_each_sign_in_is_recorded(self, service: Any) -> None:
        token = service.token("lead")
        sign_in(service.client(), token)
        service.client(token).get("/api/approvals")
        service.client(token).get("/api/approvals")
        bodies = [event.body for event in service.journal.read("journal")]
        assert bodies == [ev.PersonSignedIn("lead", "service", False)] * 2

    def test_an_answer_from_a_page_goes_by_the_session(self, service: Any) -> None:
        run = service.refund()
        client = service.client()
        sign_in(client, service.token("lead"))
        (question,) = client.get("/api/approvals").json()["approvals"]
        done = client.post(f"/api/approvals/{question['id']}", json={"answer": "reject"})
        assert done.status_code == 200
        (body,) = [e.body for e in run.recorded() if e.kind == "approval.answered"]
        assert isinstance(body, ev.ApprovalAnswered)
        assert (body.person, body.identity) == ("lead", "signed_in")

    def test_signing_out_ends_it_for_the_cookie_too(self, service: Any) -> None:
        client = service.client()
        sign_in(client, service.operator)
        cookie = client.cookies[service.context.cookie]
        assert client.post("/sign-out", data={"csrf": "wrong"}).status_code == 403
        csrf = service.csrf(cookie)
        assert client.post("/sign-out", data={"csrf": csrf}).status_code == 303
        again = service.client()
        again.cookies.set(service.context.cookie, cookie)
        assert again.get("/api/runs").status_code == 401

    def test_one_that_has_expired_does_not_hold(self, service: Any, monkeypatch: Any) -> None:
        from datetime import timedelta

        monkeypatch.setattr(sessions, "LASTS", timedelta(seconds=-1))
        client = service.client()
        sign_in(client, service.operator)
        client.cookies.set(service.context.cookie, "made-up")
        assert client.get("/api/runs").status_code == 401


class TestOtherSites:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:1"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ],
    )
    def test_a_page_of_another_site_cannot_post(self, service: Any, headers: Any) -> None:
        run = service.refund()
        (question,) = run.approvals()
        bearer, session = service.client(service.operator), service.client()
        sign_in(session, service.operator)
        for client in (bearer, session):
            for path, body in (
                (f"/api/approvals/{question.id}", {"answer": "approve"}),
                ("/api/runs", {"workflow": "refund"}),
            ):
                answer = client.post(path, json=body, headers=headers)
                assert answer.status_code == 403
                assert answer.json()["error"]["code"] == "forbidden"
        assert sign_in(service.client(headers=headers), service.operator).status_code == 403
        assert run.status == "waiting"

    def test_a_page_of_this_service_can(self, service: Any) -> None:
        client = service.client()
        origin = {"Origin": service.url, "Sec-Fetch-Site": "same-origin"}
        answer = client.post("/sign-in", data={"token": service.operator}, headers=origin)
        assert answer.status_code == 303
