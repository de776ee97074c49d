"""For the partner's own pipeline: sign a bundle, hand it in, and see what the portal found."""

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import urllib3

from trustx import __version__
from trustx.stops import Exit, Stop


def sign(file: Path, key: str) -> Path:
    """Sign a file with ``gpg`` by a key's full fingerprint, detached and armored, and return the signature's file."""
    fingerprint = "".join(key.split())
    program = shutil.which("gpg")
    if program is None or len(fingerprint) not in (40, 64):
        raise Stop(Exit.USAGE, "gpg is not installed, or the key is not given by its full fingerprint.")
    signature = file.with_name(f"{file.name}.asc")
    command = [program, "--batch", "--yes", "--armor", "--digest-algo", "SHA512", "--local-user", f"{fingerprint}!"]
    done = subprocess.run(
        [*command, "--output", str(signature), "--detach-sign", str(file)], capture_output=True, check=False
    )
    if done.returncode:
        raise Stop(Exit.UNEXPECTED, f"gpg did not sign: {done.stderr.decode('utf-8', 'replace').strip()}")
    return signature


class Api:
    """The portal's API, with an organization's token."""

    def __init__(self, portal: str, token_file: Path) -> None:
        if not portal.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise Stop(Exit.USAGE, "The portal's address must start with https://, so that the token stays secret.")
        self._base = f"{portal.rstrip('/')}/api/v1"
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=10, read=60), retries=False)
        try:
            token = token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Stop(Exit.USAGE, f"The token file cannot be read: {error}") from error
        self._headers = {"Authorization": f"Bearer {token}", "User-Agent": f"trustx/{__version__}"}

    def submit(self, partnership: str, file: Path, signature: Path | None) -> dict[str, Any]:
        """Hand a signed bundle in and return the submission. Raises Stop when the portal refuses it."""
        fields: dict[str, Any] = {
            "partnership": partnership,
            "file": (file.name, file.read_bytes(), "application/octet-stream"),
        }
        if signature:
            fields["signature"] = (signature.name, signature.read_bytes(), "application/pgp-signature")
        return self._ask("POST", "/submissions", fields=fields)

    def check(self, submission_id: str, *, until_decided: float = 0) -> dict[str, Any]:
        """Return a submission as the portal sees it now, waiting for a decision for up to ``until_decided`` seconds."""
        deadline = time.monotonic() + until_decided
        while True:
            found = self._ask("GET", f"/submissions/{submission_id}")
            if (
                found.get("state") not in ("checking", "waiting_for_call", "waiting_for_approval")
                or time.monotonic() > deadline
            ):
                return found
            time.sleep(min(15.0, max(1.0, until_decided / 20)))

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            answer = self._pool.request(method, f"{self._base}{path}", headers=self._headers, redirect=False, **more)
        except urllib3.exceptions.HTTPError as error:
            raise Stop(Exit.UNREACHABLE, f"The portal cannot be reached: {error}") from error
        try:
            body = json.loads(answer.data)
        except ValueError:
            body = {}
        if answer.status in (401, 403, 404):
            raise Stop(
                Exit.NO_ACCESS,
                str(body.get("detail") or f"The portal answered {answer.status}."),
                str(body.get("fix", "")),
            )
        if answer.status >= 400:
            raise Stop(
                Exit.REFUSED,
                str(body.get("detail") or f"The portal answered {answer.status}."),
                str(body.get("fix", "")),
            )
        return dict(body)
