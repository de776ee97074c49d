"""SPIFFE bundle (SPIFFE Trust Domain and Bundle 4, X509-SVID 6): the anchors as a JWK Set.

The document names no trust domain: whoever reads it knows it from where it was asked. Only ``x509-svid`` entries with one
certificate each and no ``kid`` are written, because SPIRE's reader fails on anything else.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trust.stores.formats.content import StoreCertificate, StoreContent

REFRESH_HINT = 300  # seconds
_CURVES = {"secp256r1": ("P-256", 32), "secp384r1": ("P-384", 48), "secp521r1": ("P-521", 66)}


def _number(value: int, length: int | None = None) -> str:
    octets = value.to_bytes(length or (value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _key_members(der: bytes) -> dict[str, Any]:
    """Return the parameters of a certificate's key as JWK members (RFC 7518 section 6, RFC 8037). Raises ValueError."""
    key = x509.load_der_x509_certificate(der).public_key()
    match key:
        case rsa.RSAPublicKey():
            numbers = key.public_numbers()
            return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
        case ec.EllipticCurvePublicKey() if key.curve.name in _CURVES:
            curve, length = _CURVES[key.curve.name]
            point = key.public_numbers()
            return {"kty": "EC", "crv": curve, "x": _number(point.x, length), "y": _number(point.y, length)}
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
            curve = "Ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else "Ed448"
            return {"kty": "OKP", "crv": curve, "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")}
    raise ValueError("This kind of key has no place in a JWK.")


def entry(certificate: StoreCertificate) -> dict[str, Any]:
    """Return one anchor as a JWK."""
    return {
        "use": "x509-svid",
        **_key_members(certificate.der),
        "x5c": [base64.b64encode(certificate.der).decode("ascii")],
    }


def _read_entry(key: dict[str, Any]) -> bytes:
    if key["use"] != "x509-svid" or "kid" in key or len(key["x5c"]) != 1:
        raise ValueError("There is an entry that SPIRE would not take.")
    der = base64.b64decode(key["x5c"][0], validate=True)
    # A reader may take the key from the JWK's own members instead of x5c, so the two must say the same (RFC 7517 4.7).
    if {name: key[name] for name in key if name not in {"use", "x5c"}} != _key_members(der):
        raise ValueError("There is an entry whose key is not the key of its certificate.")
    return der


@dataclass(frozen=True)
class SpiffeBundle:
    """The anchors for SPIRE, Envoy's SPIFFE validator and go-spiffe. No keys at all revoke everything."""

    extension: str = "spiffe.json"
    content_type: str = "application/json"
    label: str = "SPIFFE bundle"
    anchors_only: bool = True
    loses: tuple[str, ...] = ("intermediates", "provenance", "purpose")

    def encode(self, content: StoreContent) -> bytes:
        """Return the bundle; the version's number is its sequence."""
        document = {
            "keys": [entry(each) for each in content.anchors],
            "spiffe_sequence": content.number,
            "spiffe_refresh_hint": REFRESH_HINT,
        }
        return (json.dumps(document, indent=1) + "\n").encode("ascii")

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each anchor. Raises ValueError for an entry that SPIRE would not take."""
        return [_read_entry(key) for key in json.loads(artifact)["keys"]]
