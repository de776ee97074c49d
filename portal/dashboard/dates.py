"""What runs out, and when: OpenPGP keys and certificates of both sides, as rows of a picture and as a table."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q

from portal import pictures, words
from portal.dashboard.need import page
from portal.organizations.models import Organization
from portal.partnerships import queries as partnerships
from portal.partnerships.models import Partnership
from trust.certificates.models import Certificate
from trust.keys.models import OpenPgpKey
from trust.stores.models import StoreEntry
from trust.submissions.models import Submission, SubmissionCertificate

_PENDING = (Submission.State.WAITING_FOR_CALL, Submission.State.WAITING_FOR_APPROVAL)


@dataclass(frozen=True)
class Ending:
    """Something with an end. ``state`` is "pending" for what is not trusted yet, else ""."""

    label: str
    owner: str
    start: datetime
    end: datetime
    state: str = ""
    url: str = ""


def of_partnership(partnership: Partnership) -> list[Ending]:
    """Return what ends on either side of a partnership, the next first, in three queries."""
    return _sorted([*_trusted(Q(version__store__partnership=partnership)), *_pending(partnership), *_keys(partnership)])


def next_of(organization: Organization, now: datetime) -> Ending | None:
    """Return what ends next in anything the organization trusts, or of its own keys and those of its partners."""
    both = {organization.pk}
    for partnership in partnerships.of(organization):
        both |= {partnership.first_organization_id, partnership.second_organization_id}
    keys = OpenPgpKey.objects.filter(organization__in=both, state=OpenPgpKey.State.PROVEN, expires_at__gt=now)
    found = [
        *_trusted(Q(version__store__relying=organization)),
        *(_key(key) for key in keys.select_related("organization")),
    ]
    return next((each for each in _sorted(found) if each.end > now), None)


def _sorted(found: Iterable[Ending]) -> list[Ending]:
    unique = {(each.label, each.owner, each.end): each for each in found}
    return sorted(unique.values(), key=lambda each: each.end)


def _trusted(where: Q) -> Iterable[Ending]:
    current = StoreEntry.objects.filter(where, version__number=F("version__store__current_number"))
    for entry in current.select_related("certificate", "version__store__owner").defer("certificate__der"):
        yield _certificate(entry.certificate, entry.version.store.owner.name)


def _pending(partnership: Partnership) -> Iterable[Ending]:
    waiting = SubmissionCertificate.objects.filter(submission__partnership=partnership, submission__state__in=_PENDING)
    waiting = waiting.exclude(certificate__store_entries__version__store__partnership=partnership)
    for place in waiting.select_related("certificate", "submission__owner").defer(
        "certificate__der", "submission__content", "submission__signature"
    ):
        yield _certificate(place.certificate, place.submission.owner.name, state="pending")


def _keys(partnership: Partnership) -> Iterable[Ending]:
    both = (partnership.first_organization_id, partnership.second_organization_id)
    keys = OpenPgpKey.objects.filter(
        organization__in=both, state=OpenPgpKey.State.PROVEN, expires_at__isnull=False
    ).select_related("organization")
    return (_key(key) for key in keys)


def _key(key: OpenPgpKey) -> Ending:
    assert key.expires_at is not None
    label = f"OpenPGP key {words.concealed(key.fingerprint)}"
    return Ending(label, key.organization.name, key.key_created_at, key.expires_at)


def _certificate(certificate: Certificate, owner: str, state: str = "") -> Ending:
    return Ending(
        label=words.common_name(certificate.subject),
        owner=owner,
        start=certificate.not_before,
        end=certificate.not_after,
        state=state,
        url=page("certificate", certificate.sha256),
    )


def rows(endings: Iterable[Ending], window: pictures.Window) -> list[pictures.Row]:
    """Return the bars of an expiry picture."""
    return [
        pictures.bar(window=window, label=each.label, start=each.start, end=each.end, state=each.state, url=each.url)
        for each in endings
    ]
