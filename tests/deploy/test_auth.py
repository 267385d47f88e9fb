"""Who may come in, and what every answer carries."""

from __future__ import annotations

from typing import Any


def test_every_answer_carries_a_strict_policy_and_is_not_kept(service: Any) -> None:
    for path in ("/healthz", "/sign-in", "/api/nothing"):
        headers = service.client().get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_signing_in_takes_a_token_and_sets_a_cookie_no_script_can_read(service: Any) -> None:
    client = service.client()
    assert client.post("/sign-in", data={"token": "lm_wrong"}).status_code == 403
    answer = client.post("/sign-in", data={"token": service.token("lead")})
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_a_page_of_another_site_cannot_post(service: Any) -> None:
    client = service.client(service.operator)
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = client.post("/sign-in", data={"token": service.operator}, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "forbidden"
