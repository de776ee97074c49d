"""Reading each format of a store strictly, so that what the partner's key covers is what the service will trust.

A program that reads a file takes more than certificates out of it: an Envoy secret can say that anybody is accepted, a Bundle of
trust-manager that the public CAs are added, a SPIFFE bundle can name keys. So beside the certificates nothing is taken that could
widen trust: every object has exactly the members that it must have.
"""

import hmac
import io
import re
import tarfile
import zipfile
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha1
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509 import load_der_x509_certificate

from trustx.opening import PASSWORD, pkcs12_certificates

# The formats in which every certificate counts as a trust anchor, and which therefore hold the anchors alone.
ANCHORS_ONLY = {
    "anchors.pem", "p12", "jks", "hashed.tar", "spiffe.json", "spiffe-map.json", "clustertrustbundle.json", "trust-manager.json",
}  # fmt: skip
_MOST_MEMBERS, _MOST_BYTES = 2000, 20 * 1024 * 1024
_EMPTY_P12 = bytes.fromhex("3016020103301106092a864886f70d010701a00404023000")
_DER_FILE = re.compile(r"(anchors|intermediates)/[0-9a-f]{64}\.der")
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_NOBODY = {"verify_certificate_hash": ["0" * 64]}

Pem = Callable[[bytes], list[bytes]]


def of_p12(content: bytes) -> list[bytes]:
    """Return the DER of each entry of Java's PKCS#12. Raises ValueError."""
    if content == _EMPTY_P12:
        return []
    return pkcs12_certificates(content)


def of_p7b(content: bytes) -> list[bytes]:
    """Return the DER of each certificate of a PKCS#7 (RFC 2315). Raises ValueError."""
    return [each.public_bytes(Encoding.DER) for each in pkcs7.load_der_pkcs7_certificates(content)]


def of_jks(content: bytes) -> list[bytes]:
    """Return the DER of each entry of a JKS, walking it as Java does. Raises ValueError."""
    body, digest = content[:-20], content[-20:]
    # SHA-1 is what the format prescribes.
    made = sha1(PASSWORD.decode().encode("utf-16-be") + b"Mighty Aphrodite" + body).digest()  # noqa: S324
    if not hmac.compare_digest(made, digest):
        raise ValueError("its digest is wrong")
    file = io.BytesIO(body)

    def take(length: int) -> bytes:
        taken = file.read(length)
        if len(taken) != length:
            raise ValueError("it is cut off")
        return taken

    def number(length: int = 4) -> int:
        return int.from_bytes(take(length), "big")

    if (number(), number()) != (0xFEEDFEED, 2):
        raise ValueError("it is no JKS of version 2")
    found = []
    for _ in range(number()):
        kind = number()
        take(number(2))  # its name
        take(8)  # its date
        if kind != 2 or take(number(2)) != b"X.509":
            raise ValueError("an entry is no trusted certificate")
        found.append(take(number()))
    if file.read(1):
        raise ValueError("something comes after the last entry")
    return found


def of_der_zip(content: bytes) -> list[bytes]:
    """Return each ``.der`` of the archive. Raises ValueError."""
    found, left = [], _MOST_BYTES
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if len(archive.infolist()) > _MOST_MEMBERS:
            raise ValueError("it holds too many files")
        for member in archive.infolist():
            with archive.open(member) as file:
                read = file.read(left + 1)
            left -= len(read)
            if left < 0:
                raise ValueError("it unpacks into too much")
            if _DER_FILE.fullmatch(member.filename):
                found.append(read)
            elif member.filename != "manifest.json":
                raise ValueError("a file does not belong into it")
    return found


def of_hashed_tar(content: bytes, pem: Pem) -> list[bytes]:
    """Return the certificate in each file of a hashed directory. Raises ValueError."""
    found = []
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        for number, member in enumerate(archive):
            file = archive.extractfile(member) if member.isreg() else None
            # A sparse file of a few bytes unpacks into as many as it says.
            if file is None or member.issparse() or "/" in member.name or number >= _MOST_MEMBERS:
                raise ValueError("a file does not belong into it")
            found += pem(file.read())
    return found


def of_configmap(said: Any, pem: Pem) -> list[bytes]:
    """Return what a ConfigMap holds; ``anchors.pem`` in it is part of ``ca.pem``. Raises ValueError."""
    _require(said, "kind", "ConfigMap", {"apiVersion", "kind", "metadata", "immutable", "data"})
    _exactly(said["data"], {"ca.pem", "anchors.pem"})
    found, anchors = (pem(said["data"][name].encode("ascii")) for name in ("ca.pem", "anchors.pem"))
    if not set(anchors) <= set(found):
        raise ValueError("its anchors are not among its certificates")
    return found


def of_cluster_trust_bundle(said: Any, pem: Pem) -> list[bytes]:
    """Return what a ClusterTrustBundle holds. Raises ValueError."""
    _require(said, "kind", "ClusterTrustBundle", {"apiVersion", "kind", "metadata", "spec"})
    _exactly(said["spec"], {"trustBundle"})
    return pem(said["spec"]["trustBundle"].encode("ascii"))


def of_trust_manager(said: Any, pem: Pem) -> list[bytes]:
    """Return what a Bundle of trust-manager holds: one inline source, and no other. Raises ValueError."""
    _require(said, "kind", "Bundle", {"apiVersion", "kind", "metadata", "spec"})
    _exactly(said["spec"], {"sources", "target"})
    (source,) = said["spec"]["sources"]
    _exactly(source, {"inLine"})
    return pem(source["inLine"].encode("ascii"))


def of_envoy_sds(said: Any, pem: Pem) -> list[bytes]:
    """Return whom an Envoy secret lets in: by these CAs, or nobody. Raises ValueError."""
    _exactly(said, {"version_info", "resources"})
    (secret,) = said["resources"]
    _exactly(secret, {"@type", "name", "validation_context"})
    if secret["validation_context"] == _NOBODY:
        return []
    _exactly(secret["validation_context"], {"trusted_ca"})
    _exactly(secret["validation_context"]["trusted_ca"], {"inline_string"})
    found = pem(secret["validation_context"]["trusted_ca"]["inline_string"].encode("ascii"))
    if not found:
        raise ValueError("Envoy would check nothing at all")
    return found


def of_spiffe(said: Any) -> list[bytes]:
    """Return what a SPIFFE bundle holds: one certificate an entry, and no key without one. Raises ValueError."""
    _exactly(said, {"keys", "spiffe_sequence", "spiffe_refresh_hint"} & set(said) | {"keys"})
    found = []
    for key in said["keys"]:
        (one,) = key["x5c"]
        der = b64decode(one, validate=True)
        # A reader may take the key from the entry's own members, so they must be those of its certificate (RFC 7517 4.7).
        if key != {"use": "x509-svid", "x5c": [one], **_key_members(der)}:
            raise ValueError("an entry is no certificate of SPIFFE, or names another key than its certificate")
        found.append(der)
    return found


def _key_members(der: bytes) -> dict[str, str]:
    """Return a certificate's key as JWK members (RFC 7518 section 6, RFC 8037). Raises ValueError for a kind without any."""
    key = load_der_x509_certificate(der).public_key()
    match key:
        case rsa.RSAPublicKey():
            of_rsa = key.public_numbers()
            return {"kty": "RSA", "n": _number(of_rsa.n, (key.key_size + 7) // 8), "e": _number(of_rsa.e)}
        case ec.EllipticCurvePublicKey() if key.curve.name in _CURVES:
            point, length = key.public_numbers(), (key.key_size + 7) // 8
            return {
                "kty": "EC", "crv": _CURVES[key.curve.name],
                "x": _number(point.x, length), "y": _number(point.y, length),
            }  # fmt: skip
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            curve = "Ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else "Ed448"
            return {"kty": "OKP", "crv": curve, "x": _base64url(key.public_bytes_raw())}
    raise ValueError("this kind of key has no place in a JWK")


def _number(value: int, length: int = 0) -> str:
    return _base64url(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def _base64url(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def of_spiffe_map(said: Any) -> list[bytes]:
    """Return what the one bundle of a SPIFFE bundle map holds. Raises ValueError."""
    _exactly(said, {"trust_domains"})
    (bundle,) = said["trust_domains"].values()
    return of_spiffe(bundle)


def _require(said: Any, name: str, value: str, members: set[str]) -> None:
    _exactly(said, members)
    if said[name] != value:
        raise ValueError(f"it is no {value}")


def _exactly(said: Any, members: set[str]) -> None:
    if not isinstance(said, dict) or set(said) != members:
        raise ValueError("it has other members than it must have")


BINARY: dict[str, Callable[[bytes], list[bytes]]] = {
    "p12": of_p12, "p7b": of_p7b, "jks": of_jks, "der.zip": of_der_zip,
}  # fmt: skip
OBJECTS: dict[str, Callable[[Any, Pem], list[bytes]]] = {
    "configmap.json": of_configmap,
    "clustertrustbundle.json": of_cluster_trust_bundle,
    "trust-manager.json": of_trust_manager,
    "envoy-sds.json": of_envoy_sds,
    "spiffe.json": lambda said, _: of_spiffe(said),
    "spiffe-map.json": lambda said, _: of_spiffe_map(said),
}
