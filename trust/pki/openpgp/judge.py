"""Deciding about one signature: first what stands in its packet, then what gpgv said about it.

Both return None when there is nothing to say against it, so that a verdict can only be added, not skipped.
"""

from datetime import UTC, datetime

from trust.pki import limits
from trust.pki.openpgp.gpgv import GpgvRun
from trust.pki.openpgp.ring import Ring
from trust.pki.openpgp.signature_packet import DIGESTS, PUBLIC_KEY_ALGORITHMS, WEAK_DIGESTS, SignaturePacket
from trust.pki.openpgp.verdicts import Verdict

# Keywords that may stand beside a good signature. KEYEXPIRED is among them: it is printed when *any* subkey
# has expired. Every keyword that is in no list makes the run inconclusive.
_HARMLESS = frozenset(
    {
        "NEWSIG",
        "KEY_CONSIDERED",
        "SIG_ID",
        "GOODSIG",
        "VALIDSIG",
        "PLAINTEXT",
        "PLAINTEXT_LENGTH",
        "KEYEXPIRED",
        "NOTATION_NAME",
        "NOTATION_FLAGS",
        "NOTATION_DATA",
        "POLICY_URL",
    }
)

# In the order of what to say when several apply: a bad signature is bad whatever its key.
_REFUSING = (
    ("BADSIG", Verdict.BAD),
    ("NO_PUBKEY", Verdict.UNKNOWN_KEY),
    ("REVKEYSIG", Verdict.KEY_REVOKED),
    ("KEYREVOKED", Verdict.KEY_REVOKED),
    ("EXPKEYSIG", Verdict.KEY_EXPIRED),
    ("EXPSIG", Verdict.SIGNATURE_EXPIRED),
    ("ERRSIG", Verdict.KEY_CANNOT_SIGN),
    ("NODATA", Verdict.NOT_A_SIGNATURE),
    ("UNEXPECTED", Verdict.NOT_A_SIGNATURE),
    ("FAILURE", Verdict.INCONCLUSIVE),
    ("ERROR", Verdict.INCONCLUSIVE),
)


def against_packet(signature: SignaturePacket, *, kind: int, ring: Ring, now: datetime) -> Verdict | None:
    """What speaks against a signature by what stands in it, before any cryptography.

    `kind` is the only signature type that is accepted: 0x00, or 0x01 for clearsigned text.
    """
    if signature.kind != kind:
        return Verdict.WRONG_TYPE
    if signature.digest in WEAK_DIGESTS:
        return Verdict.WEAK_DIGEST
    if signature.issuer_fingerprint is None:
        return Verdict.NO_ISSUER
    signer = ring.component(signature.issuer_fingerprint)
    if signer is None:
        return Verdict.UNKNOWN_KEY
    if signature.public_key_algorithm not in PUBLIC_KEY_ALGORITHMS or signature.digest not in DIGESTS:
        return Verdict.WEAK_KEY if signature.digest in DIGESTS else Verdict.WEAK_DIGEST
    is_rsa = signature.public_key_algorithm == 1
    if is_rsa and (signer.key.bits or 0) < limits.RSA_BITS_REFUSED_BELOW:
        return Verdict.WEAK_KEY
    if not signer.signed_back or not signer.claims_to_sign:
        return Verdict.KEY_CANNOT_SIGN
    return _against_moment(signature.created_at, signer.key.created_at, now)


def _against_moment(created_at: datetime | None, key_created_at: datetime, now: datetime) -> Verdict | None:
    if created_at is None:
        return Verdict.NOT_A_SIGNATURE
    if created_at > now + limits.CLOCK_SKEW:
        return Verdict.FROM_THE_FUTURE
    if created_at < key_created_at:
        return Verdict.KEY_CANNOT_SIGN
    return None


def against_run(run: GpgvRun, *, kind: int, signature: SignaturePacket, ring: Ring) -> Verdict | None:
    """What speaks against a signature by what gpgv said. Silence is failure."""
    if not run.ended:
        return Verdict.TOO_LARGE
    keywords = run.keywords()
    for keyword, verdict in _REFUSING:
        if keyword in keywords:
            return verdict
    if run.returncode != 0 or not run.clean or run.complained or not keywords <= _HARMLESS:
        return Verdict.INCONCLUSIVE
    if any(len(run.lines(keyword)) != 1 for keyword in ("NEWSIG", "GOODSIG", "VALIDSIG")):
        return Verdict.INCONCLUSIVE
    return None if _says_the_same(run, kind, signature, ring) else Verdict.INCONCLUSIVE


def _says_the_same(run: GpgvRun, kind: int, signature: SignaturePacket, ring: Ring) -> bool:
    """Whether VALIDSIG names a primary key of the ring and repeats what the packet says.

    Its fields: fingerprint, date, timestamp, expiry, version, reserved, public key algorithm, digest, class,
    primary fingerprint (GnuPG's doc/DETAILS).
    """
    fields = run.lines("VALIDSIG")[0].fields
    if len(fields) != 10:
        return False
    return (
        fields[0].lower() == signature.issuer_fingerprint
        and moment(fields[2]) == signature.created_at
        and fields[4] == "4"
        and fields[6] == str(signature.public_key_algorithm)
        and fields[7] == str(signature.digest)
        and fields[8] == f"{kind:02X}"
        and fields[9].lower() in ring.primaries
    )


def moment(text: str) -> datetime | None:
    """A moment of a status line: seconds since 1970, or ISO 8601 without separators after 2038."""
    try:
        if "T" in text:
            return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        return datetime.fromtimestamp(int(text), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
