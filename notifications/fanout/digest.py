"""The daily mail: what was not urgent and was not read in the inbox meanwhile, once a day for each member who wishes so.

The mail is a delivery like any other, made in the transaction that marks its items: whoever is killed between has done both or
neither, and two schedulers make one. Handing it over then is the deliveries' business.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Min

from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import Channel
from notifications.fanout.models import InboxItem
from notifications.mail.messages import Content, Item
from notifications.mail.rules import DIGEST_ROWS, digest_due_at
from portal import words
from portal.organizations.models import Membership


def make_due(*, now: datetime) -> int:
    """Make the daily mails that are due at ``now``; return how many. Safe to run at any time, by several workers."""
    waiting = (
        InboxItem.objects.filter(in_digest=True, digest=None)
        .order_by()
        .values("membership")
        .annotate(first=Min("created_at"))
        .values_list("membership", "first")
    )
    zones = dict(Membership.objects.filter(pk__in=[pk for pk, _ in waiting]).values_list("pk", "user__time_zone"))
    due = [pk for pk, first in waiting if digest_due_at(first, words.zone(zones[pk]) or UTC) <= now]
    return sum(_make(pk, now) for pk in due)


@transaction.atomic
def _make(membership_id: uuid.UUID, now: datetime) -> int:
    # Schedulers queue here; whoever comes second finds the items taken.
    membership = Membership.objects.select_for_update(of=("self",)).select_related("user").get(pk=membership_id)
    items = InboxItem.objects.filter(membership=membership, in_digest=True, digest=None, created_at__lte=now)
    # What was read is no news, and whoever read all of it gets no mail.
    items.exclude(read_at=None).update(in_digest=False)
    last = items.order_by("-event_id").first()
    if last is None:
        return 0
    delivery = Delivery.objects.create(
        event_id=last.event_id,
        organization_id=membership.organization_id,
        channel=Channel.MAIL,
        recipient=str(membership.pk),
        recipient_label=str(membership.user)[:200],
        next_attempt_at=now,
        created_at=now,
    )
    items.update(digest=delivery)
    return 1


def content(delivery: Delivery, items: Sequence[InboxItem]) -> Content:
    """Return what a daily mail says: the items in the order in which they happened."""
    shown = items[-DIGEST_ROWS:]
    count = f"{len(items)} things happened" if len(items) > 1 else "1 thing happened"
    return Content(
        subject=f"Daily summary for {delivery.organization}: {count}",
        lead=f"{count} that you had not read when this was written.",
        facts=(),
        path="/inbox/",
        items=tuple(
            Item(each.subject, f"{each.created_at.astimezone(UTC):%-d %b, %H:%M} UTC", each.next, each.path)
            for each in shown
        ),
        more=len(items) - len(shown),
        dated=False,
        threaded=False,
    )
