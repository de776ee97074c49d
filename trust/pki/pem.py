"""A strict reader of PEM text (RFC 7468).

Libraries skip what they do not know: a private key between two certificates goes unnoticed. Here every
`-----BEGIN` in the file must be a block that was read in full; anything else is a finding. Text between
blocks is allowed and is never looked at.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from trust.pki.codes import finding
from trust.pki.display import escape
from trust.pki.findings import Finding

_BOUNDARY = re.compile(r"-----(BEGIN|END) ([A-Z0-9](?:[A-Z0-9 #./-]{0,62}[A-Z0-9])?)-----[ \t]*")
_LINE_END = re.compile(r"\r\n|\r|\n")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class PemBlock:
    """One block: its label, its decoded bytes, its place among the blocks (from 1) and the line of its
    BEGIN (from 1).
    """

    label: str
    der: bytes
    number: int
    line: int


@dataclass(frozen=True, slots=True)
class PemReading:
    """All blocks of a text in order, and what was wrong. With findings that refuse, the blocks are not to
    be used.
    """

    blocks: tuple[PemBlock, ...]
    findings: tuple[Finding, ...]


def looks_like_pem(content: bytes) -> bool:
    """Tell whether there is any BEGIN line. Says nothing about whether it can be read."""
    return b"-----BEGIN" in content


def read_pem(content: bytes) -> PemReading:
    """Read every block of `content`. Never raises: what cannot be read is a finding that refuses.

    Accepts a byte order mark, any line ends, text around the blocks and a missing last line end.
    """
    # Latin-1 maps each octet to one character: text around the blocks may be in any encoding.
    text = content.removeprefix(_BYTE_ORDER_MARK).decode("latin-1")
    reader = _Reader(_LINE_END.split(text))
    reader.run()
    return PemReading(tuple(reader.blocks), tuple(reader.findings))


class _Reader:
    """Walks over the lines once. Three states: outside a block, inside one, after a broken one."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.blocks: list[PemBlock] = []
        self.findings: list[Finding] = []
        self.text_around = False
        self._label: str | None = None
        self._begin = 0
        self._body: list[str] = []
        self._count = 0

    def run(self) -> None:
        for number, line in enumerate(self.lines, start=1):
            self._take(number, line)
        if self._label is not None:
            self._boundary(self._begin, f"the block that begins here ({self._label}) has no END line")
        if self.text_around and not self.findings:
            self.findings.append(finding("pem_text_around"))

    def _take(self, number: int, line: str) -> None:
        match = _BOUNDARY.fullmatch(line) if line.startswith("-----") else None
        if match is None and ("-----BEGIN" in line or "-----END" in line):
            self._boundary(number, "a BEGIN or END that is not alone on its line or is not written exactly")
        elif match is None:
            self._text(line)
        elif match[1] == "BEGIN":
            self._open(number, match[2])
        else:
            self._close(number, match[2])

    def _text(self, line: str) -> None:
        if self._label is not None:
            self._body.append(line)
        elif line.strip():
            self.text_around = True

    def _open(self, number: int, label: str) -> None:
        if self._label is not None:
            self._boundary(number, f"a BEGIN inside the block that begins on line {self._begin}")
        self._label, self._begin, self._body = label, number, []
        self._count += 1

    def _close(self, number: int, label: str) -> None:
        opened, self._label = self._label, None
        if opened is None:
            self._boundary(number, "an END without a BEGIN")
        elif opened != label:
            self._boundary(number, f"END {label} closes BEGIN {opened}")
        else:
            self._decode(label)

    def _decode(self, label: str) -> None:
        block, line = self._count, self._begin
        if any(":" in text for text in self._body):
            self.findings.append(finding("pem_header", block=block, line=line))
            return
        try:
            der = decode_base64("".join(_stripped(self._body)))
        except ValueError as error:
            self.findings.append(finding("pem_base64", reason=escape(str(error)), block=block, line=line))
            return
        self.blocks.append(PemBlock(label, der, self._count, self._begin))

    def _boundary(self, line: int, reason: str) -> None:
        self.findings.append(finding("pem_boundary", line=line, reason=reason))


def _stripped(lines: list[str]) -> Iterator[str]:
    return (line.strip(" \t") for line in lines)


def decode_base64(text: str) -> bytes:
    """Decode base64 in its one canonical form (RFC 4648 3.5). Raises ValueError with a reason fit to be
    shown.
    """
    if not text:
        raise ValueError("it is empty")
    try:
        decoded = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise ValueError(str(error)[:100].lower()) from None
    if binascii.b2a_base64(decoded, newline=False).decode() != text:
        raise ValueError("spare bits in the last character")
    return decoded
