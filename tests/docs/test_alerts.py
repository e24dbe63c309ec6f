"""The alerting rules name metrics that exist and commands that there are."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient

from flagctl.settings import Settings
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.wiring import runtime_app, web_app

ALERTS = Path(__file__).parents[2] / "docs" / "alerts.yml"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
]


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Everything that the web and the runtime show."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"))
    upgrade(DataFiles(settings.data_dir))
    web, runtime = TestClient(web_app(settings)), TestClient(runtime_app(settings))
    with runtime:
        return web.get("/metrics").text + runtime.get("/metrics").text


def names(expr: str) -> set[str]:
    return set(re.findall(r"\bflagctl_[a-z_]+", expr))


def labels(expr: str) -> set[tuple[str, str]]:
    """Each label that is asked for by its value."""
    return set(re.findall(r'(\w+)="([^"]*)"', expr))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_every_metric_and_label_of_a_rule_exists(rule: dict[str, Any], metrics: str) -> None:
    shown = set(re.findall(r"^(flagctl_[a-z_]+)[{ ]", metrics, re.MULTILINE))
    assert names(rule["expr"])
    assert names(rule["expr"]) <= shown
    for name, value in labels(rule["expr"]):
        assert f'{name}="{value}"' in metrics


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_every_rule_says_what_happened_and_what_to_do(rule: dict[str, Any]) -> None:
    assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert set(rule["annotations"]) == {"summary", "action"}


def test_the_names_of_the_rules_are_unique() -> None:
    every = [rule["alert"] for rule in RULES]
    assert len(every) == len(set(every))
