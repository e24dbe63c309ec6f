"""Each act by its form: the change, its receipt, and every way in which it can be refused."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from flagctl.domain.change import RollBack
from flagctl.domain.gate import Facts
from flagctl.store.files import DataFiles
from flagctl.store.reading import read_flag, reading
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode, Outcome
from tests.web.conftest import ROOT, last_outcome, revision

SignIn = Callable[..., TestClient]
DOWN = {"mode": "passthrough", "reason": "submit p99 over 30 s"}


def test_rolling_back_needs_a_reason_only_and_leads_to_a_receipt(
    sign_in: SignIn, at_real: ControlStore, files: DataFiles
) -> None:
    web = sign_in()
    answer = web.post("/rollback", data={"mode": "stub-policy", "reason": "p99 over 30 s"})
    assert answer.status_code == 303
    receipt = web.get(answer.headers["location"]).text
    assert "Committed as revision 2" in receipt
    assert "07:25 UTC development real-policy → stub-policy by alice, rev 2" in receipt
    with reading(files) as connection:
        flag = read_flag(connection, 2)
    assert flag is not None
    assert (flag.owner, flag.started_by) == ("person:alice", "person:alice")
    assert flag.expires_at - flag.started_at == timedelta(hours=4)


def test_the_form_of_a_rollback_is_filled_so_that_only_the_reason_is_missing(
    sign_in: SignIn, at_real: ControlStore
) -> None:
    page = sign_in().get("/rollback?mode=stub-policy").text
    form = page.split("<form")[1]
    assert form.count(" required") == 1
    assert 'value="alice"' in form
    assert 'value="4h" checked' in form
    assert 'name="revision"' not in form


def test_a_rollback_to_what_is_by_flags_already_says_so_and_writes_no_flag(
    sign_in: SignIn, rolled_back: ControlStore
) -> None:
    web = sign_in()
    answer = web.post("/rollback", data=DOWN)
    assert "It was so already" in web.get(answer.headers["location"]).text
    assert revision(rolled_back) == 2


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("/extend", {"expires": "1h"}),
        ("/extend", {"expires": "other", "expires_other": "90m"}),
        ("/handover", {"owner": "carol"}),
        ("/raise", {"mode": "stub-policy"}),
        ("/cutover", {"mode": "passthrough", "owner": "carol", "expires": "7d"}),
    ],
)
def test_every_act_that_needs_no_slurm_is_done_by_its_form(
    sign_in: SignIn, rolled_back: ControlStore, path: str, typed: dict[str, str]
) -> None:
    web = sign_in()
    assert web.get(path).status_code == 200
    answer = web.post(path, data={"reason": "because", "revision": "2", **typed})
    assert answer.status_code == 303, answer.text
    assert "Committed as revision 3" in web.get(answer.headers["location"]).text


def test_ending_a_rollback_of_a_default_store_needs_no_slurm(
    sign_in: SignIn, store: ControlStore
) -> None:
    store.apply(RollBack(Mode.PASSTHROUGH, "p99"), ROOT, Facts())
    web = sign_in()
    typed = {"reason": "mended", "follow_up": "OPS-7", "revision": "1"}
    answer = web.post("/end", data=typed)
    assert "passthrough → stub-policy" in web.get(answer.headers["location"]).text
    assert "OPS-7" in web.get("/flags/1").text


def test_ending_up_to_the_top_is_refused_while_preconditions_are_unknown(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles
) -> None:
    web = sign_in()
    page = web.get("/end").text
    assert "its preconditions are unknown" in page
    assert 'disabled aria-describedby="refusal"' in page
    assert page.index("passthrough") < page.index("real-policy")
    typed = {"reason": "mended", "no_follow_up": "known cause", "revision": "2"}
    answer = web.post("/end", data=typed)
    assert answer.status_code == 409
    assert 'value="mended"' in answer.text
    assert last_outcome(files) is Outcome.REFUSED
    assert revision(rolled_back) == 2


BAD = [
    ("/rollback", {**DOWN, "reason": "  "}, "reason is blank"),
    ("/rollback", {**DOWN, "reason": "x" * 501}, "has 501 characters"),
    ("/rollback", {**DOWN, "reason": "a\tb"}, "control character"),
    ("/rollback", {**DOWN, "mode": "fast"}, "is not a mode"),
    ("/rollback", {"reason": "p99"}, "is not a mode"),
    ("/rollback", {**DOWN, "expires": "8d"}, "too far away"),
    ("/rollback", {**DOWN, "expires": "2020-01-01T00:00:00Z"}, "not in the future"),
    ("/rollback", {**DOWN, "expires": "other", "expires_other": "4"}, "can't be read"),
    ("/extend", {"reason": "r", "revision": "2", "expires": "25h"}, "too far away"),
    ("/extend", {"reason": "r", "revision": "2"}, "expires is missing"),
    ("/extend", {"reason": "r", "revision": "two", "expires": "1h"}, "is not a number"),
    ("/handover", {"reason": "r", "revision": "2", "owner": ""}, "owner is blank"),
    ("/end", {"reason": "r", "revision": "2"}, "one of the two"),
    ("/end", {"reason": "r", "revision": "2", "follow_up": "a", "no_follow_up": "b"}, "one of"),
    ("/raise", {"reason": "r", "revision": "2", "mode": "passthrough"}, "between the two"),
]


@pytest.mark.parametrize(("path", "typed", "word"), BAD)
def test_bad_input_is_422_with_the_page_and_what_was_typed(
    sign_in: SignIn, half_way: ControlStore, path: str, typed: dict[str, str], word: str
) -> None:
    answer = sign_in().post(path, data=typed)
    assert answer.status_code == 422
    assert word in answer.text.replace("&#39;", "'")
    if len(typed.get("reason", "").strip()) == 1:
        assert 'value="r"' in answer.text
    assert revision(half_way) == 2


def test_a_body_that_is_too_large_is_refused(sign_in: SignIn) -> None:
    answer = sign_in().post("/rollback", data={**DOWN, "reason": "x" * 70_000})
    assert answer.status_code == 413


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data"])
def test_anything_but_a_plain_form_is_an_empty_form(
    sign_in: SignIn, store: ControlStore, kind: str
) -> None:
    answer = sign_in().post("/rollback", content=b'{"x"', headers={"content-type": kind})
    assert answer.status_code == 422
    assert revision(store) == 0


def test_a_stale_page_gets_412_with_what_changed_and_may_decide_again(
    sign_in: SignIn, rolled_back: ControlStore
) -> None:
    web = sign_in()
    rolled_back.apply(RollBack(Mode.PASSTHROUGH, "again"), ROOT, Facts())
    typed = {"reason": "more time", "expires": "1h", "revision": "1"}
    answer = web.post("/extend", data=typed)
    assert answer.status_code == 412
    assert "revision 1 is now 2" in answer.text
    assert "rolled back real-policy → passthrough as revision 2" in answer.text
    assert 'value="more time"' in answer.text
    assert 'name="revision" value="2"' in answer.text
    assert web.post("/extend", data={**typed, "revision": "2"}).status_code == 303


def test_an_upward_act_without_a_revision_is_428(
    sign_in: SignIn, rolled_back: ControlStore
) -> None:
    answer = sign_in().post("/raise", data={"mode": "stub-policy", "reason": "r"})
    assert answer.status_code == 428


def test_an_act_on_nothing_is_a_conflict(sign_in: SignIn, store: ControlStore) -> None:
    answer = sign_in().post("/extend", data={"reason": "r", "expires": "1h", "revision": "0"})
    assert answer.status_code == 409
    assert "no active rollback" in answer.text


def test_an_operator_cannot_cut_over_upward(
    sign_in: SignIn, store: ControlStore, files: DataFiles
) -> None:
    store.apply(RollBack(Mode.PASSTHROUGH, "p99"), ROOT, Facts())
    typed = {"mode": "real-policy", "reason": "r", "owner": "a", "expires": "7d", "revision": "1"}
    assert sign_in().post("/cutover", data=typed).status_code == 403
    assert last_outcome(files) is Outcome.REFUSED


@pytest.mark.parametrize("path", ["/receipts/999", "/receipts/x", "/flags/9", "/nowhere"])
def test_what_does_not_exist_is_404(sign_in: SignIn, path: str) -> None:
    assert sign_in().get(path).status_code == 404
