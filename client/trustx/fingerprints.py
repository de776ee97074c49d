"""Fingerprints of what is in a file, in groups of four as they are read over the phone."""

import hashlib

from trustx import certificates, gpgv
from trustx.stops import Exit, Stop


def grouped(digest: str) -> str:
    """Return hex digits in groups of four, upper case."""
    return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4)).upper()


def of_file(content: bytes) -> list[tuple[str, str]]:
    """Return (what, fingerprint in hex) for each certificate or OpenPGP key in a file; else of the file itself."""
    if b"-----BEGIN PGP PUBLIC KEY BLOCK-----" in content:
        return [("OpenPGP key", _of_key(gpgv.binary(content)))]
    found = certificates.of_original(content)
    if found:
        return [("certificate", hashlib.sha256(der).hexdigest()) for der in sorted(found)]
    return [("file", hashlib.sha256(content).hexdigest())]


def _of_key(packets: bytes) -> str:
    """Return the fingerprint of the first packet, a primary key (RFC 9580 sections 4.2 and 5.5.4)."""
    try:
        body = _first_body(packets)
        if body[0] == 4:
            return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).hexdigest()
        if body[0] == 6:
            return hashlib.sha256(b"\x9b" + len(body).to_bytes(4, "big") + body).hexdigest()
    except IndexError:
        pass
    raise Stop(Exit.USAGE, "This is no OpenPGP public key of version 4 or 6.")


def _first_body(packets: bytes) -> bytes:
    tag, length = packets[0], packets[1]
    if tag & 0x40:
        if length < 192:
            return packets[2 : 2 + length]
        if length < 224:
            size = ((length - 192) << 8) + packets[2] + 192
            return packets[3 : 3 + size]
        return packets[6 : 6 + int.from_bytes(packets[2:6], "big")]
    width = 1 << (tag & 3)
    return packets[1 + width : 1 + width + int.from_bytes(packets[1 : 1 + width], "big")]
