"""Signing with the caller's own gpg. A passphrase is asked for by gpg's agent and never passes through here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from trustx import placing, reading
from trustx.stops import Exit, Stop


def detached(content: bytes, key: str) -> bytes:
    """Return gpg's armored, detached signature over ``content`` by the key with this full fingerprint. Raises Stop."""
    fingerprint = "".join(key.split())
    program = shutil.which("gpg")
    if program is None:
        raise Stop(
            Exit.USAGE, "gpg is not installed.", "Install GnuPG, or sign on another machine and use --signature."
        )
    if len(fingerprint) not in (40, 64):
        raise Stop(Exit.USAGE, "The key is not given by its full fingerprint.", "gpg --list-secret-keys shows it.")
    done = subprocess.run(
        [program, "--batch", "--armor", "--digest-algo", "SHA512", "--local-user", f"{fingerprint}!", "--detach-sign"],
        input=content,
        capture_output=True,
        env=_with_terminal(),
        check=False,
    )
    if done.returncode or b"BEGIN PGP SIGNATURE" not in done.stdout:
        raise Stop(
            Exit.UNEXPECTED,
            f"gpg did not sign: {done.stderr.decode('utf-8', 'replace').strip()}",
            "gpg --list-secret-keys shows what it can sign with.",
        )
    return done.stdout


def file(path: Path, key: str) -> Path:
    """Sign a file, and return the file of the signature beside it."""
    signature = path.with_name(f"{path.name}.asc")
    try:
        content = reading.whole(path)
    except OSError as error:
        raise Stop(Exit.USAGE, f"{path} cannot be read: {error.strerror or error}") from error
    placing.write(signature, detached(content, key))
    return signature


def _with_terminal() -> dict[str, str]:
    """Return the environment with the terminal at which gpg's agent may ask, since standard input is not one here."""
    environment = dict(os.environ)
    if "GPG_TTY" not in environment and sys.stderr.isatty():
        environment["GPG_TTY"] = os.ttyname(sys.stderr.fileno())
    return environment
