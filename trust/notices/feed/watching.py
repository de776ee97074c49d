"""The dead man's watch over the feed of notices: a program that stops reading is told of, once, and once more when it reads."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from portal import looking
from portal.audit import services as audit
from portal.organizations.acting import PORTAL
from portal.partnerships.models import Partnership
from trust.notices.feed import queries, rules
from trust.notices.feed.models import FeedReader

BATCH = 1000
NAMED = 10  # in one telling; the page lists all
_LOOKING = "feed-readers-watched"
_LEFT = Q(token__revoked_at__isnull=False) | Q(partnership__state=Partnership.State.ENDED)


def watch(*, now: datetime) -> int:
    """Tell of programs that stopped reading the feed and of those that read again; return how many were told of.

    All of one organization are one event. Whose token was revoked, or whose partnership ended, is never told of. While the
    portal was away nobody could read: after that a reader first has the time of its missed reads, at most an hour.
    """
    looked_for = now - looking.since(_LOOKING, now)
    quiet = FeedReader.objects.filter(silence_told_at=None, silent_from__lt=now)
    if looked_for < rules.AFTER_OUTAGE:
        quiet = quiet.filter(interval_seconds__lt=looked_for.total_seconds() / rules.MISSED_READS)
    # They are looked at once and not at every run.
    left = list(quiet.filter(_LEFT).values_list("pk", flat=True)[:BATCH])
    if left:
        FeedReader.objects.filter(pk__in=left).update(silent_from=None)
    again = FeedReader.objects.filter(silence_told_at__isnull=False, silent_from__gte=now)
    return _tell(quiet, "notice_feed.silent", now, told_at=now) + _tell(
        again, "notice_feed.read_again", now, told_at=None
    )


@transaction.atomic
def _tell(found: QuerySet[FeedReader], kind: str, now: datetime, *, told_at: datetime | None) -> int:
    ids = list(queries.counted(found).order_by("pk").values_list("pk", flat=True)[:BATCH])
    if not ids:
        return 0
    # Another worker that looked at the same moment waits here, and finds them told; who read meanwhile is not told of.
    rows = list(
        found.select_for_update(of=("self",))
        .filter(pk__in=ids)
        .select_related("token__organization", "partnership__first_organization", "partnership__second_organization")
        .order_by("token__name", "pk")
    )
    FeedReader.objects.filter(pk__in=[row.pk for row in rows]).update(silence_told_at=told_at)
    for organization_id in sorted({row.token.organization_id for row in rows}):
        mine = [row for row in rows if row.token.organization_id == organization_id]
        audit.record(kind, now=now, actor=PORTAL, organization_id=organization_id, data=_data(mine))
    return len(rows)


def _data(rows: Iterable[FeedReader]) -> dict[str, Any]:
    rows = list(rows)
    names = list(dict.fromkeys(row.token.name for row in rows))
    partners = sorted({row.partnership.other(row.token.organization).name for row in rows})
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return {
        "programs": ", ".join(names[:NAMED]) + more,
        "count": len(names),
        "partners": ", ".join(partners[:NAMED]),
        "last_read_at": min(row.read_at for row in rows).isoformat(),
        "unread": max(max(0, row.partnership.last_notice_number - row.reached) for row in rows),
    }
