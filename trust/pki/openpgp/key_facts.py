"""What is known about an uploaded public key, and what we have to say against it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from trust.pki import limits
from trust.pki.openpgp import key_packet
from trust.pki.openpgp.components import Component, PublicKeyBlock
from trust.pki.openpgp.signature_packet import CERTIFICATIONS, WEAK_DIGESTS, Kind
from trust.pki.text import has_controls

_CURVES_TAKEN = frozenset({"NIST P-256", "NIST P-384", "NIST P-521", "Ed25519"})


class Severity(StrEnum):
    """How much a finding weighs: `REFUSE` keeps the key out."""

    REFUSE = "refuse"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class KeyFinding:
    """One thing to say about a key: a stable code, a sentence, and what to do."""

    code: str
    severity: Severity
    sentence: str
    fix: str


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A public key as it was read.

    Attributes:
        fingerprint: full fingerprint of the primary key, lower-case hex. The only identity of a key.
        version: of the key format, 4.
        subkey_fingerprints: signing subkeys that confirm belonging to this key. Claimed ones do not count.
        algorithm: for example ``Ed25519``, ``NIST P-256``, ``RSA``.
        bits: size of an RSA modulus or of the curve.
        curve: name of the curve, None for RSA.
        expires_at: None when the key never expires.
        revoked: whether the key carries its own revocation.
        claimed_user_ids: what the key says about its owner, escaped. Self-chosen text: never match on it.
        can_sign_now: whether some component may sign documents at the given moment.
        findings: everything there is to say, refusals first.
        public_block: the key stripped to its minimum, armored. This is what to store.
    """

    fingerprint: str
    version: int
    subkey_fingerprints: tuple[str, ...]
    algorithm: str
    bits: int | None
    curve: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked: bool
    claimed_user_ids: tuple[str, ...]
    can_sign_now: bool
    findings: tuple[KeyFinding, ...]
    public_block: bytes

    @property
    def is_refused(self) -> bool:
        """Whether a finding keeps the key out."""
        return any(finding.severity is Severity.REFUSE for finding in self.findings)


@dataclass(frozen=True, slots=True)
class ComponentState:
    """What gpg lists about one component: its fingerprint, state and moments."""

    fingerprint: str
    revoked: bool
    may_sign: bool
    expires_at: datetime | None


_NEW_KEY = "Make a new key: `gpg --quick-generate-key 'Your company CA signing' ed25519 sign 2y`."
_EXTEND = "Set it with `gpg --quick-set-expire FINGERPRINT 2y`, export the key and upload it again."


def may_sign(component: Component, state: ComponentState, now: datetime) -> bool:
    """Whether a component may sign documents at `now`."""
    return (
        state.may_sign
        and not state.revoked
        and component.signed_back
        and component.claims_to_sign
        and component.key.created_at <= now + limits.CLOCK_SKEW
        and (state.expires_at is None or state.expires_at > now)
        and not _weakness(component)
    )


def judged(
    block: PublicKeyBlock, *, expires_at: datetime | None, revoked: bool, can_sign_now: bool, now: datetime
) -> tuple[KeyFinding, ...]:
    """All findings about a key, refusals first."""
    found = [
        *_state(block, expires_at=expires_at, revoked=revoked, now=now),
        *_strength(block),
        *_contents(block),
    ]
    if not can_sign_now and not found:
        found.append(
            _refuse(
                "key_cannot_sign",
                "No part of this key may sign documents now.",
                "Add a signing subkey with `gpg --quick-add-key FINGERPRINT ed25519 sign 2y`, and upload again.",
            )
        )
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def _state(block: PublicKeyBlock, *, expires_at: datetime | None, revoked: bool, now: datetime) -> list[KeyFinding]:
    created_at = block.primary.key.created_at
    if revoked:
        return [_refuse("key_revoked", "This key carries its own revocation.", _NEW_KEY)]
    if created_at > now + limits.CLOCK_SKEW:
        return [
            _refuse(
                "key_from_the_future",
                "This key says that it was made in the future.",
                "Set the clock of the machine that makes the key, and make a new one.",
            )
        ]
    if expires_at is None:
        return [_warn("key_no_expiry", "This key never expires.", _EXTEND)]
    return _expiry(expires_at, now)


def _expiry(expires_at: datetime, now: datetime) -> list[KeyFinding]:
    left: timedelta = expires_at - now
    if left <= timedelta(0):
        return [_refuse("key_expired", "This key has expired.", _EXTEND)]
    if left < limits.KEY_EXPIRY_NEAR:
        return [_warn("key_expires_soon", f"This key expires in {left.days} days.", _EXTEND)]
    if left > limits.KEY_LIFETIME_LONGEST:
        return [_warn("key_lives_long", "This key lives longer than five years.", _EXTEND)]
    return []


def _strength(block: PublicKeyBlock) -> list[KeyFinding]:
    found = []
    for component in (block.primary, *block.subkeys):
        if not (component.is_primary or component.claims_to_sign):
            continue
        weakness = _weakness(component)
        if weakness:
            found.append(_refuse("key_weak_algorithm", weakness, _NEW_KEY))
        elif _is_rsa(component) and (component.key.bits or 0) < limits.RSA_BITS_WARNED_BELOW:
            sentence = f"RSA with {component.key.bits} bits is accepted for now; 3072 is the coming minimum."
            found.append(_warn("key_rsa_short", sentence, _NEW_KEY))
    return found


def _is_rsa(component: Component) -> bool:
    return component.key.algorithm in key_packet.RSA_ALGORITHMS


def _weakness(component: Component) -> str | None:
    """Why this component's algorithm is not taken, as a sentence, or None."""
    key = component.key
    if _is_rsa(component):
        bits = key.bits or 0
        if not limits.RSA_BITS_REFUSED_BELOW <= bits <= limits.RSA_BITS_LARGEST:
            return f"RSA with {bits} bits is not accepted: at least {limits.RSA_BITS_REFUSED_BELOW} are needed."
        return None
    if key.algorithm in (key_packet.ECDSA, key_packet.EDDSA) and key.curve in _CURVES_TAKEN:
        return None
    return f"{key.algorithm_name} is not accepted: use Ed25519, NIST P-256, P-384, P-521 or RSA."


def _contents(block: PublicKeyBlock) -> list[KeyFinding]:
    found = []
    for subkey in block.subkeys:
        if subkey.claims_to_sign and not subkey.signed_back:
            sentence = (
                f"Signing subkey {subkey.key.fingerprint} does not confirm that it belongs to this key. "
                "It may be somebody else's."
            )
            fix = "Run `gpg --edit-key KEY cross-certify save`, or remove the subkey, and upload it again."
            found.append(_refuse("key_subkey_not_confirmed", sentence, fix))
    if any(has_controls(user_id.decode("utf-8", "backslashreplace")) for user_id in block.user_ids):
        found.append(
            _refuse(
                "key_user_id_characters",
                "A user ID of this key holds control or direction characters.",
                "Add a plain user ID, delete the other one (`gpg --edit-key KEY`), and upload it again.",
            )
        )
    if _newest_is_weak(block):
        found.append(weak_self_signature())
    return found


def weak_self_signature() -> KeyFinding:
    """The finding for keys that are held together by SHA-1 or MD5."""
    return _refuse(
        "key_weak_self_signature",
        "The key's own signatures use a digest that can be forged.",
        "Renew them with `gpg --cert-digest-algo SHA256 --quick-set-expire FINGERPRINT 2y`; upload again.",
    )


def _newest_is_weak(block: PublicKeyBlock) -> bool:
    """Whether one of the self-signatures and bindings in the stripped block uses a weak digest."""
    kinds = {*CERTIFICATIONS, Kind.DIRECT_KEY}
    signatures = [item for item in block.self_signatures if item.kind in kinds]
    signatures += [item for subkey in block.subkeys if subkey.claims_to_sign for item in subkey.bindings]
    return any(item.digest in WEAK_DIGESTS for item in signatures)


def _refuse(code: str, sentence: str, fix: str) -> KeyFinding:
    return KeyFinding(code, Severity.REFUSE, sentence, fix)


def _warn(code: str, sentence: str, fix: str) -> KeyFinding:
    return KeyFinding(code, Severity.WARNING, sentence, fix)
