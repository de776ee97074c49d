"""What every act on keys shares: the lock, the table of states, and whose components are whose."""

from portal import errors
from portal.organizations.models import Organization
from portal.partnerships import locks
from trust.keys import queries, rules
from trust.keys.models import KeyComponent, OpenPgpKey
from trust.keys.rules import Action
from trust.pki import limits
from trust.pki.openpgp.key_facts import KeyFacts
from trust.pki.openpgp.ring import RingKey


def lock(organization: Organization) -> None:
    # Without its key: rows of others that point to the organization are written meanwhile, and do not wait for us.
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    # Its keys count in all of its partnerships, and what happens to them moves calls and submissions there.
    locks.hold_all_of(organization.pk)


def held(key: OpenPgpKey, organization: Organization) -> OpenPgpKey:
    """Lock the organization's keys and read this one again. Raises NotFound if it is not theirs or gone."""
    lock(organization)
    return queries.get(organization, key.pk)


def require(key: OpenPgpKey, action: Action) -> Action:
    if not rules.may(key.state, action):
        label = key.get_state_display().lower()
        raise errors.Conflict(
            f"This key is {label}, so this cannot be done.", code=f"key_{key.state}", fix="Look again."
        )
    return action


def refuse_taken(organization: Organization, facts: KeyFacts) -> None:
    """Refuse a key of which another organization has proven a component. It is not told whose."""
    components = [facts.fingerprint, *facts.subkey_fingerprints]
    others = KeyComponent.objects.filter(fingerprint__in=components).exclude(key__organization=organization)
    own = KeyComponent.objects.filter(fingerprint__in=components, key__organization=organization)
    if others.exists() or own.exclude(key__fingerprint=facts.fingerprint).exists():
        raise taken()


def taken() -> errors.Conflict:
    return errors.Conflict(
        "This key, or one of its subkeys, is registered already.",
        code="key_taken",
        fix="Make a key of your own for this portal. If it is yours, tell whoever operates the portal.",
    )


def keep_components(key: OpenPgpKey, facts: KeyFacts) -> None:
    known = set(key.components.values_list("fingerprint", flat=True))
    for fingerprint in (facts.fingerprint, *facts.subkey_fingerprints):
        if fingerprint not in known:
            KeyComponent.objects.create(key=key, fingerprint=fingerprint)


def promote(organization: Organization) -> None:
    """Make the next key the active one if there is no active key any more."""
    if queries.active(organization) is None:
        OpenPgpKey.objects.filter(organization=organization, state__in=rules.HELD, is_next=True).update(is_next=False)


def ring_key(key: OpenPgpKey) -> RingKey:
    return RingKey(key.fingerprint, key.block.encode())


def refuse_oversized(answer: bytes) -> None:
    if len(answer) > limits.SIGNATURE_BYTES:
        raise errors.TooLarge("The signed text is too large.", fix="Send what gpg wrote, and nothing else.")
