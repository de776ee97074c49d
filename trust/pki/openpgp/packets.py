"""Walking OpenPGP packets (RFC 9580 section 4): which there are, how long, and nothing hidden between.

Counting packets ourselves, before any tool sees them, is what stops "signature files" that hold a whole
message, 200 signatures, or a second plaintext.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from trust.pki.openpgp.errors import NotReadable


class Tag(IntEnum):
    """Packet types that we name (RFC 9580 section 5)."""

    PUBLIC_SESSION_KEY = 1
    SIGNATURE = 2
    SYMMETRIC_SESSION_KEY = 3
    ONE_PASS_SIGNATURE = 4
    SECRET_KEY = 5
    PUBLIC_KEY = 6
    SECRET_SUBKEY = 7
    COMPRESSED = 8
    ENCRYPTED = 9
    MARKER = 10
    LITERAL = 11
    TRUST = 12
    USER_ID = 13
    PUBLIC_SUBKEY = 14
    USER_ATTRIBUTE = 17
    ENCRYPTED_PROTECTED = 18
    AEAD = 20


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet. `definite` is False when its length was partial or indeterminate."""

    tag: int
    body: bytes
    definite: bool = True


def walk(data: bytes, *, at_most: int) -> tuple[Packet, ...]:
    """Every packet in `data`, which must consist of packets and nothing else.

    Raises:
        NotReadable: for bytes that are not packets, a packet that is cut off, or more than `at_most`.
    """
    packets: list[Packet] = []
    for packet in _packets(data):
        packets.append(packet)
        if len(packets) > at_most:
            raise NotReadable(f"There are more than {at_most} packets in it.", code="openpgp_too_many_packets")
    return tuple(packets)


def encode(tag: int, body: bytes) -> bytes:
    """A packet in the new format with one definite length (RFC 9580 section 4.2.1)."""
    size = len(body)
    if size < 192:
        length = bytes([size])
    elif size < 8384:
        length = bytes([((size - 192) >> 8) + 192, (size - 192) & 0xFF])
    else:
        length = b"\xff" + size.to_bytes(4, "big")
    return bytes([0xC0 | tag]) + length + body


def _packets(data: bytes) -> Iterator[Packet]:
    position = 0
    while position < len(data):
        header = data[position]
        if not header & 0x80:
            raise NotReadable("It is not made of OpenPGP packets.")
        if header & 0x40:
            packet, position = _new_format(header & 0x3F, data, position + 1)
        else:
            packet, position = _old_format(header, data, position + 1)
        yield packet


def _take(data: bytes, start: int, size: int) -> bytes:
    if start + size > len(data):
        raise NotReadable("It is cut off in the middle of a packet.", code="openpgp_cut_off")
    return data[start : start + size]


def _old_format(header: int, data: bytes, position: int) -> tuple[Packet, int]:
    tag, kind = (header >> 2) & 0x0F, header & 0x03
    if kind == 3:
        return Packet(tag, data[position:], definite=False), len(data)
    width = 1 << kind
    size = int.from_bytes(_take(data, position, width), "big")
    position += width
    return Packet(tag, _take(data, position, size)), position + size


def _new_format(tag: int, data: bytes, position: int) -> tuple[Packet, int]:
    parts: list[bytes] = []
    while True:
        size, partial, position = _new_length(data, position)
        parts.append(_take(data, position, size))
        position += size
        if not partial:
            return Packet(tag, b"".join(parts), definite=len(parts) == 1), position


def _new_length(data: bytes, position: int) -> tuple[int, bool, int]:
    first = _take(data, position, 1)[0]
    if first < 192:
        return first, False, position + 1
    if first < 224:
        second = _take(data, position + 1, 1)[0]
        return ((first - 192) << 8) + second + 192, False, position + 2
    if first < 255:
        return 1 << (first & 0x1F), True, position + 1
    return int.from_bytes(_take(data, position + 1, 4), "big"), False, position + 5
