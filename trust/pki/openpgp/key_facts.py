"""What is known about an uploaded public key, and what we have to say against it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from trust.pki import limits
from trust.pki.openpgp import key_packet
from trust.pki.openpgp.components import Component, PublicKeyBlock
from trust.pki.openpgp.key_codes import KeyFinding, Severity, finding
from trust.pki.openpgp.signature_packet import CERTIFICATIONS, WEAK_DIGESTS, Kind
from trust.pki.text import has_controls

_CURVES_TAKEN = frozenset({"NIST P-256", "NIST P-384", "NIST P-521", "Ed25519"})


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
        found.append(finding("key_cannot_sign"))
    order = list(Severity)
    return tuple(sorted(found, key=lambda each: order.index(each.severity)))


def _state(block: PublicKeyBlock, *, expires_at: datetime | None, revoked: bool, now: datetime) -> list[KeyFinding]:
    created_at = block.primary.key.created_at
    if revoked:
        return [finding("key_revoked")]
    if created_at > now + limits.CLOCK_SKEW:
        return [finding("key_from_the_future")]
    if expires_at is None:
        return [finding("key_no_expiry")]
    return _expiry(expires_at, now)


def _expiry(expires_at: datetime, now: datetime) -> list[KeyFinding]:
    left: timedelta = expires_at - now
    if left <= timedelta(0):
        return [finding("key_expired")]
    if left < limits.KEY_EXPIRY_NEAR:
        return [finding("key_expires_soon", days=left.days)]
    if left > limits.KEY_LIFETIME_LONGEST:
        return [finding("key_lives_long")]
    return []


def _strength(block: PublicKeyBlock) -> list[KeyFinding]:
    found = []
    for component in (block.primary, *block.subkeys):
        if not (component.is_primary or component.claims_to_sign):
            continue
        weakness = _weakness(component)
        if weakness:
            algorithm, reason = weakness
            found.append(finding("key_weak_algorithm", algorithm=algorithm, reason=reason))
        elif _is_rsa(component) and (component.key.bits or 0) < limits.RSA_BITS_WARNED_BELOW:
            found.append(finding("key_rsa_short", bits=component.key.bits))
    return found


def _is_rsa(component: Component) -> bool:
    return component.key.algorithm in key_packet.RSA_ALGORITHMS


def _weakness(component: Component) -> tuple[str, str] | None:
    """Return the algorithm and why it is not taken, or None."""
    key = component.key
    if _is_rsa(component):
        bits = key.bits or 0
        if not limits.RSA_BITS_REFUSED_BELOW <= bits <= limits.RSA_BITS_LARGEST:
            return f"RSA with {bits} bits", f"at least {limits.RSA_BITS_REFUSED_BELOW} are needed"
        return None
    if key.algorithm in (key_packet.ECDSA, key_packet.EDDSA) and key.curve in _CURVES_TAKEN:
        return None
    return key.algorithm_name, "use Ed25519, NIST P-256, P-384, P-521 or RSA"


def _contents(block: PublicKeyBlock) -> list[KeyFinding]:
    found = [
        finding("key_subkey_not_confirmed", fingerprint=subkey.key.fingerprint)
        for subkey in block.subkeys
        if subkey.claims_to_sign and not subkey.signed_back
    ]
    if any(has_controls(user_id.decode("utf-8", "backslashreplace")) for user_id in block.user_ids):
        found.append(finding("key_user_id_characters"))
    if _newest_is_weak(block):
        found.append(finding("key_weak_self_signature"))
    return found


def _newest_is_weak(block: PublicKeyBlock) -> bool:
    """Whether one of the self-signatures and bindings in the stripped block uses a weak digest."""
    kinds = {*CERTIFICATIONS, Kind.DIRECT_KEY}
    signatures = [item for item in block.self_signatures if item.kind in kinds]
    signatures += [item for subkey in block.subkeys if subkey.claims_to_sign for item in subkey.bindings]
    return any(item.digest in WEAK_DIGESTS for item in signatures)
