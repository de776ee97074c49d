"""The `openssl` program as a second opinion on chains. Run with limits, in an empty folder, and never on secrets."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from trust.pki.certificates import CertificateFacts

_SECONDS = 5
_MEMORY_KIB = 512 * 1024


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether openssl accepts a chain, and its own words if not."""

    accepts: bool
    words: str


@cache
def version() -> str | None:
    """Return for example "OpenSSL 3.0.19", None where the program is missing."""
    program = shutil.which("openssl")
    if program is None:
        return None
    said = subprocess.run([program, "version"], capture_output=True, timeout=_SECONDS, check=False).stdout
    match = re.match(rb"\S+ \S+", said)
    return match[0].decode("ascii", "replace") if match else None


def verify(
    target: CertificateFacts,
    *,
    anchors: Iterable[CertificateFacts],
    untrusted: Iterable[CertificateFacts],
    at: datetime,
    options: Sequence[str] = (),
) -> Verdict | None:
    """Let `openssl verify` judge a chain at the moment `at`; None where there is no answer.

    `options` are flags of the program, chosen by us and never by an uploader.
    """
    if version() is None:
        return None
    with tempfile.TemporaryDirectory(prefix="verify-") as folder:
        files = {"anchors": list(anchors), "untrusted": list(untrusted), "target": [target]}
        for name, certificates in files.items():
            Path(folder, name).write_bytes(b"".join(one.load().public_bytes(Encoding.PEM) for one in certificates))
        command = ["openssl", "verify", "-attime", str(int(at.timestamp())), "-no-CApath", "-no-CAstore", *options]
        # An empty file would be an error to the program.
        command += ["-CAfile", "anchors", *(["-untrusted", "untrusted"] if files["untrusted"] else []), "target"]
        return _run(command, folder)


def _run(command: list[str], folder: str) -> Verdict | None:
    # One limit a command: dash refuses several at once, and would go on without any.
    limits = f'ulimit -c 0; ulimit -v {_MEMORY_KIB} && ulimit -t {_SECONDS} && exec "$@"'
    limited = ["sh", "-c", limits, "sh", *command]
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "OPENSSL_CONF": "/dev/null"}
    try:
        done = subprocess.run(
            limited,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS + 1,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return None
    if done.returncode == 0:
        return Verdict(True, "")
    # The reason stands after "error N at D depth lookup:". Names of the certificate, which come before, are left out.
    reasons = re.findall(
        r"error \d+ at \d+ depth lookup: ?([A-Za-z0-9 ,.'()-]{1,120})", done.stderr.decode("ascii", "replace")
    )
    return Verdict(False, "; ".join(dict.fromkeys(reasons))) if reasons else None
