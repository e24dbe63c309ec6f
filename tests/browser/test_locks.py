"""What wins over every flag is said, with how to remove it, in the place of a useless button."""

from playwright.sync_api import expect

from flagctl.vocabulary import Mode
from tests.browser.conftest import Started
from tests.browser.hand import Hand, in_every_way
from tests.browser.place import Place

SAFE, STUB, REAL = Mode


@in_every_way()
def test_a_break_glass_file_locks_what_it_makes_useless_until_it_is_removed(
    alice: Hand, place: Place
) -> None:
    place.cut_over_to_real()
    glass = place.files.break_glass
    glass.write_text(STUB)
    alice.open("/")
    alice.sees("Break-glass.")
    alice.sees(f"Not offered now: Roll back to {STUB}")
    alice.sees(f"rm {glass.absolute()}")
    expect(alice.page.get_by_role("link", name=f"Roll back to {STUB}")).to_have_count(0)
    alice.open(f"/rollback?mode={STUB}")
    alice.sees("There is no button, for it would change nothing now.")
    expect(alice.page.get_by_role("button", name="Roll back now")).to_have_count(0)
    alice.tap_link(f"Roll back to {SAFE}")
    expect(alice.page.get_by_role("button", name="Roll back now")).to_be_enabled()
    glass.unlink()
    alice.open(f"/rollback?mode={STUB}")
    expect(alice.page.get_by_role("button", name="Roll back now")).to_be_enabled()
    alice.sees_not("Break-glass.")


@in_every_way()
def test_an_environment_pin_locks_what_it_makes_useless(
    alice: Hand, start_runtime: Started
) -> None:
    runtime = start_runtime(ZPE_SLURM_ADAPTER=SAFE)
    runtime.wait()
    alice.open("/")
    alice.sees(f"Not offered now: Roll back to {SAFE}")
    alice.sees(f"ZPE_SLURM_ADAPTER={SAFE}")
    expect(alice.page.get_by_role("link", name="Roll back")).to_have_count(0)
    alice.open(f"/rollback?mode={SAFE}")
    alice.sees(f"pid {runtime.process.pid} on")
    alice.sees("There is no button, for it would change nothing now.")
    alice.open("/processes")
    alice.sees("environment pin: ZPE_SLURM_ADAPTER pins the mode of this process.")
