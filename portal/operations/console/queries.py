"""What an operator sees: how the portal does, and who is on it. Metadata only: no fingerprint, file or notice."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.template.defaultfilters import filesizeformat

from notifications.deliveries import queries as deliveries
from notifications.deliveries.rules import Channel
from notifications.fanout import queries as fanout
from notifications.webhooks.models import WebhookEndpoint
from notifications.webhooks.rules import EndpointState
from portal import words
from portal.audit.models import ChainHead, Event
from portal.operations import broker, jobs
from portal.operations.models import Job
from portal.organizations.models import Membership, Organization
from portal.organizations.services import TOKEN_MAX_LIFETIME
from portal.partnerships.models import Partnership
from trust.consumers.models import Consumer
from trust.revocations import sources
from trust.revocations.models import RevocationSource
from trust.revocations.rules import TROUBLE
from trust.stores.models import Artifact, TrustStore
from trust.submissions.models import Submission

# Rows of trouble that one card lists; above that, the count says enough.
MOST = 20
LATE = timedelta(minutes=5)


@dataclass(frozen=True)
class Queue:
    """What waits in one queue: how much is due, how much waits for its next try, and since when the oldest is due."""

    name: str
    due: int
    waiting: int
    oldest_at: datetime | None
    late: bool


@dataclass(frozen=True)
class JobRow:
    """One scheduled job: what it does, how often, when it last ended well and how long that took, and its last failure."""

    label: str
    name: str
    every: timedelta
    row: Job | None

    @property
    def failing(self) -> bool:
        """Say whether the last run that is known failed."""
        row = self.row
        return bool(row and row.failed_at and (row.succeeded_at is None or row.failed_at > row.succeeded_at))


def queues(now: datetime) -> list[Queue]:
    """Return the queues, in the order in which a fact passes them."""
    oldest = fanout.oldest_waiting_at()
    head = ChainHead.objects.filter(id=1).values_list("sequence", flat=True).first() or 0
    rows = [Queue("Events to be told", head - fanout.position(), 0, oldest, _late(oldest, now))]
    owed = deliveries.owed(now)
    for channel, label in ((Channel.WEBHOOK, "Webhooks"), (Channel.MAIL, "Mail")):
        row = owed.get(channel.value, {"owed": 0, "due": 0, "oldest_due": None})
        late = _late(row["oldest_due"], now)
        rows.append(Queue(label, row["due"], row["owed"] - row["due"], row["oldest_due"], late))
    return rows


def _late(oldest: datetime | None, now: datetime) -> bool:
    return oldest is not None and now - oldest > LATE


def messages() -> int | None:
    """Return how many messages wait in the broker, or None when it does not answer."""
    return broker.waiting()


def job_rows() -> list[JobRow]:
    """Return the scheduled jobs, those that fail first, then by name."""
    ran = {row.name: row for row in Job.objects.all()}
    labels, every = jobs.labels(), jobs.schedule()
    rows = [JobRow(labels[name], name, timedelta(seconds=every[name]), ran.get(name)) for name in every]
    return sorted(rows, key=lambda each: (not each.failing, each.label))


def dead_letters(now: datetime) -> int:
    """Return how many deliveries were given up within the last day."""
    kinds = ("mail.undeliverable", "webhook.undeliverable")
    return Event.objects.filter(kind__in=kinds, at__gt=now - timedelta(days=1)).count()


def endpoints_in_trouble() -> QuerySet[WebhookEndpoint]:
    """Return the webhook endpoints that fail or are paused, the longest first."""
    trouble = (EndpointState.FAILING.value, EndpointState.PAUSED.value)
    return WebhookEndpoint.objects.filter(state__in=trouble).select_related("organization").order_by("failing_since")


def sources_in_trouble(now: datetime) -> QuerySet[RevocationSource]:
    """Return the watched CRL and OCSP addresses that do not answer as they should, the longest first."""
    trouble = [each.value for each in TROUBLE]
    return sources.watched(now).filter(state__in=trouble).select_related("owner").order_by("state_since")


def host_of(url: str) -> str:
    """Return the host of an address, which is all that an operator needs of it."""
    return urlsplit(url).hostname or url


def storage() -> list[tuple[str, str]]:
    """Return what takes room, in words: the database, what was published, the log, and the disk."""
    artifacts = Artifact.objects.aggregate(all=Sum("length"), count=Count("pk"))
    usage = shutil.disk_usage(Path(settings.DATA_DIR))
    head = ChainHead.objects.filter(id=1).values_list("sequence", flat=True).first() or 0
    return [
        ("Database", filesizeformat(_database_bytes())),
        ("Published store files", f"{filesizeformat(artifacts['all'] or 0)} in {artifacts['count']} files"),
        ("Events in the log", f"{head}"),
        ("Submissions", f"{Submission.objects.count()}"),
        ("Free on the disk of the data folder", f"{filesizeformat(usage.free)} of {filesizeformat(usage.total)}"),
    ]


def _database_bytes() -> int:
    if connection.vendor == "sqlite":
        path = Path(str(connection.settings_dict["NAME"]))
        return path.stat().st_size if path.exists() else 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def limits() -> list[tuple[str, str, str]]:
    """Return the limits that hold for everybody: what, how much, and which setting changes it (empty for none)."""
    rates: dict[str, Any] = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]  # type: ignore[assignment]
    return [
        ("Largest uploaded file", filesizeformat(settings.UPLOAD_MAX_BYTES), "UPLOAD_MAX_BYTES"),
        ("Pulls of one consumer in ten seconds", f"{settings.SERVE_MOST_PULLS} a process", "SERVE_MOST_PULLS"),
        ("Memory for serving stores", f"{filesizeformat(settings.SERVE_MEMORY_BYTES)} a process", "SERVE_MEMORY_BYTES"),
        ("Stores with numbers of their own in /metrics", f"{settings.METRICS_STORES}", "METRICS_STORES"),
        ("Longest life of a token", words.duration(TOKEN_MAX_LIFETIME), ""),
        ("Session without use", words.duration(timedelta(seconds=settings.SESSION_COOKIE_AGE)), ""),
        *((f"Requests: {name}", rate, "") for name, rate in rates.items()),
    ]


def organizations(search: str = "") -> QuerySet[Organization]:
    """Return organizations by name, with ``members``, ``partnership_count``, ``stores``, ``live_consumers``, ``last_at``."""

    def counted(model: Any, **where: Any) -> Subquery:
        rows = model.objects.filter(**where).order_by().values(next(iter(where))).annotate(count=Count("pk"))
        return Subquery(rows.values("count")[:1])

    last = Event.objects.filter(organization_id=OuterRef("pk")).order_by("-sequence").values("at")[:1]
    found = Organization.objects.annotate(
        members=counted(Membership, organization=OuterRef("pk"), state=Membership.State.ACTIVE),
        partnership_count=Coalesce(counted(Partnership, first_organization=OuterRef("pk")), 0)
        + Coalesce(counted(Partnership, second_organization=OuterRef("pk")), 0),
        stores=counted(TrustStore, relying=OuterRef("pk")),
        live_consumers=counted(Consumer, organization=OuterRef("pk"), retired_at=None),
        last_at=Subquery(last),
    )
    if search:
        found = found.filter(Q(name__icontains=search) | Q(slug__icontains=search))
    return found.order_by("name")


def acts_of_operators(organization: Organization) -> QuerySet[Event]:
    """Return what operators did about one organization, newest first: the same lines that its own log shows."""
    return Event.objects.filter(organization_id=organization.pk, actor_kind="operator").order_by("-sequence")
