"""Go programs of a few lines, compiled and run as they stand."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

_PACKAGES = ("crypto/tls", "crypto/x509", "encoding/pem", "fmt", "log", "net", "os")


def run(folder: Path, body: str, *arguments: str) -> str:
    """Return what a ``main`` with this body prints, or skip loudly. It may use whatever ``_PACKAGES`` names."""
    done = subprocess.run([build(folder, body), *arguments], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


def build(folder: Path, body: str) -> Path:
    """Return the program whose ``main`` has this body, or skip loudly."""
    program = shutil.which("go")
    if program is None:
        pytest.skip("go is not installed: nothing was shown about Go")
    used = [each for each in _PACKAGES if re.search(rf"\b{each.rsplit('/', 1)[-1]}\.", body)]
    imports = "\n".join(f'import "{each}"' for each in used)
    file = folder / "read.go"
    file.write_text(f"package main\n\n{imports}\n\nfunc main() {{\n{body}\n}}\n")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "GOCACHE": str(folder / "cache"), "GO111MODULE": "off"}
    done = subprocess.run(
        [program, "build", "-o", str(folder / "read"), str(file)],
        capture_output=True,
        text=True,
        timeout=100,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return folder / "read"
