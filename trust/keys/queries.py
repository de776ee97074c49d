"""Reading keys: one's own, those of partners, and the ring against which a signature is checked."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from portal import errors
from portal.organizations.models import Organization
from portal.partnerships import queries as partnerships
from portal.partnerships.models import Partnership
from trust.keys import rules
from trust.keys.models import OpenPgpKey
from trust.keys.rules import State
from trust.pki.openpgp.ring import RingKey
from trust.pki.openpgp.verdicts import SignatureReport, Verdict
from trust.verifications import queries as verifications
from trust.verifications.models import ItemKind, Verification, VerificationRequest


def of(organization: Organization) -> QuerySet[OpenPgpKey]:
    """Return the keys of ``organization``, the newest first."""
    return of_any([organization])


def of_any(organizations: Iterable[Organization]) -> QuerySet[OpenPgpKey]:
    """Return the keys of several organizations, the newest first."""
    return OpenPgpKey.objects.filter(organization__in=list(organizations)).select_related(
        "organization", "uploaded_by", "replaces"
    )


def get(organization: Organization, key_id: uuid.UUID | str) -> OpenPgpKey:
    """Return one of the organization's own keys. Raises NotFound for strangers as for what does not exist."""
    found = of(organization).filter(pk=key_id).first()
    if found is None:
        raise errors.NotFound()
    return found


def visible_to(organization: Organization) -> QuerySet[OpenPgpKey]:
    """Return the keys that members may see: their own, and those that their partners have proven."""
    proven = Q(partnerships.partners_of(organization), proven_at__isnull=False)
    return OpenPgpKey.objects.filter(Q(organization=organization) | proven).select_related(
        "organization", "uploaded_by", "replaces"
    )


def get_visible(organization: Organization, key_id: uuid.UUID | str) -> OpenPgpKey:
    """Return a key of one's own or of a partner. Raises NotFound otherwise."""
    found = visible_to(organization).filter(pk=key_id).first()
    if found is None:
        raise errors.NotFound()
    return found


def active(organization: Organization) -> OpenPgpKey | None:
    """Return the key that the organization signs with, proven or not yet, or None."""
    return of(organization).filter(state__in=rules.HELD, is_next=False).first()


def following(organization: Organization) -> OpenPgpKey | None:
    """Return the next key, or None."""
    return of(organization).filter(state__in=rules.HELD, is_next=True).first()


def ring_for(organization: Organization, *, now: datetime) -> list[RingKey]:
    """Return the keys that may sign for ``organization``: proven, neither revoked nor replaced.

    An expired key stays in the ring, so that the check can say "expired" rather than "unknown"; it refuses either way.
    Whether a relying organization has *verified* the key is asked afterwards, with ``counts_for``.
    """
    return [
        RingKey(key.fingerprint, key.block.encode())
        for key in of(organization).filter(state=State.PROVEN).order_by("created_at")
    ]


def signer(organization: Organization, report: SignatureReport) -> OpenPgpKey | None:
    """Return the organization's key that made a good signature, or None."""
    if not report.is_good or report.primary_fingerprint is None:
        return None
    return of(organization).filter(fingerprint=report.primary_fingerprint, state=State.PROVEN).first()


def explain(organization: Organization, report: SignatureReport) -> tuple[str, str]:
    """Return sentence and fix for a report, in better words when the unknown key is one that the organization had.

    The issuer in a signature is only a claim, so this is for words and never for a decision.
    """
    if report.verdict is not Verdict.UNKNOWN_KEY or not report.signer_hint:
        return report.sentence, report.fix
    known = of(organization).filter(Q(fingerprint=report.signer_hint) | Q(components__fingerprint=report.signer_hint))
    key = known.distinct().first()
    if key is None:
        return report.sentence, report.fix
    return {
        State.UPLOADED: (
            "This key was uploaded, but nobody has proven yet that you hold it.",
            "Sign the text on the key's page, then upload the file again.",
        ),
        State.REVOKED: ("The key that made this signature was revoked.", "Sign with a key that is in force."),
        State.REPLACED: (
            "The key that made this signature was replaced.",
            "Sign with the key that followed it.",
        ),
    }.get(State(key.state), (report.sentence, report.fix))


def is_in_force(key: OpenPgpKey, now: datetime) -> bool:
    """Say whether new signatures by the key can count, as far as its owner is concerned."""
    return rules.is_in_force(key.state, expires_at=key.expires_at, now=now)


def counts_for(key: OpenPgpKey, relying: Organization, now: datetime, *, max_age_days: int | None = None) -> bool:
    """Say whether ``relying`` believes new signatures by the key: in force, and verified by a call and a second person.

    ``max_age_days`` is the agreement's limit on how old a verification may be.
    """
    return is_in_force(key, now) and verifications.is_verified(
        relying, ItemKind.OPENPGP_KEY, key.fingerprint, now, max_age_days=max_age_days
    )


def is_believed(key: OpenPgpKey, request: VerificationRequest | None, now: datetime) -> bool:
    """Say the same as ``counts_for`` where the caller has read the relying organization's open request about the key."""
    return is_in_force(key, now) and request is not None and verifications.counts(request, now)


def counting(
    owner: Organization, relying: Organization, now: datetime, *, max_age_days: int | None = None
) -> list[OpenPgpKey]:
    """Return the keys of ``owner`` whose new signatures ``relying`` believes."""
    proven = of(owner).filter(state=State.PROVEN)
    return [key for key in proven if counts_for(key, relying, now, max_age_days=max_age_days)]


@dataclass(frozen=True)
class Standing:
    """A key as one relying organization sees it: the word that is shown, and the request behind it."""

    key: OpenPgpKey
    partnership: Partnership
    relying: Organization
    state: str
    request: VerificationRequest | None

    @property
    def is_verified(self) -> bool:
        return self.state == "verified"


@dataclass(frozen=True)
class Around:
    """What stands around many keys, read at once: the partnerships of their owners, and the requests about them."""

    partnerships: Mapping[uuid.UUID, Sequence[Partnership]]
    requests: Mapping[tuple[uuid.UUID, str], VerificationRequest]


def around(found: Iterable[OpenPgpKey]) -> Around:
    """Return what stands around these keys, in two queries however many they are."""
    known = list(found)
    owners = {key.organization_id for key in known}
    theirs: dict[uuid.UUID, list[Partnership]] = {owner: [] for owner in owners}
    for each in partnerships.of_any(owners).exclude(state="ended"):
        for owner in owners & {each.first_organization_id, each.second_organization_id}:
            theirs[owner].append(each)
    return Around(theirs, verifications.requests_about(ItemKind.OPENPGP_KEY, {key.fingerprint for key in known}))


def _request(key: OpenPgpKey, relying: Organization, known: Around | None) -> VerificationRequest | None:
    if known is not None:
        return known.requests.get((relying.pk, key.fingerprint))
    return verifications.request_for(relying, ItemKind.OPENPGP_KEY, key.fingerprint)


def standing(key: OpenPgpKey, partnership: Partnership, now: datetime, known: Around | None = None) -> Standing:
    """Return how the other organization of ``partnership`` sees the key."""
    relying = partnership.other(key.organization)
    request = _request(key, relying, known)
    verified = request is not None and verifications.counts(request, now)
    state = rules.shown_state(key.state, expires_at=key.expires_at, verified=verified, now=now)
    return Standing(key, partnership, relying, state, request)


def standings(key: OpenPgpKey, now: datetime, known: Around | None = None) -> list[Standing]:
    """Return how each partner of the key's owner sees it, in the order of the partnerships.

    Whoever asks about many keys reads what stands ``around`` them first.
    """
    theirs = (
        known.partnerships[key.organization_id] if known else partnerships.of(key.organization).exclude(state="ended")
    )
    return [standing(key, each, now, known) for each in theirs]


def of_side(partnership: Partnership, owner: Organization, viewer: Organization, now: datetime) -> list[Standing]:
    """Return the keys of one side of a partnership, worst and newest first, as the viewer may see them."""
    keys = of(owner) if owner == viewer else of(owner).filter(proven_at__isnull=False)
    order = {"revoked": 0, "expired": 1, "uploaded": 2, "proven": 2, "verified": 3, "replaced": 4}
    return sorted((standing(key, partnership, now) for key in keys), key=lambda each: order[each.state])


def record_of(seen: Standing) -> Verification | None:
    """Return the call behind a verified key, or None."""
    if not seen.is_verified:
        return None
    return verifications.approved_record(seen.relying, ItemKind.OPENPGP_KEY, seen.key.fingerprint)


def may_see_in_full(key: OpenPgpKey, viewer: Organization, now: datetime, known: Around | None = None) -> bool:
    """Say whether pages show the whole fingerprint to ``viewer``.

    Before its call is approved a relying organization sees the ends only, and as long as one call is owed so does the owner:
    who can read it off the portal does not read it from their own record, and then the call would prove nothing.
    """
    if viewer == key.organization:
        partners = standings(key, now, known)
        return bool(partners) and all(_is_settled(each, now) for each in partners)
    request = _request(key, viewer, known)
    return request is not None and verifications.counts(request, now)


def _is_settled(each: Standing, now: datetime) -> bool:
    return each.request is not None and verifications.counts(each.request, now)
