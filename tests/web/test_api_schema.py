"""The admin API answers whatever is sent as its OpenAPI document says."""

from collections.abc import Callable

from starlette.testclient import TestClient

from flagctl.store.tokens import TokenRequest, issue_token
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Role
from tests.fuzzing import ask_everything, served
from tests.web.conftest import ROOT


def test_no_request_finds_an_undocumented_status_or_a_fault(
    rolled_back: ControlStore, make_web: Callable[..., TestClient]
) -> None:
    secret = issue_token(rolled_back, TokenRequest("fuzz", role=Role.ADMIN), ROOT).secret
    with served(make_web().app) as url:
        asked = ask_everything(f"{url}/api/v1/openapi.json", {"Authorization": f"Bearer {secret}"})
    assert asked > 8
