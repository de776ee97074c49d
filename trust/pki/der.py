"""A strict reader of DER tag-length-value structures (X.690), for looking at bytes that libraries hide.

It reads headers only, never recurses by itself, and knows no types. Everything that is malformed raises
`DerError`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OBJECT_IDENTIFIER = 0x06
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31


class DerError(ValueError):
    """The bytes are not the DER that was asked for."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag octet, its contents, and where it lies in the bytes that were read."""

    tag: int
    content: bytes
    start: int
    end: int

    def children(self) -> tuple[Element, ...]:
        """Read the contents as elements one after the other. Raises DerError."""
        return tuple(read_all(self.content))


def read_one(data: bytes, offset: int = 0) -> Element:
    """Read the element at `offset`. Raises DerError for indefinite, overlong or cut-off lengths (X.690
    10.1).
    """
    if offset + 2 > len(data):
        raise DerError("cut off in a header")
    tag = data[offset]
    if tag & 0x1F == 0x1F:
        raise DerError("multi-octet tag")
    length, body = _read_length(data, offset + 1)
    end = body + length
    if end > len(data):
        raise DerError("cut off in its contents")
    return Element(tag, data[body:end], offset, end)


def _read_length(data: bytes, offset: int) -> tuple[int, int]:
    first = data[offset]
    if first < 0x80:
        return first, offset + 1
    octets = first & 0x7F
    if not 1 <= octets <= 4 or offset + 1 + octets > len(data):
        raise DerError("indefinite or unreasonable length")
    length = int.from_bytes(data[offset + 1 : offset + 1 + octets], "big")
    if length < 0x80 or length >> (8 * (octets - 1)) == 0:
        raise DerError("length not in its shortest form")
    return length, offset + 1 + octets


def read_all(data: bytes) -> Iterator[Element]:
    """Read elements until the end of `data`. Raises DerError, also for trailing bytes."""
    offset = 0
    while offset < len(data):
        element = read_one(data, offset)
        yield element
        offset = element.end


def read_exactly(data: bytes, tag: int) -> Element:
    """Read one element with `tag` that fills `data` entirely. Raises DerError."""
    element = read_one(data)
    if element.tag != tag:
        raise DerError(f"tag 0x{element.tag:02x} where 0x{tag:02x} was expected")
    if element.end != len(data):
        raise DerError(f"{len(data) - element.end} bytes after the end")
    return element


def oid_text(content: bytes) -> str:
    """Return the dotted form of an object identifier's contents. Raises DerError."""
    if not content or content[-1] & 0x80:
        raise DerError("broken object identifier")
    arcs: list[int] = []
    value = 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


@dataclass(frozen=True, slots=True)
class CertificateFields:
    """The parts of a certificate as they stand in its bytes (RFC 5280 4.1)."""

    serial: bytes
    issuer: bytes
    subject: bytes
    spki: bytes
    not_before_tag: int
    not_after_tag: int
    inner_algorithm: bytes
    outer_algorithm: bytes


def certificate_fields(der: bytes) -> CertificateFields:
    """Split a certificate without interpreting it. Raises DerError if its outline is not that of RFC 5280
    4.1.
    """
    outer = read_exactly(der, SEQUENCE).children()
    if [element.tag for element in outer] != [SEQUENCE, SEQUENCE, BIT_STRING]:
        raise DerError("not the outline of a certificate")
    to_be_signed = outer[0]
    fields = to_be_signed.children()
    if fields and fields[0].tag == 0xA0:  # [0] EXPLICIT version
        fields = fields[1:]
    outline = (INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE)
    if tuple(element.tag for element in fields[:6]) != outline:
        raise DerError("not the outline of a certificate's signed part")
    serial, algorithm, issuer, validity, subject, spki = fields[:6]
    times = validity.children()
    if len(times) != 2:
        raise DerError("validity without two moments")
    raw = to_be_signed.content
    return CertificateFields(
        serial=serial.content,
        issuer=raw[issuer.start : issuer.end],
        subject=raw[subject.start : subject.end],
        spki=raw[spki.start : spki.end],
        not_before_tag=times[0].tag,
        not_after_tag=times[1].tag,
        inner_algorithm=algorithm.content,
        outer_algorithm=outer[1].content,
    )
