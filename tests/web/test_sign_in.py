"""Signing in: by link once, then by password; out here and everywhere; not by guessing."""

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network

import pytest
from starlette.testclient import TestClient

from flagctl.store.people import disable_person, issue_link, set_role
from flagctl.store.sessions import ABSOLUTE_LIMIT, FAILURES_KEPT_FOR, IDLE_LIMIT
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Role
from flagctl.web.sign_in import FAILURES_AT_AN_ADDRESS, FAILURES_OF_ONE_AT_AN_ADDRESS
from tests.web.conftest import PASSWORD, ROOT, MovedClock

Make = Callable[..., TestClient]
GIVEN = {"name": "alice", "password": PASSWORD}
COOKIE = "__Host-flagctl"
PROXIES = (ip_network("127.0.0.0/8"),)


def is_signed_in(web: TestClient) -> bool:
    return web.get("/").status_code == 200


def sign_in_with(web: TestClient, **more: str) -> int:
    return web.post("/sign-in", data={**GIVEN, **more}).status_code


def test_nobody_sees_a_page_without_signing_in(web: TestClient) -> None:
    paths = (
        "/",
        "/audit",
        "/processes",
        "/runbook",
        "/people",
        "/rollback",
        "/flags/1",
        "/account",
    )
    for path in paths:
        answer = web.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in"), path


def test_a_password_set_by_link_lets_in_again(sign_in: Make, make_web: Make) -> None:
    sign_in()
    web = make_web()
    answer = web.post("/sign-in", data={**GIVEN, "next": "/audit?person=bob"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/audit?person=bob")
    assert is_signed_in(web)


def test_the_cookie_is_for_this_host_and_tls_only_and_no_script_reads_it(
    sign_in: Make, make_web: Make
) -> None:
    sign_in()
    cookie = make_web().post("/sign-in", data=GIVEN).headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))


def test_plain_http_by_name_needs_a_setting_and_says_so(sign_in: Make, make_web: Make) -> None:
    sign_in()
    lan = {"public_url": "http://flags.lan:8600"}
    web = make_web(**lan)
    web.base_url = "http://flags.lan:8600"
    assert "FLAGCTL_PLAIN_HTTP" in web.get("/sign-in").text
    web = make_web(**lan, plain_http=True)
    web.base_url = "http://flags.lan:8600"
    assert "FLAGCTL_PLAIN_HTTP" not in web.get("/sign-in").text
    assert "Secure" not in web.post("/sign-in", data=GIVEN).headers["set-cookie"]
    assert is_signed_in(web)


def test_a_link_works_once_and_looking_at_it_does_not_use_it_up(
    sign_in: Make, make_web: Make, store: ControlStore
) -> None:
    sign_in()
    path = f"/sign-in/{issue_link(store, 'alice', ROOT).secret}"
    web = make_web()
    assert web.get(path).status_code == 200
    assert web.get(path).status_code == 200
    new = {"password": "another four words", "repeated": "another four words"}
    assert web.post(path, data=new).status_code == 303
    assert web.get(path).status_code == 404
    assert web.post(path, data=new).status_code == 404


def test_a_link_signs_out_every_other_browser(
    sign_in: Make, make_web: Make, store: ControlStore
) -> None:
    old = sign_in()
    path = f"/sign-in/{issue_link(store, 'alice', ROOT).secret}"
    make_web().post(path, data={"password": PASSWORD, "repeated": PASSWORD})
    assert not is_signed_in(old)


@pytest.mark.parametrize(
    ("password", "repeated", "word"),
    [
        ("too short", "too short", "needs 12"),
        ("x" * 257, "x" * 257, "needs 12"),
        ("four words in a row", "four words in a raw", "differ"),
        ("alice-at-work-now", "", "differ"),
    ],
)
def test_a_weak_or_mistyped_password_is_refused_and_the_link_lives_on(
    sign_in: Make, make_web: Make, store: ControlStore, password: str, repeated: str, word: str
) -> None:
    sign_in()
    path = f"/sign-in/{issue_link(store, 'alice', ROOT).secret}"
    answer = make_web().post(path, data={"password": password, "repeated": repeated})
    assert answer.status_code == 422
    assert word in answer.text
    assert password not in answer.text
    assert make_web().get(path).status_code == 200


def test_a_session_ends_when_idle_and_when_old(sign_in: Make, clock: MovedClock) -> None:
    web = sign_in()
    clock.move(IDLE_LIMIT)
    assert not is_signed_in(web)
    assert sign_in_with(web) == 303
    for _ in range(ABSOLUTE_LIMIT // (IDLE_LIMIT / 2)):
        assert is_signed_in(web)
        clock.move(IDLE_LIMIT / 2)
    assert not is_signed_in(web)


def test_a_session_signed_out_cannot_be_replayed(sign_in: Make) -> None:
    web = sign_in()
    token = web.cookies[COOKIE]
    assert web.post("/sign-out").status_code == 303
    web.cookies.set(COOKIE, token)
    assert not is_signed_in(web)


def test_signing_in_takes_a_new_token_whatever_the_browser_brought(
    sign_in: Make, make_web: Make
) -> None:
    old = sign_in().cookies[COOKIE]
    web = make_web()
    for brought in ("fixed by somebody else", old):
        web.cookies.clear()
        answer = web.post("/sign-in", data=GIVEN, headers={"cookie": f"{COOKIE}={brought}"})
        assert brought not in answer.headers["set-cookie"]
    replayed = make_web()
    replayed.cookies.set(COOKIE, old)
    assert not is_signed_in(replayed)


def test_signing_out_everywhere_ends_every_session(sign_in: Make, make_web: Make) -> None:
    desk, phone = sign_in(), make_web()
    assert sign_in_with(phone) == 303
    assert desk.post("/account/sign-out-everywhere").status_code == 303
    assert not is_signed_in(desk)
    assert not is_signed_in(phone)


def test_a_disabled_person_is_out_at_once(sign_in: Make, store: ControlStore) -> None:
    web = sign_in()
    disable_person(store, "alice", ROOT)
    assert not is_signed_in(web)
    assert sign_in_with(web) == 401


def test_a_new_role_counts_from_the_next_request(sign_in: Make, store: ControlStore) -> None:
    web = sign_in()
    assert web.get("/people").status_code == 403
    set_role(store, "alice", Role.ADMIN, ROOT)
    assert web.get("/people").status_code == 200


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(
    sign_in: Make, make_web: Make
) -> None:
    sign_in()
    web = make_web()
    answers = [
        web.post("/sign-in", data={"name": name, "password": "wrong"})
        for name in ("alice", "mallory")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].text.replace("alice", "N") == answers[1].text.replace("mallory", "N")


def test_guessing_is_stopped_and_only_where_it_comes_from(
    sign_in: Make, make_web: Make, clock: MovedClock
) -> None:
    sign_in()
    web = make_web(trusted_proxies=PROXIES)
    guesses = [sign_in_with(web, password=f"guess {number}") for number in range(11)]
    assert guesses == [401] * 10 + [429]
    blocked = web.post("/sign-in", data=GIVEN)
    assert blocked.status_code == 429
    assert blocked.headers["Retry-After"] == "900"
    assert "flagctl users link" in blocked.text
    elsewhere = {"x-forwarded-for": "198.51.100.7"}
    assert web.post("/sign-in", data=GIVEN, headers=elsewhere).status_code == 303
    clock.move(FAILURES_KEPT_FOR + timedelta(seconds=1))
    assert sign_in_with(make_web()) == 303


def test_many_guessers_behind_a_proxy_lock_nobody_else_out(sign_in: Make, make_web: Make) -> None:
    sign_in()
    web = make_web(trusted_proxies=PROXIES)
    for number in range(FAILURES_AT_AN_ADDRESS + 5):
        guesser = {"x-forwarded-for": f"203.0.113.{number}"}
        typed = {"name": f"name {number}", "password": "guess"}
        assert web.post("/sign-in", data=typed, headers=guesser).status_code == 401
    innocent = {"x-forwarded-for": "198.51.100.7"}
    assert web.post("/sign-in", data=GIVEN, headers=innocent).status_code == 303


def test_an_address_that_is_only_claimed_does_not_reset_the_count(
    sign_in: Make, make_web: Make
) -> None:
    sign_in()
    web = make_web()
    for number in range(FAILURES_OF_ONE_AT_AN_ADDRESS):
        claimed = {"x-forwarded-for": f"203.0.113.{number}", "forwarded": f"for=203.0.113.{number}"}
        web.post("/sign-in", data={**GIVEN, "password": "guess"}, headers=claimed)
    claimed = {"x-forwarded-for": "198.51.100.7"}
    assert web.post("/sign-in", data=GIVEN, headers=claimed).status_code == 429


def test_changing_the_password_needs_the_old_one_and_signs_out_everywhere(
    sign_in: Make, make_web: Make
) -> None:
    web = sign_in()
    new = {"password": "another four words", "repeated": "another four words"}
    refused = web.post("/account/password", data={"old": "wrong", **new})
    assert refused.status_code == 422
    assert web.post("/account/password", data={"old": PASSWORD, **new}).status_code == 303
    assert not is_signed_in(web)
    assert sign_in_with(make_web()) == 401
    assert sign_in_with(make_web(), password="another four words") == 303


def test_a_profile_keeps_what_was_typed_when_it_is_refused(sign_in: Make) -> None:
    web = sign_in()
    refused = web.post("/account/profile", data={"time_zone": "Mars/Base", "notify_url": ""})
    assert refused.status_code == 422
    assert 'value="Mars/Base"' in refused.text
    taken = {"time_zone": "Europe/Berlin", "notify_url": "ntfys://topic"}
    assert web.post("/account/profile", data=taken).status_code == 303
    assert "Europe/Berlin" in web.get("/rollback?mode=passthrough").text


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "/a\nb", "evil"],
)
def test_nobody_is_led_to_another_site_after_signing_in(
    sign_in: Make, make_web: Make, path: str
) -> None:
    sign_in()
    answer = make_web().post("/sign-in", data={**GIVEN, "next": path})
    assert answer.headers["location"] == "/"


def test_what_was_typed_survives_a_session_that_ended_meanwhile(
    sign_in: Make, clock: MovedClock
) -> None:
    web = sign_in()
    clock.move(IDLE_LIMIT)
    typed = {"mode": "passthrough", "reason": "p99 & more", "expires": "1h"}
    answer = web.post("/rollback", data=typed)
    assert answer.status_code == 303
    back = web.get(answer.headers["location"]).text.split('name="next" value="')[1].split('"')[0]
    sign_in_with(web)
    form = web.get(back.replace("&amp;", "&")).text
    assert 'value="p99 &amp; more"' in form


def test_an_open_page_that_refreshes_itself_is_told_to_load_anew(
    sign_in: Make, clock: MovedClock
) -> None:
    web = sign_in()
    clock.move(IDLE_LIMIT)
    answer = web.get("/", headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-refresh"]) == (401, "true")
