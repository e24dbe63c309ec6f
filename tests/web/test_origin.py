"""Nobody else's page sends our forms, and nobody else's name leads here."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Role
from tests.web import doors

TYPED = {"mode": "passthrough", "reason": "sent from elsewhere"}


def revision(store: ControlStore) -> int:
    with store.transaction() as at:
        return at.state().revision


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "https://127.0.0.1:8600"},
        {"origin": "https://evil.example"},
        {"origin": "https://127.0.0.1:9999"},
        {"origin": "null"},
    ],
)
def test_a_form_sent_from_another_site_is_refused(
    sign_in: Callable[..., TestClient], store: ControlStore, headers: dict[str, str]
) -> None:
    answer = sign_in().post("/rollback", data=TYPED, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert revision(store) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "https://127.0.0.1:8600"},
        {},
    ],
)
def test_a_form_of_our_own_is_taken(
    sign_in: Callable[..., TestClient], store: ControlStore, headers: dict[str, str]
) -> None:
    assert sign_in().post("/rollback", data=TYPED, headers=headers).status_code == 303
    assert revision(store) == 1


FOREIGN = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}


@pytest.mark.parametrize("path", [*doors.FORMS, *doors.ONES_OWN, *doors.API])
def test_no_door_opens_to_a_form_of_another_site(
    sign_in: Callable[..., TestClient], rolled_back: ControlStore, files: DataFiles, path: str
) -> None:
    root = sign_in("root", Role.ADMIN)
    before = doors.what_counts(files)
    typed = {**doors.FORMS, **doors.ONES_OWN}.get(path, {})
    answer = root.post(doors.address(path), data=typed, headers=FOREIGN)
    assert answer.status_code == 403
    assert doors.what_counts(files) == before
    assert root.get("/").status_code == 200  # not signed out either


def test_a_link_from_another_site_may_be_followed(sign_in: Callable[..., TestClient]) -> None:
    assert sign_in().get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8600", "", "a@b"])
def test_a_foreign_host_name_is_refused(sign_in: Callable[..., TestClient], host: str) -> None:
    answer = sign_in().get("/", headers={"host": host})
    assert answer.status_code == 422
    assert "FLAGCTL_PUBLIC_URL" in answer.text


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8600", "localhost", "[::1]:8600", "10.1.2.3", "flags.example"]
)
def test_own_names_and_addresses_are_taken(
    store: ControlStore, make_web: Callable[..., TestClient], host: str
) -> None:
    web = make_web(public_url="https://flags.example")
    assert web.get("/sign-in", headers={"host": host}).status_code == 200


def test_probes_may_use_any_name(web: TestClient) -> None:
    assert web.get("/healthz", headers={"host": "pod-7.cluster"}).status_code == 200


def test_the_host_name_never_gets_into_a_link(sign_in: Callable[..., TestClient]) -> None:
    page = sign_in().get("/", headers={"host": "10.9.8.7", "x-forwarded-host": "evil.example"})
    assert "10.9.8.7" not in page.text
    assert "evil.example" not in page.text


@pytest.mark.parametrize(
    "path", ["/audit/", "/static", "/api/v1/mode/", "//evil.example", "/api/v1"]
)
def test_no_address_is_led_on_to_by_the_name_in_the_request(
    sign_in: Callable[..., TestClient], path: str
) -> None:
    answer = sign_in().get(f"https://10.9.8.7{path}")
    assert answer.status_code in {401, 404}
    assert "location" not in answer.headers
