"""Every setting stands in one table, which the settings read and the page shows; a wrong value is said in a sentence."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.core.exceptions import ImproperlyConfigured

from portal import environment
from portal.docs import settings_page
from portal.environment import read
from portal.settings_table import REQUIRED, SETTINGS, WORKED_OUT

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "portal/settings.py"


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


def read_by(path: Path) -> list[str]:
    return [
        call.args[0].value
        for call in calls(path)
        if isinstance(call.func, ast.Name) and call.func.id == "read" and isinstance(call.args[0], ast.Constant)
    ]


class TestTable:
    def test_the_page_is_what_the_table_says(self):
        assert settings_page.DOCUMENT.read_text(encoding="utf-8") == settings_page.text(), (
            "Run: python -m portal.docs.settings_page"
        )

    def test_every_setting_of_the_table_is_read_and_every_one_read_is_in_it(self):
        read_somewhere = set(read_by(SOURCE)) | set(read_by(ROOT / "portal/management/commands/serve.py"))

        assert read_somewhere == set(SETTINGS)

    def test_the_settings_read_the_environment_in_no_other_way(self):
        others = [
            ast.unparse(call)
            for call in calls(SOURCE)
            if re.match(r"(environ|env|os\.environ|os\.getenv)\b(?!ment)", ast.unparse(call.func))
        ]

        assert others == [], "Declare it in portal/settings_table.py and read it with read(…)."

    @pytest.mark.parametrize("name", SETTINGS)
    def test_each_says_what_it_means_and_what_it_is_without_being_set(self, name):
        setting = SETTINGS[name]

        assert re.fullmatch(r"[A-Z][A-Z0-9_]+", name)
        assert setting.meaning.endswith(".")
        worked_out = WORKED_OUT in (setting.embedded, setting.production)
        assert bool(setting.said) == worked_out
        for value in (setting.embedded, setting.production):
            if value not in (WORKED_OUT, REQUIRED) and value not in ("", []):
                as_text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
                assert environment._converted(setting, as_text) == value

    @pytest.mark.parametrize(
        "name", [each for each in SETTINGS if re.search(r"SECRET|PASSWORD|_KEYS|TOKEN|_URL$", each)]
    )
    def test_what_holds_a_secret_can_be_a_file(self, name):
        assert SETTINGS[name].secret or name == "BASE_URL"


class TestExamples:
    def test_the_example_names_only_settings_and_no_secret(self):
        named = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

        assert named
        for name in named:
            assert not SETTINGS[name].secret

    def test_compose_and_the_image_name_only_settings(self):
        compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["web"]["environment"]
        image = re.findall(r"^(?:ENV|   ) ?\s*([A-Z_]+)=", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        others = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}

        for name in [*compose, *(set(image) - others)]:
            assert name.removesuffix("_FILE") in SETTINGS or name.startswith("PIP_"), name

    def test_production_gets_every_setting_that_it_must_have(self):
        compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["web"]["environment"]
        given = {name.removesuffix("_FILE") for name in compose}

        assert {name for name, each in SETTINGS.items() if each.production is REQUIRED} <= given


class TestRead:
    def test_takes_a_value_of_each_kind(self):
        given = {"HTTPS": "yes", "PORT": "8001", "SERVE_MAX_STALENESS": "1.5", "WEBHOOK_PORTS": "443, 8443"}

        assert [read(name, environment=given) for name in given] == [True, 8001, 1.5, [443, 8443]]

    def test_takes_a_secret_from_its_file_and_before_the_plain_value(self, tmp_path):
        (tmp_path / "token").write_text("from the file\n")
        given = {"METRICS_TOKEN_FILE": str(tmp_path / "token"), "METRICS_TOKEN": "plain"}

        assert read("METRICS_TOKEN", environment=given) == "from the file"

    def test_takes_nothing_but_secrets_from_files(self):
        assert read("LOG_LEVEL", environment={"LOG_LEVEL_FILE": "/etc/hostname"}) == "INFO"

    def test_has_the_defaults_of_the_profile(self):
        assert read("HTTPS", environment={}) is False
        assert read("HTTPS", environment={"EXCHANGE_PROFILE": "production"}) is True

    def test_gives_a_list_that_nobody_else_holds(self):
        read("WEBHOOK_PORTS", environment={}).append(1)

        assert read("WEBHOOK_PORTS", environment={}) == [443]

    @pytest.mark.parametrize(
        ("name", "given", "said"),
        [
            ("PORT", {"PORT": "eighty"}, "PORT is 'eighty', which is no whole number."),
            ("HTTPS", {"HTTPS": "maybe"}, "HTTPS is 'maybe', which is no true or false."),
            ("LOG_FORMAT", {"LOG_FORMAT": "xml"}, "LOG_FORMAT is 'xml', which is none of plain, json."),
            ("SECRET_KEY", {"EXCHANGE_PROFILE": "production"}, "Set SECRET_KEY or SECRET_KEY_FILE."),
            ("ALLOWED_HOSTS", {"EXCHANGE_PROFILE": "production"}, "Set ALLOWED_HOSTS. The host names"),
            (
                "SECRET_KEY",
                {"SECRET_KEY_FILE": "/no/where"},
                "SECRET_KEY_FILE is /no/where, which cannot be read: No such file",
            ),
        ],
    )
    def test_refuses_what_it_cannot_use_in_a_sentence(self, name, given, said):
        with pytest.raises(ImproperlyConfigured) as refused:
            read(name, environment=given)

        assert str(refused.value).startswith(said)

    @pytest.mark.parametrize("url", ["nonsense", "http://db/exchange", "postgres//x"])
    def test_refuses_a_database_that_is_none_and_keeps_its_password(self, url):
        with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is no address"):
            environment.database(url)

    @pytest.mark.parametrize("url", ["nonsense", "http://mail"])
    def test_refuses_a_mail_server_that_is_none(self, url):
        with pytest.raises(ImproperlyConfigured, match="EMAIL_URL is no address"):
            environment.mail(url)


class TestCommandLine:
    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=kept | settings,
            capture_output=True,
            text=True,
            check=False,
        )

    def test_a_wrong_setting_is_a_sentence_and_no_traceback(self):
        done = self.run("doctor", EXCHANGE_PROFILE="productoin")

        assert done.returncode != 0
        assert "EXCHANGE_PROFILE is 'productoin', which is none of embedded, production." in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_database_without_tables_is_a_sentence_and_no_traceback(self, tmp_path):
        done = self.run("verify_log", EXCHANGE_DATA_DIR=str(tmp_path))

        assert done.returncode != 0
        assert "The database cannot be used" in done.stderr
        assert "Run manage.py migrate" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_missing_secret_is_a_sentence_that_says_how_to_give_it(self):
        done = self.run("migrate", EXCHANGE_PROFILE="production")

        assert "Set SECRET_KEY or SECRET_KEY_FILE." in done.stderr
        assert "Traceback" not in done.stderr
