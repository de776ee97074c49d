"""PKCS#7 as a carrier of certificates and CRLs, and of nothing else (RFC 5652 5.1, degenerate SignedData)."""

from __future__ import annotations

from dataclasses import dataclass

from trust.pki import der as tlv

_SIGNED_DATA = "1.2.840.113549.1.7.2"
_CERTIFICATES, _CRLS = 0xA0, 0xA1


class NotACertificateSet(Exception):
    """The structure is broken or carries more than certificates and CRLs."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Pkcs7Contents:
    """DER of each certificate and CRL, in the order of the file."""

    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]


def looks_like_pkcs7(der: bytes) -> bool:
    """Tell whether the outer structure is a PKCS#7 content of any type."""
    try:
        first = tlv.read_one(tlv.read_one(der).content)
        return first.tag == tlv.OBJECT_IDENTIFIER and tlv.oid_text(first.content).startswith("1.2.840.113549.1.7.")
    except tlv.DerError:
        return False


def read_pkcs7(der: bytes) -> Pkcs7Contents:
    """Split a certificate set without interpreting the certificates. Raises NotACertificateSet.

    Only DER is read. Indefinite lengths (BER) are refused: two readers could see different contents.
    """
    try:
        return _read(der)
    except (ValueError, IndexError) as error:
        raise NotACertificateSet("pkcs7_unreadable", str(error) or "a part is missing") from None


def _read(der: bytes) -> Pkcs7Contents:
    content_type, wrapped = tlv.read_exactly(der, tlv.SEQUENCE).children()
    if tlv.oid_text(content_type.content) != _SIGNED_DATA:
        raise NotACertificateSet("pkcs7_unreadable", "it is not of the type that carries certificates")
    _version, digests, inner, *rest = tlv.read_exactly(wrapped.content, tlv.SEQUENCE).children()
    signers = rest.pop() if rest and rest[-1].tag == tlv.SET else None
    if signers is None or signers.content or digests.content or len(inner.children()) > 1:
        raise NotACertificateSet("pkcs7_signed_content", "")
    parts = {one.tag: one.content for one in rest}
    if len(parts) != len(rest) or not parts.keys() <= {_CERTIFICATES, _CRLS}:
        raise NotACertificateSet("pkcs7_unreadable", "an unknown part")
    return Pkcs7Contents(_items(parts.get(_CERTIFICATES, b"")), _items(parts.get(_CRLS, b"")))


def _items(content: bytes) -> tuple[bytes, ...]:
    return tuple(content[one.start : one.end] for one in tlv.read_all(content))
