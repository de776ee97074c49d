"""Java's `keytool` as a second opinion on anchors: does it take them into a trust store? Run with limits, and never on secrets.

Starting Java costs about half a second each time, so this belongs into the background, never into the answer to an upload.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from trust.pki.certificates import CertificateFacts
from trust.pki.display import escape

TRIED_AT_MOST = 3
_SECONDS = 30
_MEMORY_KIB = 8 * 1024 * 1024  # of addresses, which Java reserves by the gigabyte; the heap is bounded below
_JVM = ("-J-Xmx64m", "-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1")
# A trust store holds nothing secret; Java asks for a password all the same.
_STORE = ("-keystore", "store.p12", "-storetype", "PKCS12", "-storepass", "changeit")


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of it: how many anchors were tried, how many entries the store has then, and keytool's own words if fewer."""

    tried: int
    entries: int
    words: str


@cache
def version() -> str | None:
    """Return the version of the Java that keytool belongs to, for example "17.0.15"; None where it is missing."""
    program = shutil.which("keytool")
    if program is None:
        return None
    # keytool has no option that prints its version; the Java beside it does.
    java = Path(program).resolve().with_name("java")
    said = _run([str(java), "-Xmx64m", "-version"], "/")
    match = re.search(r'version "(\d[\w.+-]{0,30})"', said.stderr) if said else None
    return match[1] if match else None


def take(anchors: Sequence[CertificateFacts]) -> Taken | None:
    """Import the first anchors into a scratch store, list it, and return what came of it; None where there is no answer."""
    tried = list(anchors)[:TRIED_AT_MOST]
    if not tried or version() is None:
        return None
    words: list[str] = []
    with tempfile.TemporaryDirectory(prefix="keytool-") as folder:
        for number, one in enumerate(tried, start=1):
            Path(folder, "anchor.pem").write_bytes(one.load().public_bytes(Encoding.PEM))
            done = _run(
                [
                    "keytool",
                    *_JVM,
                    "-importcert",
                    "-noprompt",
                    "-alias",
                    f"anchor-{number}",
                    "-file",
                    "anchor.pem",
                    *_STORE,
                ],
                folder,
            )
            if done is None:
                return None
            words += _complaints(done)
        listed = _run(["keytool", *_JVM, "-list", *_STORE], folder) if Path(folder, "store.p12").exists() else None
    count = re.search(r"contains (\d+) entr", listed.stdout) if listed else None
    return Taken(len(tried), int(count[1]) if count else 0, "; ".join(dict.fromkeys(words)))


# One limit a command: dash refuses several at once.
_LIMITED = f'ulimit -c 0; ulimit -v {_MEMORY_KIB} && ulimit -t {_SECONDS} && exec "$@"'


def _complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    said = re.search(r"keytool error: (?:[\w.$]+: )?(.{1,200})", done.stdout + done.stderr)
    return [escape(said[1], limit=200)] if done.returncode and said else []


def _run(command: list[str], folder: str) -> subprocess.CompletedProcess[str] | None:
    limited = ["sh", "-c", _LIMITED, "sh", *command]
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": folder}
    try:
        return subprocess.run(
            limited,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS + 5,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return None
