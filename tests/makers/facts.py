"""People and facts in the database of a running portal, from a process of its own: ``python -m tests.makers.facts``.

``people`` makes an organization with two people who are told; ``record N`` commits N facts, one line of output each;
``webhook URL…`` makes endpoints, ``rehearse N`` commits N facts that they hear of; ``hasten`` makes every planned try due now;
``report`` says what the database knows; ``settled SECONDS`` says it once nothing is owed any more, or when the time is up.
"""

import json
import sys
import time

import django

# What ``record`` and ``rehearse`` commit. The portal writes events of its own beside them, as that it made its mail key.
_FACTS = ("webhook.undeliverable", "notice.apply_failed")


def people() -> dict:
    """Make an organization with an admin and an officer."""
    from django.utils import timezone

    from portal.organizations.models import Membership, Organization, User

    now = timezone.now()
    birch = Organization.objects.create(slug="birch", name="Birch", short_code="BI", created_at=now)
    for name, role in (("Ana", "admin"), ("Ines", "officer")):
        user = User.objects.create_user(f"{name.lower()}@birch.example", "correct horse battery", name=name)
        Membership.objects.create(user=user, organization=birch, role=role, created_at=now)
    return {"people": 2}


def record(count: int, pause: float) -> dict:
    """Commit ``count`` facts, a moment apart, each in a transaction of its own."""
    from django.utils import timezone

    from portal.organizations.models import Organization
    from tests.makers.events import record as record_event

    birch = Organization.objects.get(slug="birch")
    for number in range(count):
        record_event(birch, timezone.now())
        print(json.dumps({"committed": number + 1}), flush=True)
        time.sleep(pause)
    return {"committed": count}


def webhook(urls: list[str]) -> dict:
    """Make an active endpoint of the organization for each URL, that hears of notices."""
    from django.utils import timezone

    from notifications.webhooks import services
    from notifications.webhooks.models import WebhookEndpoint
    from portal.organizations import acting
    from portal.organizations.models import Membership

    admin = acting.member(Membership.objects.get(role="admin"))
    made = []
    for url in urls:
        name = f"hook-{WebhookEndpoint.objects.count()}"
        added = services.add_endpoint(actor=admin, now=timezone.now(), name=name, url=url, event_types=["notice.*"])
        WebhookEndpoint.objects.filter(pk=added.endpoint.pk).update(state="active", proven_at=timezone.now())
        made.append(str(added.endpoint.pk))
    return {"endpoints": made}


def rehearse(count: int) -> dict:
    """Commit ``count`` facts that webhooks are told of."""
    from django.utils import timezone

    from portal.organizations.models import Organization
    from tests.makers.events import record as record_event

    birch = Organization.objects.get(slug="birch")
    data = {"label": "BI-2026-001", "title": "A drill", "reason": "none", "rehearsal": True}
    for _ in range(count):
        record_event(birch, timezone.now(), kind="notice.apply_failed", data=data)
    return {"committed": count}


def hasten() -> dict:
    """Make every delivery that waits for its next try due now, as if the hours until then had passed."""
    from django.utils import timezone

    from notifications.models import Delivery

    waiting = Delivery.objects.filter(state="pending", claim=None)
    return {"hastened": waiting.update(next_attempt_at=timezone.now())}


def settled(seconds: float) -> dict:
    """Wait until nothing is owed any more, and return the report."""
    from notifications.fanout import queries
    from notifications.models import Delivery
    from portal.audit.models import Event

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        owed = Delivery.objects.filter(state="pending").exists()
        if not owed and queries.position() == Event.objects.count():
            break
        time.sleep(0.3)
    return report()


def report() -> dict:
    """Return what was recorded, told and delivered."""
    from notifications.fanout import queries
    from notifications.models import Attempt, Delivery, InboxItem
    from portal.audit import queries as audit
    from portal.audit.models import Event

    checked, _, broken = audit.verify()
    return {
        "events": Event.objects.count(),
        "facts": list(Event.objects.filter(kind__in=_FACTS).order_by("sequence").values_list("sequence", flat=True)),
        "cursor": queries.position(),
        "inbox": list(InboxItem.objects.values_list("event_id", "membership__user__email")),
        "deliveries": {str(key): state for key, state in Delivery.objects.values_list("id", "state")},
        "attempts": [
            [label, number, outcome, status, exchange.get("reason", "")]
            for label, number, outcome, status, exchange in Attempt.objects.filter(delivery__channel="webhook")
            .order_by("delivery__recipient_label", "number", "pk")
            .values_list("delivery__recipient_label", "number", "outcome", "status_code", "exchange")
        ],
        "outcomes": list(Attempt.objects.values_list("outcome", flat=True)),
        "chain": [checked, broken is None],
    }


if __name__ == "__main__":
    django.setup()
    match sys.argv[1:]:
        case ["people"]:
            print(json.dumps(people()))
        case ["record", count, pause]:
            record(int(count), float(pause))
        case ["webhook", *urls]:
            print(json.dumps(webhook(urls)))
        case ["rehearse", count]:
            print(json.dumps(rehearse(int(count))))
        case ["hasten"]:
            print(json.dumps(hasten()))
        case ["settled", seconds]:
            print(json.dumps(settled(float(seconds))))
        case ["report"]:
            print(json.dumps(report()))
        case _:
            sys.exit(__doc__)
