"""Reading submissions, always from the point of view of one organization."""

import uuid

from django.db.models import Q, QuerySet

from portal import errors
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from trust.submissions import rules
from trust.submissions.models import RefusedKey, Submission


def visible_to(organization: Organization) -> QuerySet[Submission]:
    """Return the submissions that members of an organization may see, newest first, without their bytes.

    Those that it sent, and those that it received and that passed the checks: what was refused at the door is shown to nobody
    but the uploader's organization.
    """
    received = Q(relying=organization) & ~Q(state=rules.State.REFUSED, decided_by=None)
    return (
        Submission.objects.filter(Q(owner=organization) | received)
        .select_related("partnership", "owner", "relying", "uploaded_by", "decided_by")
        .defer("content", "signature")
        .order_by("-received_at", "-number")
    )


def of_partnership(organization: Organization, partnership: Partnership) -> QuerySet[Submission]:
    """Return those of one partnership."""
    return visible_to(organization).filter(partnership=partnership)


def get(organization: Organization, partnership: Partnership, number: int) -> Submission:
    """Return one submission by its number. Raises NotFound for strangers as for what does not exist."""
    found = of_partnership(organization, partnership).filter(number=number).first()
    if found is None:
        raise errors.NotFound()
    return found


def by_id(organization: Organization, submission_id: uuid.UUID | str) -> Submission:
    """Return one submission by its id. Raises NotFound for strangers as for what does not exist."""
    found = visible_to(organization).filter(pk=submission_id).first()
    if found is None:
        raise errors.NotFound()
    return found


def shows_fingerprints_to(submission: Submission, organization: Organization) -> bool:
    """Say whether ``organization`` may see whole fingerprints, and the file from which they can be computed.

    Whoever has to type what a caller reads must not be able to read it off the portal first.
    """
    return submission.owner_id == organization.pk or submission.state in rules.HEARD


def has_bytes(submission: Submission) -> bool:
    """Say whether the upload was kept; what could not be opened or searched is not."""
    return Submission.objects.filter(pk=submission.pk).exclude(content=b"").exists()


NOT_TAKEN = (rules.State.REFUSED, rules.State.WITHDRAWN, rules.State.QUARANTINED)


def newest_in_sequence(owner: Organization, partnership: Partnership) -> Submission | None:
    """Return what ``owner`` sent in this partnership with the highest number in its manifest, and was taken; None without any."""
    found = Submission.objects.filter(owner=owner, partnership=partnership, sequence__isnull=False)
    return found.exclude(state__in=NOT_TAKEN).order_by("-sequence", "-number").first()


def accepted_after(submission: Submission) -> Submission | None:
    """Return an accepted submission for the same store that is newer, by the manifests' numbers or else by the signatures' dates.

    Two can wait at once, and the older one may come to its approval last.
    """
    accepted = Submission.objects.filter(
        owner=submission.owner_id,
        partnership=submission.partnership_id,
        environment=submission.environment,
        purpose=submission.purpose,
        state=rules.State.ACCEPTED,
    )
    newest = accepted.filter(sequence__isnull=False).order_by("-sequence", "-number").first()
    if submission.sequence is not None and newest is not None and newest.sequence is not None:
        return newest if newest.pk != submission.pk and newest.sequence >= submission.sequence else None
    if submission.signed_at is None:
        return None
    return accepted.filter(signed_at__gt=submission.signed_at).order_by("-signed_at").first()


def is_refused_key(spki_sha256: str) -> bool:
    """Say whether the private key of this public key was once uploaded to the portal."""
    return RefusedKey.objects.filter(pk=spki_sha256).exists()
