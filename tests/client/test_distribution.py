"""``trustx`` is a distribution of its own: its wheel, installed beside nothing but what it asks for, runs without the portal."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from packaging.requirements import Requirement
from trustx import cli, settings
from trustx.stops import Exit

from tests.makers import stores as make

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "client"
EXAMPLES = CLIENT / "examples"


def needed() -> set[str]:
    """Return the distributions that ``trustx`` asks for, with all that they ask for."""
    asked = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]["dependencies"]
    left, found = [Requirement(each) for each in asked], set()
    while left:
        requirement = left.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in found:
            continue
        found.add(name)
        held = importlib.metadata.distribution(name)
        assert requirement.specifier.contains(held.version), f"{name} {held.version}"
        more = [Requirement(each) for each in held.requires or []]
        # An extra that is asked for counts as well: securesystemslib[crypto].
        left += [each for each in more if not each.marker or each.marker.evaluate({"extra": ""})]
        for extra in requirement.extras:
            left += [each for each in more if each.marker and each.marker.evaluate({"extra": extra})]
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A new virtual environment with the wheel of trustx and links to what it asks for; nothing comes from the network."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(CLIENT, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, check=True, capture_output=True, cwd=folder / "source")
    (wheel,) = folder.glob("trustx-*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    for name in needed():
        held = importlib.metadata.distribution(name)
        for top in {Path(file).parts[0] for file in held.files or [] if ".." not in Path(file).parts}:
            place = Path(held.locate_file(top))
            if place.exists() and not (site / top).exists() and top != "__pycache__":
                (site / top).symlink_to(place)
    install = [
        *pip,
        "--python",
        str(folder / "venv" / "bin" / "python"),
        "install",
        "--no-index",
        "--no-deps",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    return folder / "venv" / "bin"


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, cwd=program.parent)


class TestWheel:
    def test_has_the_command(self, installed):
        assert run(installed / "trustx", "--version").stdout.strip() == f"trustx {cli.__version__}"
        assert run(installed / "trustx", "notice", "sign", "--help").returncode == 0

    def test_version_is_said_once(self):
        assert tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]["version"] == cli.__version__

    def test_runs_without_the_portal_and_its_framework(self, installed, tmp_path):
        (tmp_path / "root.pem").write_bytes(make.hierarchy().root.pem)
        program = (
            "import trustx.cli, sys; print(sorted({'django', 'rest_framework', 'trust', 'portal'} & set(sys.modules)))"
        )

        assert run(installed / "python", "-c", program).stdout.strip() == "[]"
        assert run(installed / "python", "-c", "import django").returncode != 0
        found = run(installed / "trustx", "fingerprint", str(tmp_path / "root.pem"))
        assert "SHA-256, 16 groups of 4" in found.stdout
        assert found.returncode == Exit.OK

    def test_asks_for_little(self):
        assert {"django", "requests", "celery"}.isdisjoint(needed())
        assert len(needed()) < 12


def containers(document: dict) -> list[dict]:
    """Return every container of a workload, the first ones too."""
    spec = document["spec"]
    spec = spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec
    pod = spec["template"]["spec"]
    return [dict(each, pod=pod) for each in [*pod.get("initContainers", []), *pod["containers"]]]


class TestExamples:
    def test_settings_are_settings(self):
        found = settings.load(EXAMPLES / "halden-prod.toml", {})

        assert (found.wanted, len(found.partner_fingerprints[0])) == (("pem", "json"), 40)

    @pytest.mark.parametrize("file", ["cronjob.yaml", "sidecar.yaml"])
    def test_manifests_call_trustx_with_what_it_takes_and_mount_what_it_writes(self, file):
        (document,) = yaml.safe_load_all((EXAMPLES / file).read_text())
        called = [each for each in containers(document) if "trustx" in each["image"]]

        kubernetes_validate.validate(document, "1.37", strict=True)
        assert called
        for each in called:
            asked = cli.parser().parse_args([str(argument) for argument in each["args"]])
            assert asked.command in ("pull", "watch")
            assert str(asked.config) == "/etc/trustx/halden-prod.toml"
            mounts = {mount["mountPath"]: mount for mount in each["volumeMounts"]}
            volumes = {volume["name"] for volume in each["pod"]["volumes"]}
            assert {mount["name"] for mount in mounts.values()} <= volumes
            assert any(
                str(asked.directory).startswith(path) for path, mount in mounts.items() if not mount.get("readOnly")
            )
            assert each["securityContext"]["readOnlyRootFilesystem"] is True

    def test_units_are_units(self, tmp_path):
        if shutil.which("systemd-analyze") is None:
            pytest.skip("systemd-analyze is not installed: the units are NOT checked")
        for file in EXAMPLES.glob("trustx@.*"):
            text = file.read_text().replace("/usr/bin/trustx", "/bin/true")
            (tmp_path / file.name.replace("@", "@halden")).write_text(text)

        checked = subprocess.run(
            ["systemd-analyze", "verify", "--recursive-errors=no", *map(str, tmp_path.iterdir())],
            capture_output=True, text=True, check=False, env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"},
        )  # fmt: skip

        about_ours = [line for line in checked.stderr.splitlines() if "trustx@" in line]
        assert (checked.returncode, about_ours) == (0, [])

    def test_unit_lets_trustx_write_where_the_settings_say(self):
        found = settings.load(EXAMPLES / "halden-prod.toml", {})
        (toml,) = re.findall(r"```toml\n(.*?)```", (CLIENT / "README.md").read_text(), re.DOTALL)
        shown = tomllib.loads(toml)

        places = [found.directory, found.state_dir, shown["state_dir"], shown["metrics_file"]]
        places += [*shown["outputs"].values(), *shown["lists"].values()]
        for place in places:
            assert any(Path(place).is_relative_to(path) for path in writable()), place

    def test_unit_lets_the_check_of_the_settings_run(self, tmp_path):
        """``nginx -t`` writes: in a sandbox that lets it not, it would refuse every version."""
        assert settings.load(EXAMPLES / "halden-prod.toml", {}).check == "nginx -t"
        if os.getuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
            pytest.skip("there is no mount namespace to be had: the sandbox of the unit is NOT tried")
        config = tmp_path / "nginx.conf"
        config.write_text(
            "pid /run/nginx.pid; error_log /var/log/nginx/error.log; events {} http { server { listen 1; } }"
        )

        def checked(*paths: str) -> int:
            command = ["unshare", "-m", "sh", "-ec", SANDBOX, "sh", str(config), *paths]
            return subprocess.run(command, capture_output=True, check=False).returncode

        assert checked(*writable()) == 0
        assert checked("/etc/ssl", "/var/lib/trustx") == 1


# ProtectSystem=strict, for the folders that matter here: everything is read-only, and then some of it is not.
SANDBOX = """
config=$1; shift
mount --make-rprivate /
for folder in /run /var; do mount -t tmpfs tmpfs $folder; done
mkdir -p /var/log/nginx /var/lib/nginx
for folder in /run /var; do mount -o remount,bind,ro $folder; done
for path in "$@"; do
  if [ -d "$path" ]; then mount --bind "$path" "$path"; mount -o remount,bind,rw "$path"; fi
done
exec nginx -t -c "$config"
"""


def writable() -> list[str]:
    """Return what the unit lets trustx write to."""
    lines = re.findall(r"^ReadWritePaths=(.*)$", (EXAMPLES / "trustx@.service").read_text(), re.MULTILINE)
    return [path.removeprefix("-") for line in lines for path in line.split()]
