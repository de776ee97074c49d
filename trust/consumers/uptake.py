"""How far services are with what a partner sent: from when it can issue from its new CAs."""

from datetime import datetime

from django.db.models import Count, Max, Min, Q

from portal.organizations.models import Organization
from trust.agreements import queries as agreements
from trust.consumers import counting
from trust.stores.models import StoreVersion
from trust.submissions.models import Submission
from trust.submissions.uptake import Uptake

EVERY = 100  # percent: one service that has not taken the CA refuses what is issued from it


def of_submission(submission: Submission, reader: Organization, now: datetime) -> Uptake | None:
    """Return how far services are with the version that a submission went into; None when there is none.

    The owner sees numbers only where the agreement in force shares them, and nobody sees a name.
    """
    brought = StoreVersion.objects.filter(submission=submission).select_related("store").order_by("number").first()
    if brought is None:
        return None
    store = brought.store
    if reader.pk != submission.relying_id and not agreements.terms(submission.partnership).shares_consumer_counts:
        return Uptake(store.name, brought.number)
    since = _held_since(submission, brought)
    number = since or brought.number
    takers = counting.taking_up(store, number, EVERY, now)
    return Uptake(
        store=store.name,
        version=number,
        total=takers.total,
        taken=takers.taken,
        held=since is not None,
        safe_from=takers.after if since and takers.total else None,
    )


def _held_since(submission: Submission, brought: StoreVersion) -> int | None:
    """Return the version since which each one held all of the submission; None when the current one does not.

    What was withdrawn and brought back is not known to a service that last took a version in between.
    """
    sent = set(submission.places.values_list("certificate_id", flat=True))
    versions = StoreVersion.objects.filter(store=brought.store_id, number__gte=brought.number)
    held = Count("entries", filter=Q(entries__certificate__in=sent))
    lacking = versions.annotate(held=held).exclude(held=len(sent)).aggregate(last=Max("number"))["last"]
    since: int | None = versions.filter(number__gt=lacking or 0).aggregate(first=Min("number"))["first"]
    return since
