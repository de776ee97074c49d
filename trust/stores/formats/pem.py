"""PEM (RFC 7468): what almost every TLS library reads."""

import base64
import ssl
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trust.stores.formats.content import StoreCertificate, StoreContent

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def block(der: bytes) -> str:
    """Return one certificate as a PEM block with 64 columns and nothing around it."""
    return "\n".join([BEGIN, *lines_of(der), END, ""])


def lines_of(der: bytes) -> list[str]:
    """Return the base64 of a PEM block in lines of 64 columns (RFC 7468 2)."""
    text = base64.b64encode(der).decode("ascii")
    return [text[at : at + 64] for at in range(0, len(text), 64)]


def blocks(certificates: tuple[StoreCertificate, ...]) -> bytes:
    """Return the certificates as PEM blocks, one after the other, without text between them."""
    return "".join(block(each.der) for each in certificates).encode("ascii")


def read_blocks(artifact: bytes) -> list[bytes]:
    """Return the DER of each certificate, as two readers other than the writer see them.

    Raises ValueError when they disagree or find anything but certificates.
    """
    return list(_read_blocks(artifact))


# Several formats hold the same blocks.
@lru_cache(maxsize=8)
def _read_blocks(artifact: bytes) -> tuple[bytes, ...]:
    if not artifact:
        return ()
    text = artifact.decode("ascii")
    if text.count("-----BEGIN") != text.count(BEGIN):
        raise ValueError("There is something other than plain certificates in the file.")
    ders = [each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(artifact)]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=text)
    # OpenSSL refuses what is cut off, which the other reader would drop; it keeps a set, and lists the CA certificates in it.
    if set(context.get_ca_certs(binary_form=True)) != set(ders):
        raise ValueError("OpenSSL reads other certificates than were written.")
    return tuple(ders)


@dataclass(frozen=True)
class Pem:
    """Every certificate of the store, anchors first."""

    extension: str = "pem"
    content_type: str = "application/pem-certificate-chain"
    label: str = "PEM"
    anchors_only: bool = False
    loses: tuple[str, ...] = ("constraints", "role", "provenance", "purpose", "version", "withdrawal")

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
    loses: tuple[str, ...] = ("constraints", "intermediates", "provenance", "purpose", "version", "withdrawal")

    def encode(self, content: StoreContent) -> bytes:
        """Return the anchors' PEM blocks."""
        return blocks(content.anchors)

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each anchor."""
        return read_blocks(artifact)
