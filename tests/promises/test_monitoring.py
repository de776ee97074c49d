"""Alert rules and dashboard: right by Prometheus' own tool, about numbers that exist, each with what to do."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.makers.metrics import text

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "deploy/prometheus"
RULES = [rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
NAMES = [rule["alert"] for rule in RULES]
DASHBOARD = json.loads((ROOT / "deploy/grafana/trust-exchange.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
NUMBER = re.compile(r"\btrust_exchange_\w+")


def promtool(*arguments: str) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian's package prometheus): the alert rules were NOT checked")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def known(db, now) -> set[str]:
    """The names of everything that /metrics can show, whether there is a value now or not."""
    declared = dict(re.findall(r"^# TYPE (\w+) (\w+)", text(now), re.MULTILINE))
    assert len(declared) > 40
    # A histogram is looked at by its buckets.
    return {f"{name}_bucket" if kind == "histogram" else name for name, kind in declared.items()}


class TestAlerts:
    def test_fire_when_they_should_and_only_then(self):
        promtool("test", "rules", str(FOLDER / "alerts-test.yml"))

    def test_are_told_to_prometheus_by_a_configuration_that_it_takes(self):
        promtool("check", "config", "--syntax-only", str(FOLDER / "prometheus.yml"))

    def test_are_about_numbers_that_exist(self, known):
        for rule in RULES:
            assert set(NUMBER.findall(rule["expr"])) <= known, rule["alert"]

    @pytest.mark.parametrize("name", NAMES)
    def test_each_is_tested_silent_and_firing(self, name):
        tests = yaml.safe_load((FOLDER / "alerts-test.yml").read_text())["tests"]
        expected = [
            bool(case["exp_alerts"]) for test in tests for case in test["alert_rule_test"] if case["alertname"] == name
        ]

        assert {True, False} <= set(expected)

    @pytest.mark.parametrize("rule", RULES, ids=NAMES)
    def test_each_says_a_sentence_how_bad_it_is_and_where_to_read_what_to_do(self, rule):
        summary, runbook = rule["annotations"]["summary"], rule["annotations"]["runbook"]

        assert summary[0].isupper() or summary.startswith("{{")
        assert summary.endswith(".")
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert runbook == f"docs/alerts.md#{rule['alert'].lower()}"

    @pytest.mark.parametrize("rule", RULES, ids=NAMES)
    def test_each_has_its_section_with_the_same_severity(self, rule):
        sections = re.split(r"^## ", (ROOT / "docs/alerts.md").read_text(), flags=re.MULTILINE)[1:]
        section = next(each for each in sections if each.startswith(f"{rule['alert']}\n"))

        starts = {"critical": "**Critical.**", "warning": "*Warning.*"}[rule["labels"]["severity"]]
        assert section.split("\n\n", 1)[1].startswith(starts)

    def test_no_section_is_about_an_alert_that_is_gone(self):
        assert re.findall(r"^## (\w+)", (ROOT / "docs/alerts.md").read_text(), re.MULTILINE) == NAMES


class TestDashboard:
    def test_shows_only_numbers_that_exist(self, known):
        for expression in EXPRESSIONS:
            assert set(NUMBER.findall(expression)) <= known, expression

    def test_asks_in_prometheus_own_language(self, tmp_path):
        rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(EXPRESSIONS)]
        file = tmp_path / "rules.yml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

        promtool("check", "rules", str(file))

    def test_every_panel_has_a_title_and_the_chosen_data_source(self):
        assert DASHBOARD["templating"]["list"][0]["type"] == "datasource"
        assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
        for panel in PANELS:
            assert panel["title"]
            assert panel["datasource"]["uid"] == "${datasource}"

    def test_no_panels_overlap(self):
        cells: set[tuple[int, int]] = set()
        for panel in DASHBOARD["panels"]:
            at = panel["gridPos"]
            covered = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
            assert at["x"] + at["w"] <= 24
            assert not covered & cells, panel["title"]
            cells |= covered

    def test_leaves_out_no_number(self, known):
        # A new number belongs on a panel of the dashboard or into an alert; these two are for whoever looks by hand.
        watched = {name for rule in RULES for name in NUMBER.findall(rule["expr"])}
        shown = {name for expression in EXPRESSIONS for name in NUMBER.findall(expression)}

        assert known - watched - shown == {"trust_exchange_build_info", "trust_exchange_trust_store_version"}
