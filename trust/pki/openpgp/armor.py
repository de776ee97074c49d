"""ASCII armor (RFC 9580 section 6.2), read strictly and written plainly.

We decode armor ourselves and hand tools binary packets, because implementations disagree about what
may stand around and inside a block, and an attacker lives in the disagreement.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from trust.pki import limits
from trust.pki.openpgp.errors import NotReadable

_HEADER = re.compile(rb"(Version|Comment|Hash|Charset|MessageID): ?[\x20-\x7e]*\Z")
_BEGIN = re.compile(rb"-----BEGIN (PGP [A-Z ]{3,30})-----\Z")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]+={0,2}\Z")
_CRC24 = re.compile(rb"=[A-Za-z0-9+/]{4}\Z")

SIGNATURE = "PGP SIGNATURE"
PUBLIC_KEY = "PGP PUBLIC KEY BLOCK"
PRIVATE_KEY = "PGP PRIVATE KEY BLOCK"
MESSAGE = "PGP MESSAGE"


@dataclass(frozen=True, slots=True)
class Block:
    """One decoded armor block: its label, without the dashes, and its bytes."""

    label: str
    data: bytes


def is_armored(data: bytes) -> bool:
    """Whether `data` starts like armor. Binary OpenPGP never does: its first byte has the high bit set."""
    return _without_mark(data).lstrip(b" \t\r\n").startswith(b"-----BEGIN PGP ")


def decode(data: bytes) -> Block:
    """The one armor block that `data` consists of.

    Blank lines around it are allowed and nothing else is: no second block, no text before or after. The
    checksum line is optional and not compared, as RFC 9580 section 6.1 asks; the signature protects more.

    Raises:
        NotReadable: with the number of the line that is wrong.
    """
    lines = _lines(data)
    numbered = [(number, line) for number, line in enumerate(lines, start=1)]
    while numbered and not numbered[0][1]:
        numbered.pop(0)
    while numbered and not numbered[-1][1]:
        numbered.pop()
    if not numbered:
        raise NotReadable("The file is empty.", code="openpgp_empty")
    label = _label(numbered)
    body = _after_headers(numbered[1:-1])
    return Block(label=label, data=_base64(body))


def encode(label: str, data: bytes) -> bytes:
    """`data` as an armor block without headers.

    The checksum is written although RFC 9580 has made it optional: without it, gpg 2.2 reads bytes behind the end
    of a block whose length is a multiple of three.
    """
    text = base64.b64encode(data)
    rows = [text[start : start + 64] for start in range(0, len(text), 64)]
    begin, end = f"-----BEGIN {label}-----".encode(), f"-----END {label}-----".encode()
    checksum = b"=" + base64.b64encode(_crc24(data).to_bytes(3, "big"))
    return b"\n".join([begin, b"", *rows, checksum, end, b""])


def decode_or_binary(data: bytes, *, label: str) -> bytes:
    """The packets in `data`, whether it is armored under `label` or binary.

    Raises:
        NotReadable: if it is neither.
    """
    if not data:
        raise NotReadable("The file is empty.", code="openpgp_empty")
    if data[0] & 0x80 and not data.startswith(b"\xef\xbb\xbf"):
        return data
    block = decode(data)
    if block.label != label:
        raise NotReadable(
            f"This is a {block.label}, not a {label}.",
            code="openpgp_wrong_block",
            fix=f"Upload the file that begins with -----BEGIN {label}-----.",
        )
    return block.data


def _crc24(data: bytes) -> int:
    """The checksum of armor (RFC 9580 section 6.1.1)."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc


def _without_mark(data: bytes) -> bytes:
    # Windows editors put a byte order mark in front. It means nothing and signs nothing.
    return data.removeprefix(b"\xef\xbb\xbf")


def _lines(data: bytes) -> list[bytes]:
    lines = [line.rstrip(b" \t\r") for line in _without_mark(data).split(b"\n")]
    for number, line in enumerate(lines, start=1):
        if any(byte < 0x20 or byte > 0x7E for byte in line.replace(b"\t", b" ")):
            raise NotReadable(f"Line {number} holds a character that armor never has.")
    return lines


def _label(numbered: list[tuple[int, bytes]]) -> str:
    begin = _BEGIN.match(numbered[0][1])
    if not any(_BEGIN.match(line) for _, line in numbered):
        raise NotReadable("It is not OpenPGP: there is no -----BEGIN PGP ...----- line.")
    if begin is None:
        raise NotReadable(
            f"Line {numbered[0][0]} should be -----BEGIN PGP ...-----. Text around the block is refused.",
            code="openpgp_text_around_block",
            fix="Remove everything before the BEGIN line and after the END line.",
        )
    if numbered[-1][1] != b"-----END " + begin[1] + b"-----":
        raise NotReadable(
            f"The block does not end with -----END {begin[1].decode()}-----.",
            code="openpgp_text_around_block",
            fix="Upload the whole block, with nothing after its END line.",
        )
    inner = next((number for number, line in numbered[1:-1] if line.startswith(b"-----")), None)
    if inner is not None:
        raise NotReadable(
            f"Something else begins or ends in line {inner}. Exactly one block is accepted.",
            code="openpgp_text_around_block",
            fix="Upload one block, with nothing before its BEGIN line and nothing after its END line.",
        )
    return begin[1].decode()


def _after_headers(numbered: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    for position, (number, line) in enumerate(numbered):
        if not line:
            return numbered[position + 1 :]
        if not _HEADER.match(line) or len(line) > limits.ARMOR_HEADER_CHARACTERS:
            raise NotReadable(f"Line {number} is not a header that armor knows.")
    raise NotReadable("The armor has no empty line between its headers and its contents.")


def _base64(numbered: list[tuple[int, bytes]]) -> bytes:
    if numbered and _CRC24.match(numbered[-1][1]):
        numbered = numbered[:-1]
    for number, line in numbered:
        if len(line) > limits.ARMOR_LINE_CHARACTERS or not _BASE64.match(line):
            raise NotReadable(f"Line {number} is not base64 of an armor block.")
    try:
        data = base64.b64decode(b"".join(line for _, line in numbered), validate=True)
    except binascii.Error as problem:
        raise NotReadable("The armor is cut off or damaged: its base64 does not decode.") from problem
    if not data:
        raise NotReadable("The armor block is empty.", code="openpgp_empty")
    return data
