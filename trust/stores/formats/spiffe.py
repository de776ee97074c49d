"""SPIFFE bundle (SPIFFE Trust Domain and Bundle 4, X509-SVID 6): the anchors as a JWK Set, and a map of such bundles.

A bundle names no trust domain: whoever reads it knows it from where it was asked. A map names one for each bundle. Only
``x509-svid`` entries with one certificate each and no ``kid`` are written, because SPIRE's reader fails on anything else.
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trust.stores.formats.content import AnchorsAsJson, DoesNotFit, StoreCertificate, StoreContent

REFRESH_HINT = 300  # seconds
_REFRESH_HINT = "spiffe_refresh_hint"
_CURVES = {"secp256r1": ("P-256", 32), "secp384r1": ("P-384", 48), "secp521r1": ("P-521", 66)}


def _number(value: int, length: int | None = None) -> str:
    octets = value.to_bytes(length or (value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _key_members(der: bytes) -> dict[str, Any]:
    """Return the parameters of a certificate's key as JWK members (RFC 7518 section 6, RFC 8037).

    Raises DoesNotFit for a kind of key that has none there, such as one on a Brainpool curve.
    """
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
    raise DoesNotFit("This kind of key has no place in a JWK.")


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
class SpiffeBundle(AnchorsAsJson):
    """The anchors for SPIRE, Envoy's SPIFFE validator and go-spiffe. No keys at all revoke everything."""

    extension: str = "spiffe.json"
    label: str = "SPIFFE bundle"

    def encode(self, content: StoreContent) -> bytes:
        """Return the bundle; the version's number is its sequence. Raises DoesNotFit for a key that JWK has no way to say."""
        document = {
            "keys": [entry(each) for each in content.anchors],
            "spiffe_sequence": content.number,
            _REFRESH_HINT: REFRESH_HINT,
        }
        return (json.dumps(document, indent=1) + "\n").encode("ascii")

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each anchor. Raises ValueError for an entry that SPIRE would not take."""
        return [_read_entry(key) for key in json.loads(artifact)["keys"]]


def bundle_map(bundles: Iterable[tuple[str, bytes]]) -> bytes:
    """Return one document with a bundle for each trust domain; a hint how often to ask belongs to the whole, and is left out.

    Raises ValueError when a trust domain comes twice: a reader must refuse that, so it is never written.
    """
    found: dict[str, dict[str, object]] = {}
    for trust_domain, bundle in bundles:
        if trust_domain in found:
            raise ValueError(f"{trust_domain} comes twice.")
        found[trust_domain] = {name: value for name, value in json.loads(bundle).items() if name != _REFRESH_HINT}
    return (json.dumps({"trust_domains": dict(sorted(found.items()))}, indent=1) + "\n").encode("ascii")


@dataclass(frozen=True)
class SpiffeBundleMap(AnchorsAsJson):
    """The bundle under the store's trust domain, for Envoy's SPIFFE validator. No keys at all revoke everything."""

    extension: str = "spiffe-map.json"
    label: str = "SPIFFE bundle map"

    def encode(self, content: StoreContent) -> bytes:
        """Return the map with one bundle. Raises DoesNotFit while the store stands for no trust domain, and as the bundle."""
        if not content.trust_domain:
            raise DoesNotFit("The store stands for no SPIFFE trust domain.")
        return bundle_map([(content.trust_domain, SpiffeBundle().encode(content))])

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each anchor. Raises ValueError for more than one trust domain, and what SPIRE would not take."""
        (bundle,) = json.loads(artifact)["trust_domains"].values()
        return [_read_entry(key) for key in bundle["keys"]]
