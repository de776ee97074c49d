"""What only the portal can say about an upload, because it remembers: exposed keys, anchors of others, and what is newer."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from trust.pki.about import about
from trust.pki.certificates import CertificateFacts
from trust.pki.codes import finding
from trust.pki.crl_rules import check_numbers
from trust.pki.examination import Examination
from trust.pki.findings import Finding
from trust.pki.manifest import Manifest, check_created, check_parties
from trust.pki.openpgp.verdicts import SignatureReport
from trust.submissions import queries
from trust.submissions.models import CrlNumber, RefusedKey, Submission, SubmissionCertificate


def remembered(
    examination: Examination, report: SignatureReport | None, *, owner: Organization, partnership: Partnership
) -> Iterator[Finding]:
    """Yield what the portal knows about an upload of ``owner`` from before, and what its manifest has to do with it."""
    reading = examination.reading
    offered = list(reading.certificates)
    yield from _exposed(offered)
    yield from _of_others(offered, owner)
    yield from check_numbers(examination.numbered_crls, _known_numbers(examination, owner), reading.places)
    signed_at = report.created_at if report else None
    if reading.manifest is None:
        yield finding("no_manifest")
        yield from _older(signed_at, owner, partnership)
        return
    yield from check_parties(reading.manifest, partner=owner.slug, audience=partnership.other(owner).slug)
    if signed_at is not None:
        yield from check_created(reading.manifest, signed_at)
    yield from _rollback(reading.manifest, owner, partnership) or _older(signed_at, owner, partnership)


def _exposed(offered: Iterable[CertificateFacts]) -> Iterator[Finding]:
    listed = list(offered)
    exposed = set(RefusedKey.objects.filter(pk__in=[one.spki_sha256 for one in listed]).values_list("pk", flat=True))
    yield from (about(one, "exposed_key") for one in listed if one.spki_sha256 in exposed)


def _of_others(offered: Iterable[CertificateFacts], owner: Organization) -> Iterator[Finding]:
    """Anchors that another organization offers; the key alone tells, because a CA can be issued anew under another name."""
    listed = list(offered)
    places = (
        SubmissionCertificate.objects.filter(
            certificate__spki_sha256__in=[one.spki_sha256 for one in listed], role=SubmissionCertificate.Role.ANCHOR
        )
        .exclude(submission__owner=owner)
        .exclude(submission__state__in=queries.NOT_TAKEN)
        .values_list("certificate_id", "certificate__spki_sha256")
    )
    certificates, keys = {digest for digest, _ in places}, {key for _, key in places}
    for one in listed:
        if one.sha256 in certificates:
            yield about(one, "anchor_of_another_partner")
        elif one.spki_sha256 in keys:
            yield about(one, "key_of_another_partner")


def _known_numbers(examination: Examination, owner: Organization) -> dict[str, int]:
    keys = {key for key, _, _ in examination.numbered_crls}
    known = CrlNumber.objects.filter(owner=owner, spki_sha256__in=keys).values_list("spki_sha256", "number")
    return {key: int(number, 16) for key, number in known}


def _rollback(manifest: Manifest, owner: Organization, partnership: Partnership) -> list[Finding]:
    newest = queries.newest_in_sequence(owner, partnership)
    if newest is None or newest.sequence is None or manifest.sequence > newest.sequence:
        return []
    return [finding("rollback", sequence=manifest.sequence, number=newest.number, newest=newest.sequence)]


def _older(signed_at: datetime | None, owner: Organization, partnership: Partnership) -> list[Finding]:
    newer = (
        Submission.objects.filter(partnership=partnership, owner=owner, signed_at__gt=signed_at)
        .exclude(state__in=queries.NOT_TAKEN)
        .order_by("-signed_at")
        .first()
        if signed_at
        else None
    )
    if newer is None or signed_at is None:
        return []
    return [finding("older_than_newest", signed=signed_at.strftime("%Y-%m-%d %H:%M UTC"), number=newer.number)]
