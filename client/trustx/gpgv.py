"""Whether a partner's pinned OpenPGP key signed something. gpgv decides, with a ring made for this one question."""

import base64
import binascii
import re
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from trustx.stops import Exit, Stop

_ARMOR = re.compile(rb"-----BEGIN PGP ([A-Z ]+)-----(.*?)-----END PGP \1-----", re.DOTALL)
_REFUSING = {"BADSIG", "ERRSIG", "REVKEYSIG", "EXPSIG", "NODATA", "UNEXPECTED", "FAILURE"}
_ASK = "Use nothing of it, and ask the partner, on a number that you have on paper, whether and with which key they signed."
_SECONDS = 30
# What gpgv may write, in bytes. It unpacks a compressed message before it can know who signed it.
_MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Signed:
    """What was signed, by which primary key; ``key_expired`` when that key has run out since."""

    content: bytes
    fingerprint: str
    key_expired: bool


def signed(*, content: bytes, signature: bytes | None, keys: bytes, pinned: Collection[str]) -> Signed:
    """Return what a pinned key signed: ``content`` with a detached signature, or the text inside a signed message.

    ``keys`` are public keys, armored or not; who they come from does not matter, since gpgv tells the fingerprint of the one that
    signed and only ``pinned`` ones (lower-case hex, of primary keys) count. Raises Stop with NOT_COVERED, also for a file with
    several signatures, a revoked key or an expired signature.
    """
    program = shutil.which("gpgv")
    if program is None:
        raise Stop(
            Exit.NOT_COVERED, "gpgv is not installed, so the partner's signature cannot be checked.", "Install gpgv."
        )
    with tempfile.TemporaryDirectory(prefix="trustx-") as name:
        folder = Path(name)
        (folder / "ring").write_bytes(binary(keys))
        (folder / "content").write_bytes(content)
        arguments = ["--output", str(folder / "text"), str(folder / "content")]
        if signature is not None:
            (folder / "signature").write_bytes(signature)
            arguments = [str(folder / "signature"), str(folder / "content")]
        status = _run(program, folder, arguments)
        text = content if signature is not None else _read(folder / "text")
    fingerprint, key_expired = _judge(status, pinned)
    return Signed(text, fingerprint, key_expired)


def _run(program: str, folder: Path, arguments: list[str]) -> str:
    # Status lines go to a file of their own: among messages they could be forged (CVE-2018-12020).
    with (folder / "status").open("wb") as status:
        command = [program, "--homedir", str(folder), "--keyring", str(folder / "ring"), "--weak-digest", "SHA1"]
        command += ["--weak-digest", "RIPEMD160", "--status-fd", str(status.fileno()), *arguments]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                pass_fds=(status.fileno(),),
                env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
                timeout=_SECONDS,
                check=False,
                preexec_fn=_bounded,  # one thread, as everywhere in this program
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Stop(
                Exit.NOT_COVERED,
                "gpgv did not answer, so the partner's signature is not checked.",
                "Try again, and run gpgv by hand.",
            ) from error
    if done.returncode < 0:
        raise Stop(Exit.NOT_COVERED, f"gpgv was ended by signal {-done.returncode}: too large, or too long.", _ASK)
    return (folder / "status").read_text(encoding="utf-8", errors="replace")


def _bounded() -> None:
    """Bound what gpgv may write and compute, in the child before it begins."""
    for kind, value in ((resource.RLIMIT_FSIZE, _MOST_BYTES), (resource.RLIMIT_CPU, _SECONDS)):
        _, hard = resource.getrlimit(kind)
        lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (lower, lower))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it, and children inherit that


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _judge(status: str, pinned: Collection[str]) -> tuple[str, bool]:
    lines = [line.split()[1:] for line in status.splitlines() if line.startswith("[GNUPG:] ") and len(line.split()) > 1]
    words = [line[0] for line in lines]
    good = [word for word in words if word in ("GOODSIG", "EXPKEYSIG")]
    valid = [line for line in lines if line[0] == "VALIDSIG"]
    refused = _REFUSING & set(words)
    if words.count("NEWSIG") != 1 or len(good) != 1 or len(valid) != 1 or refused:
        why = ", ".join(sorted(refused)) or "not one good signature"
        raise Stop(Exit.NOT_COVERED, f"The partner's signature does not hold ({why}).", _ASK)
    fingerprint = valid[0][-1].lower()
    if fingerprint not in pinned:
        raise Stop(Exit.NOT_COVERED, f"It was signed by {fingerprint}, which is not a pinned key of the partner.", _ASK)
    return fingerprint, good[0] == "EXPKEYSIG"


def binary(keys: bytes) -> bytes:
    """Return public keys as the packets that gpgv reads, whether they were armored or not."""
    blocks = [body for label, body in _ARMOR.findall(keys) if label == b"PUBLIC KEY BLOCK"]
    if not blocks:
        return keys
    return b"".join(_dearmored(body) for body in blocks)


def _dearmored(body: bytes) -> bytes:
    _, _, rest = body.replace(b"\r", b"").lstrip(b"\n").rpartition(b"\n\n") if b"\n\n" in body else (b"", b"", body)
    lines = [
        line.strip() for line in rest.split(b"\n") if line.strip() and not line.startswith(b"=") and b":" not in line
    ]
    try:
        return base64.b64decode(b"".join(lines), validate=True)
    except binascii.Error:
        return b""
