"""The documents that a partner signs: notices, and acknowledgements of them. One byte form each (RFC 8785)."""

import base64
import binascii
import hashlib
import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from trustx import gpgv, strict_json
from trustx.stops import Exit, Stop

FORMAT = "trust-exchange/notice/1"
ACKNOWLEDGEMENT = "trust-exchange/acknowledgement/1"
KINDS = (
    "certificate_revocation",
    "ca_revocation",
    "ca_renewal",
    "ca_rollover",
    "key_replacement",
    "endpoint_change",
    "policy_change",
    "maintenance",
    "contact_change",
    "incident_update",
    "withdrawal",
)
REVOCATIONS = KINDS[:2]
# RFC 5280 section 5.3.1, without what cannot be taken back.
REASONS = (
    "unspecified",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "privilegeWithdrawn",
    "aACompromise",
)
ANSWERS = ("acknowledged", "done", "cannot_act")
DISTRESS_LASTS_AT_MOST = timedelta(days=400)


def compose(kind: str, *, issuer: str, partner: str, now: datetime, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a new notice. ``issuer`` and ``partner`` are the short names in the portal."""
    return completed({"event_type": kind, "issuer": issuer, "partner": partner, **members}, now)


def completed(members: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return a notice with what every one has, where it is missing: format, a new message id, the moment. Raises Stop."""
    kind = members.get("event_type", members.get("change_type"))
    if kind not in KINDS:
        raise Stop(Exit.USAGE, f"{kind!r} is no kind of notice.", f"event_type is one of {', '.join(KINDS)}.")
    for name in ("issuer", "partner"):
        if not isinstance(members.get(name), str) or not members[name]:
            raise Stop(Exit.USAGE, f"The notice does not say its {name}.", f"Give --{name}, as the portal spells it.")
    common = {"format": FORMAT, "message_id": str(uuid.uuid4()), "timestamp": stamp(now)}
    return common | dict(members)


def canonical(members: Mapping[str, Any]) -> bytes:
    """Return the bytes to sign: the JSON Canonicalization Scheme (RFC 8785). Raises Stop."""
    try:
        return rfc8785.dumps(dict(members))
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise Stop(Exit.USAGE, f"The document cannot be written in one way only: {error}") from error


def read(content: bytes) -> dict[str, Any]:
    """Return the members of a JSON document. Raises Stop."""
    try:
        return strict_json.read_object(content)
    except strict_json.NotPlain as error:
        raise Stop(Exit.USAGE, str(error)) from error


def about_certificate(content: bytes) -> dict[str, str]:
    """Return the members that name a certificate, from its file (PEM or DER). Raises Stop for anything but exactly one."""
    try:
        found = (
            x509.load_pem_x509_certificates(content)
            if b"-----BEGIN" in content
            else [x509.load_der_x509_certificate(content)]
        )
    except ValueError as error:
        raise Stop(Exit.USAGE, f"The file holds no certificate that can be read: {error}") from error
    if len(found) != 1:
        raise Stop(Exit.USAGE, f"The file holds {len(found)} certificates.", "Give a file with the one it is about.")
    (certificate,) = found
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    members = {
        "certificate_sha256": certificate.fingerprint(hashes.SHA256()).hex(),
        "certificate_serial": f"{certificate.serial_number:x}",
        "certificate_issuer": certificate.issuer.rfc4514_string(),
        "certificate_name": str(names[0].value) if names else certificate.subject.rfc4514_string(),
    }
    return {name: value for name, value in members.items() if value}


def in_advance(now: datetime, days: int) -> dict[str, Any]:
    """Return the members that make a revocation one that is signed in advance and good for ``days``. Raises Stop."""
    if not 1 <= days <= DISTRESS_LASTS_AT_MOST.days:
        raise Stop(Exit.USAGE, f"A distress notice is good for 1 to {DISTRESS_LASTS_AT_MOST.days} days.")
    return {"distress": True, "valid_until": stamp(now + timedelta(days=days))}


def stamp(moment: datetime) -> str:
    """Return a moment as notices write it: 2026-11-24T02:18:00Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str, now: datetime) -> datetime:
    """Return a moment that somebody typed: with its time zone (2026-11-24T02:18:00Z), ``now``, or ``+4h`` and ``+30d``.

    Raises Stop.
    """
    units = {"m": "minutes", "h": "hours", "d": "days"}
    try:
        if text == "now":
            return now
        if text[:1] == "+" and text[-1:] in units:
            return now + timedelta(**{units[text[-1]]: int(text[1:-1])})
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
        if found.tzinfo is None:
            raise ValueError(text)
    except (ValueError, OverflowError) as error:
        raise Stop(
            Exit.USAGE, f"{text!r} is no moment with a time zone.", "Write 2026-11-24T02:18:00Z, now, +4h or +30d."
        ) from error
    return found


def payload_of(
    shown: Mapping[str, Any], *, pinned: Collection[str] = (), keys: bytes = b""
) -> tuple[bytes | None, str | None]:
    """Return the signed text of a notice as the portal shows it, and the fingerprint of the pinned key that signed it.

    Without ``pinned`` nothing is said of the signature: the fingerprint is None, and so is the text of a clear-signed notice.
    Raises Stop with NOT_COVERED when a pinned key did not sign it, and REFUSED when the portal's digest is of other bytes.
    """
    try:
        signed = shown["signed"]
        content = base64.b64decode(signed["content_base64"], validate=True)
        detached = signed["form"] == "detached"
        signature = str(signed["signature"]).encode() if detached else None
        digest = str(shown["payload_sha256"])
    except (KeyError, TypeError, binascii.Error) as error:
        raise Stop(
            Exit.REFUSED, f"The portal's answer is not that of a notice: {error}", "Is this the portal's address?"
        ) from error
    text, signer = content if detached else None, None
    if pinned:
        found = gpgv.signed(content=content, signature=signature, keys=keys, pinned=pinned)
        text, signer = found.content, found.fingerprint
    if text is not None and hashlib.sha256(text).hexdigest() != digest:
        raise Stop(
            Exit.REFUSED,
            "The digest that the portal names is not that of the signed notice.",
            "Do not answer it. Call your partner on a number that you have on paper.",
        )
    return text, signer


def acknowledgement(
    shown: Mapping[str, Any], answer: str, *, now: datetime, message: str = "", evidence: bytes | None = None
) -> dict[str, Any]:
    """Return the document that answers a notice, bound to the digest of its signed bytes."""
    members: dict[str, Any] = {
        "format": ACKNOWLEDGEMENT,
        "notice": shown["label"],
        "payload_sha256": shown["payload_sha256"],
        "answer": answer,
        "issuer": shown["receiver"],
        "timestamp": stamp(now),
    }
    if message:
        members["message"] = message
    if evidence is not None:
        members["evidence_sha256"] = hashlib.sha256(evidence).hexdigest()
    return members
