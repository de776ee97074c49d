"""The programs that read what partners send."""

import re
import shutil
import subprocess
from collections.abc import Iterator

from django.conf import settings

from portal.operations.doctor.rules import Finding, tool

# gpg and gpgv: the oldest in which --status-fd and --assert-signer behave as the judge expects. openssl: `verify` of 3.0.
LEAST = {"gpg": (2, 2, 27), "gpgv": (2, 2, 27), "openssl": (3, 0)}
PACKAGES = {"gpg": "gnupg", "gpgv": "gpgv", "openssl": "openssl"}
PATIENCE = 10  # seconds


def check() -> Iterator[Finding]:
    """Yield one finding for each program."""
    programs = {"gpg": settings.GPG_BINARY, "gpgv": settings.GPGV_BINARY, "openssl": settings.OPENSSL_BINARY}
    for name, program in programs.items():
        yield tool(name, version(program), least=LEAST[name], package=PACKAGES[name])


def version(program: str) -> str | None:
    """Return what a program says of its version, up to the number; None when it cannot be started."""
    if shutil.which(program) is None:
        return None
    flag = "version" if "openssl" in program else "--version"
    try:
        done = subprocess.run([program, flag], capture_output=True, text=True, timeout=PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r".*?\d+(\.\d+)+\w*", done.stdout.strip())
    return found[0] if found else None
