"""The deployment files: right by their schemas, in step with each other, and as closed as they claim."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from portal.operations import rules
from tests.moments import EVERYTHING_VALID

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
MONITORING = ("prometheus", "grafana")
OURS = ("migrate", "web", "stores", "worker", "beat")


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_version_floor_is_shared_and_outlives_the_database():
    """Web and workers write it to one named volume, which is not the database's and belongs to their user in the image."""
    folder = COMPOSE["services"]["web"]["environment"]["VERSION_FLOOR_DIR"]

    for name in ("web", "stores", "worker", "beat", "migrate"):
        assert f"floor:{folder}" in COMPOSE["services"][name]["volumes"]
    assert "floor" in COMPOSE["volumes"]
    assert f"install --directory --owner 10001 --group 10001 {folder}" in (ROOT / "Dockerfile").read_text()


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def test_compose_fits_its_schema():
    done = run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", ["Dockerfile", "client/Dockerfile"])
def test_the_images_pass_their_linter(file):
    done = run(tool("hadolint"), file)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_process_of_the_design_is_there():
    assert set(SERVICES) == {*OURS, "nginx", "postgres", "redis", *MONITORING}
    assert SERVICES["beat"]["deploy"]["replicas"] == 1


@pytest.mark.parametrize("name", sorted(SERVICES))
class TestService:
    def test_is_not_root_and_cannot_write(self, name):
        service = SERVICES[name]

        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]

    def test_says_whether_it_is_healthy(self, name):
        assert "test" in SERVICES[name]["healthcheck"] or name == "migrate"

    def test_names_only_what_exists(self, name):
        service = SERVICES[name]

        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).exists()

    def test_has_no_secret_in_its_environment(self, name):
        environment = SERVICES[name].get("environment", {})

        for key in environment:
            if re.search(r"SECRET|PASSWORD|KEY|TOKEN|_URL", key) and key != "BASE_URL":
                assert key.endswith("_FILE"), key
                assert environment[key].removeprefix("/run/secrets/") in SERVICES[name]["secrets"]

    def test_opens_no_port_but_nginx_and_grafana_to_this_machine(self, name):
        ports = SERVICES[name].get("ports", [])

        assert bool(ports) == (name in ("nginx", "grafana"))
        assert name == "nginx" or all(port.startswith("127.0.0.1:") for port in ports)

    def test_is_started_without_being_asked_for_unless_it_only_watches(self, name):
        assert SERVICES[name].get("profiles", []) == (["monitoring"] if name in MONITORING else [])
        assert not set(SERVICES[name].get("depends_on", {})) & set(MONITORING) or name in MONITORING


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_nothing_starts_before_the_migrations(name):
    assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_every_setting_of_compose_is_read_by_the_settings():
    source = (ROOT / "portal/settings.py").read_text()

    for name in SERVICES["web"]["environment"]:
        assert f'"{name.removesuffix("_FILE")}"' in source, name


def test_every_secret_is_made_or_asked_for():
    script = (ROOT / "scripts/make-secrets").read_text()

    for name, secret in COMPOSE["secrets"].items():
        assert secret["file"] == f"./secrets/{name}"
        assert re.search(rf"\b{name}\b", script), name


def test_the_example_answers_everything_that_compose_asks():
    asked = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))
    answered = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert asked == answered


class TestImage:
    SOURCE = (ROOT / "Dockerfile").read_text()

    def test_runs_as_a_numbered_user_that_is_not_root_and_the_one_of_compose(self):
        users = re.findall(r"^USER (\S+)", self.SOURCE, re.MULTILINE)

        assert users[-1] == SERVICES["web"]["user"]
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])

    def test_says_whether_it_is_healthy_without_compose_too(self):
        assert "HEALTHCHECK" in self.SOURCE
        assert "portal.operations.probe" in self.SOURCE

    def test_the_builder_gets_what_is_copied_and_nothing_else(self):
        rules = [each for each in (ROOT / ".dockerignore").read_text().splitlines() if each and each[0] != "#"]
        copied = {each for line in self.copied() for each in line}

        assert rules[0] == "*"
        assert {each[1:] for each in rules if each[0] == "!"} == copied
        assert not copied & {".", ".env", "secrets", "var", ".git"}

    def copied(self) -> list[list[str]]:
        return [each.split() for each in re.findall(r"^COPY (?!--from)(.+) \S+$", self.SOURCE, re.MULTILINE)]

    def test_copies_only_what_exists(self):
        for each in (each for line in self.copied() for each in line):
            assert (ROOT / each).exists(), each

    def test_installs_what_the_portal_calls(self):
        installed = re.search(r"install --yes --no-install-recommends (.+?) \\", self.SOURCE)

        assert installed
        assert {"gnupg", "gpgv", "openssl"} <= set(installed[1].split())


@pytest.mark.parametrize("name", [each for each in sorted(SERVICES) if each not in OURS])
def test_images_of_others_have_a_version(name):
    assert re.search(r":v?\d+\.?\d*", SERVICES[name]["image"])


def test_commands_name_modules_that_are_there():
    commands = [" ".join(service.get("command", [])) for service in SERVICES.values()]
    commands += re.findall(
        r"^(?:CMD|HEALTHCHECK.*CMD) (.+(?:\n +.+)*)", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    commands += [" ".join(service["healthcheck"].get("test", [])) for service in SERVICES.values()]
    named = set(re.findall(r"\bportal\.[a-z.]+", " ".join(commands)))

    assert {"portal.celery", "portal.operations.probe", "portal.server"} <= named
    for each in named:
        path = ROOT / each.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()


def test_what_is_asked_for_health_is_a_check_that_exists():
    for name in ("worker", "beat"):
        command, asked = SERVICES[name]["healthcheck"]["test"][1:-1], SERVICES[name]["healthcheck"]["test"][-1]

        assert command == ["python", "manage.py", "probe"]
        assert rules.worker(None, EVERYTHING_VALID).name == asked


def test_prometheus_asks_the_web_process_at_the_port_at_which_it_listens():
    scrape = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"][0]
    ((target,),) = [each["targets"] for each in scrape["static_configs"]]
    service, _, port = target.partition(":")
    secret = scrape["authorization"]["credentials_file"]

    assert f'"--port", "{port}"' in (ROOT / "Dockerfile").read_text()
    assert service in SERVICES
    assert service in re.search(r"^ALLOWED_HOSTS=(.+)$", (ROOT / ".env.example").read_text(), re.MULTILINE)[1].split(
        ","
    )
    assert SERVICES["web"]["environment"]["METRICS_TOKEN_FILE"] == secret


class TestMonitoring:
    """The profile shows the repository's own rules and dashboard, whoever starts it."""

    def mounted(self, name: str, inside: str) -> Path:
        """Return the file of the repository that a service sees as ``inside``."""
        for volume in SERVICES[name]["volumes"]:
            source, target, *mode = volume.split(":")
            if source.startswith("./") and Path(inside).is_relative_to(target):
                assert mode == ["ro"]
                return ROOT / source / Path(inside).relative_to(target)
        raise AssertionError(f"{name} sees no {inside}")

    def test_prometheus_reads_our_configuration_and_our_rules(self):
        (config,) = [each for each in SERVICES["prometheus"]["command"] if each.startswith("--config.file=")]
        path = config.partition("=")[2]
        told = yaml.safe_load(self.mounted("prometheus", path).read_text())

        for each in told["rule_files"]:
            assert self.mounted("prometheus", str(Path(path).parent / each)).is_file()
        secret = told["scrape_configs"][0]["authorization"]["credentials_file"]
        assert secret.removeprefix("/run/secrets/") in SERVICES["prometheus"]["secrets"]

    def test_grafana_is_given_our_dashboard_and_asks_our_prometheus(self):
        provisioning = "/etc/grafana/provisioning"
        (provider,) = yaml.safe_load(
            self.mounted("grafana", f"{provisioning}/dashboards/trust-exchange.yml").read_text()
        )["providers"]
        (source,) = yaml.safe_load(self.mounted("grafana", f"{provisioning}/datasources/prometheus.yml").read_text())[
            "datasources"
        ]

        dashboard = self.mounted("grafana", f"{provider['options']['path']}/trust-exchange.json")
        assert dashboard == ROOT / "deploy/grafana/trust-exchange.json"
        assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")

    def test_grafana_reaches_nothing_of_the_portal(self):
        for name in (*OURS, "postgres", "redis", "nginx"):
            assert not set(SERVICES[name]["networks"]) & set(SERVICES["grafana"]["networks"]), name


class TestNginx:
    CONF = (ROOT / "deploy/nginx/nginx.conf").read_text()

    def test_overwrites_each_header_that_the_portal_believes(self):
        for header in ("Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"):
            assert re.search(rf"proxy_set_header {header} ", self.CONF), header

    def test_is_accepted_by_nginx(self, tmp_path):
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if nginx is None:
            pytest.skip("nginx is not installed")
        shutil.copy(ROOT / "deploy/nginx/nginx.conf", tmp_path)
        addresses = "upstream web { server 127.0.0.1:8000; }\nupstream stores { server 127.0.0.1:8001; }\n"
        (tmp_path / "upstream.conf").write_text(addresses)
        key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
        run(
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-subj",
                "/CN=x",
            ),
            *("-keyout", str(key), "-out", str(certificate)),
        )
        (tmp_path / "listen.conf").write_text(
            f"listen 127.0.0.1:8443 ssl http2;\nserver_name _;\nssl_certificate {certificate};\nssl_certificate_key {key};\n"
        )

        done = run(nginx, "-t", "-p", str(tmp_path), "-c", "nginx.conf")

        assert done.returncode == 0, done.stderr


class TestScripts:
    @pytest.mark.parametrize("path", sorted((ROOT / "scripts").iterdir()), ids=lambda path: path.name)
    def test_are_clean(self, path):
        if path.suffix not in ("", ".sh"):
            pytest.skip("not a shell script")

        done = run(tool("shellcheck"), "--external-sources", str(path))

        assert done.returncode == 0, done.stdout

    def test_make_secrets_keeps_what_is_there(self, tmp_path):
        first = run("bash", "scripts/make-secrets", str(tmp_path / "secrets"))
        made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}

        second = run("bash", "scripts/make-secrets", str(tmp_path / "secrets"))

        assert first.returncode == second.returncode == 0
        assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == made
        assert len(made["secret_key"]) >= 40
