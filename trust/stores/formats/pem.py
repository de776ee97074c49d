"""PEM (RFC 7468): what almost every TLS library reads."""

import base64
import ssl
import textwrap
from dataclasses import dataclass

from asn1crypto import pem as asn1_pem

from trust.stores.formats.content import StoreCertificate, StoreContent

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def block(der: bytes) -> str:
    """Return one certificate as a PEM block with 64 columns and nothing around it."""
    body = textwrap.wrap(base64.b64encode(der).decode("ascii"), 64)
    return "\n".join([BEGIN, *body, END, ""])


def blocks(certificates: tuple[StoreCertificate, ...]) -> bytes:
    """Return the certificates as PEM blocks, one after the other, without text between them."""
    return "".join(block(each.der) for each in certificates).encode("ascii")


def read_blocks(artifact: bytes) -> list[bytes]:
    """Return the DER of each certificate, as two readers other than the writer see them.

    Raises ValueError when they disagree or find anything but certificates.
    """
    if not artifact:
        return []
    found = list(asn1_pem.unarmor(artifact, multiple=True))
    if any(label != "CERTIFICATE" or headers for label, headers, _ in found):
        raise ValueError("There is something other than plain certificates in the file.")
    ders = [der for _, _, der in found]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=artifact.decode("ascii"))
    # OpenSSL keeps a set and lists the CA certificates in it.
    if set(context.get_ca_certs(binary_form=True)) != set(ders):
        raise ValueError("OpenSSL reads other certificates than were written.")
    return ders


@dataclass(frozen=True)
class Pem:
    """Every certificate of the store, anchors first."""

    extension: str = "pem"
    content_type: str = "application/pem-certificate-chain"
    label: str = "PEM"
    anchors_only: bool = False
    loses: tuple[str, ...] = ("role", "provenance", "purpose", "version", "withdrawal")

    def encode(self, content: StoreContent) -> bytes:
        """Return the PEM blocks; no bytes at all for a withdrawn store."""
        return blocks(content.certificates)

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each certificate."""
        return read_blocks(artifact)


@dataclass(frozen=True)
class AnchorsPem:
    """The trust anchors alone, for software that takes every entry for an anchor (Go, Java, OpenSSL with partial chains)."""

    extension: str = "anchors.pem"
    content_type: str = "application/pem-certificate-chain"
    label: str = "PEM, anchors only"
    anchors_only: bool = True
    loses: tuple[str, ...] = ("intermediates", "provenance", "purpose", "version", "withdrawal")

    def encode(self, content: StoreContent) -> bytes:
        """Return the anchors' PEM blocks."""
        return blocks(content.anchors)

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each anchor."""
        return read_blocks(artifact)
