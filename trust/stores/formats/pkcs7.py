"""PKCS#7, certificates only (RFC 5652 section 5, RFC 8551): what Windows and many appliances import."""

from dataclasses import dataclass

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from trust.stores.formats.content import StoreContent


def _empty() -> bytes:
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [],
            "encap_content_info": {"content_type": "data"},
            "certificates": [],
            "signer_infos": [],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


@dataclass(frozen=True)
class Pkcs7:
    """Every certificate of the store, in DER."""

    extension: str = "p7b"
    content_type: str = "application/pkcs7-mime; smime-type=certs-only"
    label: str = "PKCS#7"
    anchors_only: bool = False
    loses: tuple[str, ...] = ("constraints", "role", "provenance", "purpose", "version", "withdrawal", "order")

    def encode(self, content: StoreContent) -> bytes:
        """Return the certificates as signed data that nobody signed."""
        if not content.certificates:
            return _empty()
        loaded = [x509.load_der_x509_certificate(each.der) for each in content.certificates]
        return pkcs7.serialize_certificates(loaded, Encoding.DER)

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each certificate."""
        signed = cms.ContentInfo.load(artifact, strict=True)["content"]
        return [each.chosen.dump() for each in signed["certificates"]]
