"""What is installed is what was locked: hashes for everything, and nothing that ties the lock to one place."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LOCKS = ["requirements.txt", "requirements-dev.txt", "requirements-fuzz.txt"]
TEXTS = {".py", ".md", ".html", ".txt", ".toml", ".yml", ".yaml", ".css", ".js", ".sh", ".conf", ".json", ""}
# The folders of one machine that a file can give away.
MACHINE = re.compile(r"(?<![\w.@-])/(?:work|home|Users|root)/[\w.-]+")


def _pins(lock: str) -> list[str]:
    text = (ROOT / lock).read_text()
    return [each for each in re.split(r"\n(?=\S)", text) if each.strip() and not each.startswith("#")]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_one_version_and_hashes(lock):
    assert _pins(lock)
    for pin in _pins(lock):
        assert re.match(r"[A-Za-z0-9._\[\]-]+==[^\s;]+", pin), pin.splitlines()[0]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", pin), pin.splitlines()[0]


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_an_address_or_a_path(lock):
    text = (ROOT / lock).read_text()

    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    assert " @ " not in text


def test_what_runs_is_locked_alike_for_development():
    runtime = {re.split(r"[\s;]", pin)[0] for pin in _pins("requirements.txt")}
    development = {re.split(r"[\s;]", pin)[0] for pin in _pins("requirements-dev.txt")}

    assert runtime <= development


def test_no_file_names_a_folder_of_the_machine_it_was_written_on():
    skipped = {
        ".git",
        ".venv",
        "var",
        "staticfiles",
        "__pycache__",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        "node_modules",
    }
    for path in ROOT.rglob("*"):
        if path.is_dir() or skipped & set(path.relative_to(ROOT).parts) or path.suffix not in TEXTS:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found = MACHINE.search(text)
        assert found is None, f"{path.relative_to(ROOT)} names {found and found[0]}"
