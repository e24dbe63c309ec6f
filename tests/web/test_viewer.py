"""A viewer sees everything about the flags and can change nothing."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Outcome, Role
from tests.web.conftest import last_outcome, revision

SignIn = Callable[..., TestClient]


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("/rollback", {"mode": "passthrough", "reason": "r"}),
        ("/raise", {"mode": "stub-policy", "reason": "r", "revision": "2"}),
        ("/end", {"reason": "r", "follow_up": "x", "revision": "2"}),
        ("/extend", {"expires": "1h", "reason": "r", "revision": "2"}),
        ("/handover", {"owner": "me", "reason": "r", "revision": "2"}),
        ("/cutover", {"mode": "passthrough", "owner": "me", "reason": "r", "expires": "7d"}),
        ("/retire", {"reason": "r", "follow_up": "x", "revision": "2"}),
        ("/reminders/acknowledge", {"for": "1h", "revision": "2"}),
        ("/reminders/seen", {"up_to": "1"}),
        ("/reminders/close", {"flag": "2", "reason": "done"}),
        ("/people", {"name": "mallory", "role": "admin"}),
        ("/people/role", {"name": "victor", "role": "admin"}),
        ("/people/link", {"name": "victor"}),
        ("/people/disable", {"name": "victor"}),
        ("/tokens", {"name": "mine", "role": "admin"}),
        ("/tokens/revoke", {"name": "mine"}),
    ],
)
def test_a_viewer_can_change_nothing_by_any_form(
    sign_in: SignIn,
    rolled_back: ControlStore,
    files: DataFiles,
    path: str,
    typed: dict[str, str],
) -> None:
    answer = sign_in("victor", Role.VIEWER).post(path, data=typed)
    assert answer.status_code == 403
    assert revision(rolled_back) == 2
    assert last_outcome(files) is Outcome.REFUSED


@pytest.mark.parametrize(
    "path",
    ["/", "/audit", "/processes", "/reminders", "/runbook", "/flags/2", "/receipts/2", "/rollback"],
)
def test_a_viewer_sees_every_page_about_the_flags(
    sign_in: SignIn, rolled_back: ControlStore, path: str
) -> None:
    assert sign_in("victor", Role.VIEWER).get(path).status_code == 200


@pytest.mark.parametrize("path", ["/people", "/tokens"])
def test_people_and_tokens_are_for_administrators(sign_in: SignIn, path: str) -> None:
    assert sign_in("alice", Role.OPERATOR).get(path).status_code == 403
    assert sign_in("root", Role.ADMIN).get(path).status_code == 200
