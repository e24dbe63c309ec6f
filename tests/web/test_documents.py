"""The runbook as a page, and the page of patterns."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from flagctl.web.act_forms import FORMS, Form
from flagctl.web.runbook import rendered, to_html

SignIn = Callable[..., TestClient]


def test_the_runbook_is_rendered_with_anchors(sign_in: SignIn) -> None:
    page = sign_in().get("/runbook")
    assert page.status_code == 200
    assert '<h1 id="' in page.text
    assert "flagctl rollback" in page.text


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "[x](javascript:alert(1))", '<img src=x onerror="a">']
)
def test_markup_in_the_runbook_stays_text(text: str) -> None:
    shown = str(to_html(f"# Title\n\n{text}\n"))
    assert "<script" not in shown
    assert "<img" not in shown
    assert 'href="javascript' not in shown


def test_a_heading_gets_the_anchor_that_links_use() -> None:
    assert '<h2 id="roll-back-in-a-browser">' in str(to_html("## Roll back, in a `browser`\n"))


def test_pictures_are_left_out_where_the_real_pages_are_and_nothing_else_is() -> None:
    text = "One.\n\n![a](a.png) ![b](b.png)\n\nTwo [three](c.png).\n\n- ![d](d.png)\n- four\n"
    shown = str(to_html(text))
    assert "<img" not in shown
    assert [word for word in ("One.", "Two", "three", "four") if word not in shown] == []
    assert "<img" not in rendered()


def test_what_only_the_tests_of_the_runbook_read_is_not_shown() -> None:
    assert "given" not in to_html("Text\n\n<!-- given: a thing -->\n```sh\nls\n```\n")


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.path)
def test_every_act_leads_to_a_heading_of_the_runbook(form: Form) -> None:
    assert f'id="{form.runbook}"' in rendered()


def test_the_pattern_page_shows_every_component_in_development_only(sign_in: SignIn) -> None:
    page = sign_in().get("/patterns")
    assert page.status_code == 200
    assert page.text.count("<section") > 10
    assert "<b>" not in page.text
    assert sign_in("bob", environment="production").get("/patterns").status_code == 404


def test_the_parser_of_the_runbook_knows_tables() -> None:
    assert "<table>" in str(to_html("| a | b |\n|---|---|\n| 1 | 2 |\n"))
