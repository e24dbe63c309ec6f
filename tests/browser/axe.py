"""What axe finds on a page."""

from functools import cache

from playwright.sync_api import Page

from tests.guards.tree import ROOT

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
RUN = """async (options) => {
    const found = await axe.run(document, options);
    return found.violations.flatMap((rule) =>
        rule.nodes.map((node) => `${rule.id}: ${node.html} ${node.failureSummary}`));
}"""


@cache
def source() -> str:
    return (ROOT / "tests/vendor/axe.min.js").read_text(encoding="utf-8")


def findings(page: Page) -> list[str]:
    """Return what axe finds in the light scheme, and of colours in the dark one."""
    # Without motion, so that no colour is on its way when it is looked at.
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.evaluate(source())
    light = page.evaluate(RUN, {"runOnly": {"type": "tag", "values": TAGS}})
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(RUN, {"runOnly": {"type": "rule", "values": ["color-contrast"]}})
    return [*light, *(f"dark {each}" for each in dark)]
