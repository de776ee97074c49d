"""Java's trust stores: PKCS#12 with the attribute that makes an entry trusted, and the older JKS.

Java takes every entry for an anchor, so only anchors are written. Names differ in more than case, or entries would silently
collapse into one. The password guards nothing: it is Java's customary one, and some readers insist on any.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import core
from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, pkcs12

from trust.stores.formats.content import StoreContent

PASSWORD = "changeit"  # noqa: S105 - Java's customary one; there is nothing secret in the file
_ROUNDS = 10_000


def _empty_pkcs12() -> bytes:
    """Return a store without entries: an authenticated safe of nothing, without a MAC, which Java reads as empty."""
    safe = asn1_pkcs12.AuthenticatedSafe([])
    data = {"content_type": "data", "content": core.OctetString(safe.dump())}
    return bytes(asn1_pkcs12.Pfx({"version": "v3", "auth_safe": data}).dump())


@dataclass(frozen=True)
class Pkcs12:
    """For Java 8u301 and later. The bytes differ at each making (salts), so they are made once and kept."""

    extension: str = "p12"
    content_type: str = "application/x-pkcs12"
    label: str = "PKCS#12 for Java"
    anchors_only: bool = True
    loses: tuple[str, ...] = ("constraints", "intermediates", "provenance", "purpose", "version", "withdrawal")

    def encode(self, content: StoreContent) -> bytes:
        """Return the store; its password is "changeit"."""
        if not content.anchors:
            return _empty_pkcs12()
        entries = [
            pkcs12.PKCS12Certificate(x509.load_der_x509_certificate(each.der), each.alias.encode("ascii"))
            for each in content.anchors
        ]
        protection = (
            PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(_ROUNDS)
            .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
            .hmac_hash(hashes.SHA256())
            .build(PASSWORD.encode("ascii"))
        )
        return pkcs12.serialize_java_truststore(entries, protection)

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each entry. Raises ValueError."""
        loaded = asn1_pkcs12.Pfx.load(artifact, strict=True)
        if not loaded.authenticated_safe:
            return []
        found = pkcs12.load_pkcs12(artifact, PASSWORD.encode("ascii"))
        if found.key is not None or found.cert is not None:
            raise ValueError("There is something other than trusted certificates in the file.")
        if any(not each.friendly_name for each in found.additional_certs):
            raise ValueError("An entry has no name, so Java would not show it.")
        return [each.certificate.public_bytes(Encoding.DER) for each in found.additional_certs]


_MAGIC, _VERSION, _TRUSTED = 0xFEEDFEED, 2, 2
_WHITENER = b"Mighty Aphrodite"  # mixed into the digest by Sun's format, for no reason that anybody gives


def _digest(body: bytes) -> bytes:
    # SHA-1 is what the format prescribes; it detects damage and protects nothing.
    return hashlib.sha1(PASSWORD.encode("utf-16-be") + _WHITENER + body).digest()  # noqa: S324


def _text(value: str) -> bytes:
    encoded = value.encode("ascii")
    return struct.pack(">H", len(encoded)) + encoded


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@dataclass(frozen=True)
class Jks:
    """For old Java software that reads nothing else. Deterministic: an entry's date is its certificate's first day."""

    extension: str = "jks"
    content_type: str = "application/x-java-keystore"
    label: str = "JKS"
    anchors_only: bool = True
    loses: tuple[str, ...] = ("constraints", "intermediates", "provenance", "purpose", "version", "withdrawal")

    def encode(self, content: StoreContent) -> bytes:
        """Return the store; its password is "changeit"."""
        body = struct.pack(">III", _MAGIC, _VERSION, len(content.anchors))
        for each in content.anchors:
            body += struct.pack(">I", _TRUSTED) + _text(each.alias)
            body += struct.pack(">q", _milliseconds(each.not_before)) + _text("X.509")
            body += struct.pack(">I", len(each.der)) + each.der
        return body + _digest(body)

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each entry, walking the file as Java does. Raises ValueError."""
        reader = _JksReader(artifact[:-20])
        if not hmac.compare_digest(_digest(artifact[:-20]), artifact[-20:]):
            raise ValueError("The digest of the file is wrong.")
        return reader.certificates()


class _JksReader:
    def __init__(self, body: bytes) -> None:
        self.body, self.at = body, 0

    def take(self, length: int) -> bytes:
        taken = self.body[self.at : self.at + length]
        if len(taken) != length:
            raise ValueError("The file is cut off.")
        self.at += length
        return taken

    def number(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def text(self) -> str:
        return self.take(int.from_bytes(self.take(2), "big")).decode("ascii")

    def certificates(self) -> list[bytes]:
        if (self.number(), self.number()) != (_MAGIC, _VERSION):
            raise ValueError("This is no JKS of version 2.")
        found: dict[str, bytes] = {}
        for _ in range(self.number()):
            kind, alias = self.number(), self.text()
            self.take(8)
            if kind != _TRUSTED or self.text() != "X.509" or alias.lower() in found:
                raise ValueError("There is an entry that is no trusted certificate, or a name twice.")
            found[alias.lower()] = self.take(self.number())
        if self.at != len(self.body):
            raise ValueError("There is something after the last entry.")
        return list(found.values())
