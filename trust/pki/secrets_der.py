"""Private keys by the shape of their bytes, wherever they lie.

A label or a file name can lie, so nothing here depends on them. A search pattern finds every place where
one of the structures could begin, and a reader of the structure decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trust.pki import der as tlv

# A SEQUENCE header, then INTEGER 0, 1 or 3 and what follows it in PKCS#1, PKCS#8, SEC1, DSA and PKCS#12;
# or a SEQUENCE in a SEQUENCE with the number of a password encryption, as EncryptedPrivateKeyInfo begins.
_LENGTH = rb"(?:[\x04-\x7f]|\x81[\x80-\xff]|\x82[\x01-\xff].|\x83[\x01-\xff]..)"
_CANDIDATE = re.compile(
    rb"\x30" + _LENGTH + rb"(?:\x02\x01[\x00\x01\x03][\x30\x02\x04]"
    rb"|\x30" + _LENGTH + rb"\x06(?:\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05|\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01))",
    re.DOTALL,
)
_PASSWORD_ENCRYPTIONS = ("1.2.840.113549.1.5.", "1.2.840.113549.1.12.1.")
_PKCS7 = "1.2.840.113549.1.7."
_KEY_ALGORITHMS = {
    "1.2.840.113549.1.1.": "RSA",
    "1.2.840.10045.2.1": "EC",
    "1.3.132.1.12": "EC",
    "1.2.840.10040.4.1": "DSA",
    "1.3.101.11": "EdDSA or X25519",
    "1.2.840.113549.1.3.1": "Diffie-Hellman",
    "2.16.840.1.101.3.4.3": "post-quantum",
    "2.16.840.1.101.3.4.4": "post-quantum",
}


def find_in_bytes(data: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield the kind of each private key structure in `data`, and where it begins and ends."""
    for match in _CANDIDATE.finditer(data):
        try:
            element = tlv.read_one(data, match.start())
            kind = _kind(element)
        except (tlv.DerError, IndexError):
            # A private key that was cut off is still most of a private key.
            if match.start() == 0 and match[0][-4:] == b"\x02\x01\x01\x04":
                yield "EC private key (SEC1), cut off", 0, len(data)
            continue
        if kind:
            yield kind, element.start, element.end


def _kind(element: tlv.Element) -> str | None:
    parts = element.children()
    tags = [part.tag for part in parts]
    if tags[:2] == [tlv.SEQUENCE, tlv.OCTET_STRING] and len(parts) == 2:
        return _encrypted(parts[0])
    if tags[0] != tlv.INTEGER:
        return None
    version = parts[0].content
    if tags[1:3] == [tlv.SEQUENCE, tlv.OCTET_STRING] and version in (b"\x00", b"\x01"):
        return _pkcs8(parts[1])
    if tags[1] == tlv.OCTET_STRING and version == b"\x01" and len(parts[1].content) >= 16:
        return "EC private key (SEC1)" if set(tags[2:]) <= {0xA0, 0xA1} else None
    if tags[1] == tlv.SEQUENCE and version == b"\x03":
        return _pkcs12(parts[1])
    return _integers(tags, parts)


def _integers(tags: list[int], parts: tuple[tlv.Element, ...]) -> str | None:
    if any(tag != tlv.INTEGER for tag in tags[:9]) or len(parts[1].content) < 32:
        return None
    if len(parts) >= 9:
        return "RSA private key (PKCS#1)"
    return "DSA private key" if len(parts) == 6 else None


def _encrypted(algorithm: tlv.Element) -> str | None:
    oid = tlv.oid_text(algorithm.children()[0].content)
    return "encrypted private key (PKCS#8)" if oid.startswith(_PASSWORD_ENCRYPTIONS) else None


def _pkcs8(algorithm: tlv.Element) -> str | None:
    oid = tlv.oid_text(algorithm.children()[0].content)
    name = next((name for arc, name in _KEY_ALGORITHMS.items() if oid.startswith(arc)), None)
    return f"{name} private key (PKCS#8)" if name else "private key (PKCS#8)"


def _pkcs12(content: tlv.Element) -> str | None:
    oid = tlv.oid_text(content.children()[0].content)
    return "PKCS#12 key store" if oid.startswith(_PKCS7) else None


_JAVA_STORES = {b"\xfe\xed\xfe\xed": "Java key store (JKS)", b"\xce\xce\xce\xce": "Java key store (JCEKS)"}


def find_java_store(data: bytes) -> str | None:
    """Return the kind of a Java key store that `data` begins with.

    Stores that hold only certificates are found too: whether there is a key inside is hidden behind lengths
    that a hostile file can bend, and a trust package has no use for either.
    """
    return _JAVA_STORES.get(data[:4])


_SECRET_PACKETS = {5: "OpenPGP secret key", 7: "OpenPGP secret subkey"}


def find_in_packets(data: bytes) -> str | None:
    """Return the kind of an OpenPGP secret key packet in binary `data`, which must begin with a packet.

    Reads packet headers by itself (RFC 9580 4.2). Stops quietly where the bytes stop being packets: almost
    every binary file looks like one packet header.
    """
    position = 0
    while position + 2 < len(data):
        header = _packet(data, position)
        if header is None:
            return None
        tag, body, end = header
        # Key packets begin with their version. Without that check random bytes would be taken for keys.
        if tag in _SECRET_PACKETS and data[body : body + 1] in (b"\x02", b"\x03", b"\x04", b"\x05", b"\x06"):
            return _SECRET_PACKETS[tag]
        position = end
    return None


def _packet(data: bytes, position: int) -> tuple[int, int, int] | None:
    """Return tag, start and end of the body of the packet at `position`; None if it is not one."""
    first = data[position]
    if not first & 0x80:
        return None
    if first & 0x40:
        return _new_packet(first & 0x3F, data, position + 1)
    octets = 1 << (first & 3)
    if octets == 8:  # indeterminate: until the end of the data
        return first >> 2 & 0x0F, position + 1, len(data)
    body = position + 1 + octets
    return first >> 2 & 0x0F, body, body + int.from_bytes(data[position + 1 : body], "big")


def _new_packet(tag: int, data: bytes, position: int) -> tuple[int, int, int] | None:
    first = data[position]
    if first < 192:
        return tag, position + 1, position + 1 + first
    if first < 224 and position + 1 < len(data):
        return tag, position + 2, position + 2 + (first - 192 << 8) + data[position + 1] + 192
    if first == 255:
        return tag, position + 5, position + 5 + int.from_bytes(data[position + 1 : position + 5], "big")
    # A partial body. Secret keys may not have one (RFC 9580 4.2.1.4), and what follows cannot be told
    # cheaply.
    return tag, position + 1, len(data)
