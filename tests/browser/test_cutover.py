"""Going up: from preconditions that fail to a mode that is in force. The Slurm is made up."""

import re
import shlex
from pathlib import Path

import pytest
from playwright.sync_api import expect

from flagctl.domain.change import RollBack
from flagctl.vocabulary import Mode, Role
from tests.browser.conftest import SignedIn, Started
from tests.browser.hand import Hand, in_every_way
from tests.browser.place import Place
from tests.slurm.conftest import fake_argv
from tests.slurm.world import World
from tests.waiting import wait_until

SAFE, STUB, REAL = Mode
DRAINS = "Queue “standard”: partition “short” is DRAIN"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A made-up Slurm that says what the real test cluster says."""
    return World.create(tmp_path / "world.json")


@pytest.fixture
def root(signed_in: SignedIn) -> Hand:
    return signed_in("root", Role.ADMIN)


def opens_until(hand: Hand, path: str, text: str) -> None:
    """See what the page brings by itself, or, without a script, when it is opened again."""

    def is_there() -> bool:
        hand.open(path)
        return hand.way.has_script or bool(hand.page.get_by_text(text).count())

    wait_until(is_there)
    hand.sees(text)


@in_every_way()
def test_preconditions_turn_green_and_the_mode_is_raised_and_taken_back(
    root: Hand, place: Place, start_runtime: Started, world: World
) -> None:
    world.partition("short", state="DRAIN")
    runtime = start_runtime(FLAGCTL_SLURM_CHILD=shlex.join(fake_argv(world)))
    assert runtime.adapter_of("before") == STUB
    opens_until(root, "/preflight", DRAINS)
    root.sees(f"Not ready for {REAL}: 7 of 8 ok")
    root.open("/")
    root.sees(f"Not ready for {REAL}: 7 of 8 ok")
    root.open(f"/cutover?mode={REAL}")
    expect(root.page.get_by_role("button", name="Cut over")).to_be_disabled()
    expect(root.page.locator("#refusal")).to_contain_text(DRAINS)

    world.partition("short", state="UP")
    opens_until(root, "/preflight", f"Ready for {REAL}: 8 of 8 ok")
    row = root.page.get_by_role("row", name=re.compile("^highmem"))
    expect(row).to_contain_text("partition long, account chem-premium, QoS priority, 720 min")
    expect(row).to_contain_text("the same")

    root.open(f"/cutover?mode={REAL}")
    expect(root.page.locator(".change")).to_have_text(re.compile(rf"{STUB}.*{REAL}"))
    root.sees("node1 answers")
    root.type("Reason", "green for a week")
    root.tap_button("Cut over")
    expect(root.heading()).to_have_text(re.compile(rf"{STUB}.*{REAL}"))
    root.sees_soon("1 of 1 process heard of on this host follows")
    runtime.submit("in the top mode")
    (job,) = world.jobs()
    assert (job["partitions"], job["account"], job["qos"]) == (["short"], "chem-default", "normal")

    root.open(f"/rollback?mode={STUB}")
    root.type("Reason", "p99")
    root.tap_button("Roll back now")
    expect(root.heading()).to_have_text(re.compile(rf"{REAL}.*{STUB}"))
    assert runtime.adapter_of("rolled back") == STUB
    root.open("/end")
    root.sees("node1 answers")
    root.type("Reason", "mended")
    root.type("Follow-up", "OPS-7")
    root.tap_button("End the rollback")
    expect(root.heading()).to_have_text(re.compile(rf"{STUB}.*{REAL}"))
    runtime.submit("in the top mode again")
    assert len(world.jobs()) == 2


def test_what_breaks_while_somebody_types_is_said_when_the_form_is_sent(
    root: Hand, place: Place
) -> None:
    place.judge()
    root.open(f"/cutover?mode={REAL}")
    root.type("Reason", "green for a week")
    place.judge(state="DRAIN")
    assert root.post("Cut over") == 409
    root.sees(DRAINS)
    expect(root.page.get_by_label("Reason")).to_have_value("green for a week")
    assert place.revision == 0


def test_without_any_live_process_nobody_goes_up(root: Hand, place: Place) -> None:
    place.cut_over_to_real()
    place.act(RollBack(STUB, "p99"))
    root.open("/end")
    expect(root.page.get_by_role("button", name="End the rollback")).to_be_disabled()
    root.sees("No live process was heard of")
