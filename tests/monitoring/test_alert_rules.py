"""The alert rules and the dashboard in `deploy/monitoring/` speak of numbers that the site really gives."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from campaign.web import request_metrics
from signatures.monitoring.metrics import SiteCollector

FOLDER = Path(__file__).resolve().parent.parent.parent / "deploy" / "monitoring"
RULES = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
PANELS = json.loads((FOLDER / "grafana-dashboard.json").read_text())["panels"]
EXPRESSIONS = [rule["expr"] for rule in RULES] + [target["expr"] for panel in PANELS for target in panel["targets"]]
GUIDE = (FOLDER.parent.parent / "docs" / "operate" / "monitoring.md").read_text()


@pytest.fixture
def names(settings: Any, tmp_path: Path, db: None) -> set[str]:
    """The names of all numbers."""
    settings.METRICS_DIR = tmp_path
    registry = CollectorRegistry()
    registry.register(SiteCollector())
    for metric in request_metrics._metrics():
        metric.labels(*("x" for _label in metric._labelnames))
        registry.register(metric)
    return set(re.findall(r"^(undersigned_\w+)", generate_latest(registry).decode(), re.MULTILINE))


def test_every_number_in_a_rule_or_on_the_dashboard_is_given(names: set[str]) -> None:
    used = {name for expression in EXPRESSIONS for name in re.findall(r"undersigned_\w+", expression)}
    assert len(used) > 10
    assert used <= names


def test_every_number_is_on_the_dashboard_or_in_a_rule_and_described(names: set[str]) -> None:
    used = {name for expression in EXPRESSIONS for name in re.findall(r"undersigned_\w+", expression)}
    families = {re.sub(r"_(bucket|sum|count|created|total)$", "", name) for name in names}
    assert families - {re.sub(r"_(bucket|sum|count|total)$", "", name) for name in used} == set()
    assert {name for name in families if name not in GUIDE} == set()


def test_every_rule_says_what_is_wrong_and_the_guide_what_to_do() -> None:
    for rule in RULES:
        assert rule["annotations"]["summary"].endswith("."), rule["alert"]
        assert rule["labels"]["severity"] in {"page", "look"}
        assert f"`{rule['alert']}`" in GUIDE, rule["alert"]


def test_one_machine_and_two_are_shown_to_prometheus() -> None:
    text = (FOLDER / "prometheus.yml").read_text()
    (one,) = yaml.safe_load(text)["scrape_configs"]
    commented = [line.replace("# ", "", 1) for line in text.splitlines() if re.match("  # (- |  )", line)]
    (two,) = yaml.safe_load("\n".join(commented))
    assert one.keys() == two.keys()
    assert (one["scheme"], one["static_configs"]) == ("https", [{"targets": ["letter.example.org"]}])
    assert (two["scheme"], two["static_configs"]) == ("http", [{"targets": ["web1:8000", "web2:8000"]}])
    assert {each["job_name"] for each in (one, two)} == {"undersigned"}, "as the rules name it"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian package prometheus) is not installed")
def test_prometheus_takes_the_rules() -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", str(FOLDER / "alerts.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
