"""Taking the encryption off a file that was sent encrypted to the portal's intake key, and nothing more.

The envelope is transport: nothing is judged here. What comes out is the signed message as its author made it, and goes the way of
any upload. gpg takes one layer off (``--unwrap``) without reading what is inside, in a fresh home that is gone afterwards, under
limits, and without any way to ask for a passphrase.

1. Look at the packets ourselves: only session keys for public keys, then one encrypted packet with an integrity check.
2. gpg, with nothing but the intake keys, must say that decryption went well.
3. What comes out must not be encrypted again.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from trust.pki import limits
from trust.pki.openpgp import armor, packets
from trust.pki.openpgp.errors import NotReadable, ToolMissing
from trust.pki.openpgp.packets import Tag

_BEGIN = frozenset(
    {Tag.PUBLIC_SESSION_KEY, Tag.SYMMETRIC_SESSION_KEY, Tag.ENCRYPTED, Tag.ENCRYPTED_PROTECTED, Tag.AEAD}
)
_RECIPIENTS = 16
_LIMITED = 'ulimit -c 0; ulimit -t "$1" && ulimit -f "$2" && ulimit -v "$3" && shift 3 && exec "$@"'


class CannotOpen(Exception):
    """The envelope is not taken, or does not open. The text says why and is fit to be shown."""


def is_encrypted(content: bytes) -> bool:
    """Say whether the content begins like an encrypted OpenPGP message, armored or binary."""
    if not armor.is_armored(content) and not (content and content[0] & 0x80):
        return False
    try:
        data = armor.decode_or_binary(content, label=armor.MESSAGE)
        first = next(iter(packets.walk(data, at_most=limits.KEY_PACKETS)), None)
    except NotReadable:
        return False
    return first is not None and first.tag in _BEGIN


def unwrap(content: bytes, *, secret_keys: Sequence[bytes], at_most: int) -> bytes:
    """Return the message inside an encrypted one, still signed; at most `at_most` bytes.

    `secret_keys` are blocks without a passphrase. They lie in a private folder, in memory where the system has such a place, as
    long as this takes.

    Raises:
        CannotOpen: for a shape that is not taken, another recipient, or a file that was changed on the way.
        ToolMissing: if gpg cannot be started.
    """
    data = armor.decode_or_binary(content, label=armor.MESSAGE)
    _require_shape(data)
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    with tempfile.TemporaryDirectory(prefix="iv-", dir=memory if memory.is_dir() else None) as name:
        folder = Path(name)
        try:
            inside = _unwrapped(folder, data, secret_keys, at_most)
        finally:
            _gpg(folder, ["gpgconf", "--homedir", str(folder), "--kill", "all"], at_most)
    if is_encrypted(inside):
        raise CannotOpen("it is encrypted more than once")
    return inside


def _require_shape(data: bytes) -> None:
    try:
        found = packets.walk(data, at_most=_RECIPIENTS + 2)
    except NotReadable as problem:
        raise CannotOpen(problem.sentence.rstrip(".")) from None
    # A marker means nothing (RFC 9580 section 5.8).
    tags = [packet.tag for packet in found if packet.tag != Tag.MARKER]
    if Tag.SYMMETRIC_SESSION_KEY in tags:
        raise CannotOpen("it is encrypted with a passphrase")
    if Tag.ENCRYPTED in tags or Tag.AEAD in tags:
        raise CannotOpen("it is encrypted in a form without the integrity check of RFC 4880")
    recipients = tags[:-1]
    if tags[-1:] != [Tag.ENCRYPTED_PROTECTED] or any(tag != Tag.PUBLIC_SESSION_KEY for tag in recipients):
        raise CannotOpen("it holds something beside the encrypted message")
    if not 1 <= len(recipients) <= _RECIPIENTS:
        raise CannotOpen(f"it is encrypted to {len(recipients)} keys; 1 to {_RECIPIENTS} are taken")


def _unwrapped(folder: Path, data: bytes, secret_keys: Sequence[bytes], at_most: int) -> bytes:
    (folder / "message").write_bytes(data)
    (folder / "keys").write_bytes(b"\n".join(secret_keys))
    common = ["gpg", "--homedir", str(folder), "--batch", "--quiet", "--no-tty", "--pinentry-mode", "cancel"]
    common += ["--no-auto-key-locate", "--disable-dirmngr", "--no-options"]
    _gpg(folder, [*common, "--import", "keys"], at_most)
    command = [*common, "--status-fd", "1", "--max-output", str(at_most), "--output", "inside", "--unwrap", "message"]
    done = _gpg(folder, command, at_most)
    said = {line.split(b" ")[1] for line in done.stdout.splitlines() if line.startswith(b"[GNUPG:] ") and b" " in line}
    inside = folder / "inside"
    if done.returncode == 0 and b"DECRYPTION_OKAY" in said and inside.is_file():
        return inside.read_bytes()
    # gpg 2.2 has no status line for this. Only the words of a refusal hang on it.
    if b"No secret key" in done.stderr:
        raise CannotOpen("it is not encrypted to the portal's intake key")
    raise CannotOpen(f"it was changed on the way, or holds more than {at_most // limits.KIB} KiB")


def _gpg(folder: Path, command: list[str], at_most: int) -> subprocess.CompletedProcess[bytes]:
    blocks = (at_most + limits.MIB) // 512
    bounds = [str(limits.TOOL_CPU_SECONDS), str(blocks), str(limits.TOOL_MEMORY_BYTES // limits.KIB)]
    program = shutil.which(command[0])
    if program is None:
        raise ToolMissing(f"{command[0]} is not installed on this server, so nothing can be opened.")
    try:
        return subprocess.run(
            ["/bin/sh", "-c", _LIMITED, "sh", *bounds, program, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "HOME": str(folder), "GNUPGHOME": str(folder)},
            cwd=folder,
            timeout=limits.TOOL_WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotOpen("opening it took too long") from None
    except OSError as problem:
        raise ToolMissing("gpg cannot be started, so nothing can be opened.") from problem
