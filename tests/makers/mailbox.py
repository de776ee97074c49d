"""Somebody who reads mail with gpg: knows the portal's public key and holds a key of their own."""

import re
import subprocess
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property

from tests.makers.openpgp import OpenPgpHolder, home, make_holder


@dataclass(frozen=True)
class Checked:
    """What gpg said: the lines of its status, and what it wrote out."""

    status: str
    output: bytes

    @property
    def good_by(self) -> str:
        """Return the primary fingerprint of the one good signature, or "" if there is none or it is not valid."""
        found = re.findall(r"^\[GNUPG:\] VALIDSIG .* ([0-9A-F]{40})$", self.status, re.MULTILINE)
        good = re.findall(r"^\[GNUPG:\] GOODSIG ", self.status, re.MULTILINE)
        return found[0].lower() if len(found) == len(good) == 1 else ""


class Reader:
    """Reads raw mail as a mail program does: takes it apart at its boundaries, and asks gpg."""

    def __init__(self, *public_blocks: str) -> None:
        for block in public_blocks:
            self._gpg("--import", data=block.encode())

    @cached_property
    def holder(self) -> OpenPgpHolder:
        """Return the reader's own key, which can encrypt."""
        return make_holder("Reader", algorithm="default", usage="default", expires="0")

    def signed_part(self, raw: bytes) -> bytes:
        """Return the bytes between the first two boundaries, and nothing of the boundaries' own line ends."""
        return self._parts(raw)[0]

    def verify(self, raw: bytes) -> Checked:
        """Return what gpg says of the signature of a ``multipart/signed`` mail."""
        content, signature = self._parts(raw)
        (home() / "content").write_bytes(content)
        (home() / "signature").write_bytes(signature.partition(b"\r\n\r\n")[2])
        return self._gpg("--verify", str(home() / "signature"), str(home() / "content"))

    def decrypt(self, raw: bytes) -> Checked:
        """Return what gpg makes of the second part of a ``multipart/encrypted`` mail."""
        control, message = self._parts(raw)
        assert control.endswith(b"Version: 1\r\n")
        return self._gpg("--decrypt", data=message.partition(b"\r\n\r\n")[2])

    def _parts(self, raw: bytes) -> list[bytes]:
        head = message_from_bytes(raw, policy=policy.default)
        boundary = b"--" + str(head.get_boundary()).encode()
        body = raw.partition(b"\r\n\r\n")[2]
        found = re.split(rb"(?:^|\r\n)" + re.escape(boundary) + rb"(?:--)?\r\n", body)
        assert len(found) == 4, "two parts, between a preamble and nothing"
        return found[1:3]

    def _gpg(self, *arguments: str, data: bytes = b"") -> Checked:
        done = subprocess.run(
            ["gpg", "--homedir", str(home()), "--batch", "--no-tty", "--quiet", "--pinentry-mode", "loopback",
             "--passphrase", "", "--trust-model", "always", "--status-fd", "2", *arguments],
            input=data, capture_output=True, check=False,
        )  # fmt: skip
        return Checked(done.stderr.decode(errors="replace"), done.stdout)


def read(entity: bytes) -> EmailMessage:
    """Return a MIME entity, parsed."""
    return message_from_bytes(entity, policy=policy.default)  # type: ignore[return-value]


def text_of(message: EmailMessage) -> str:
    """Return the plain text of a mail, signed or not."""
    found = message.get_body(("plain",)) if not message.get_content_type().endswith("signed") else None
    if found is None:
        found = next(part for part in message.walk() if part.get_content_type() == "text/plain")
    return found.get_content().replace("\r\n", "\n")
