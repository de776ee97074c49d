"""What is owed to whom because of an event, and every try to hand it over."""

import uuid

from django.db import models

from notifications.deliveries.rules import Channel, Outcome, State
from portal.audit.models import Event
from portal.organizations.models import Organization


class Delivery(models.Model):
    """One event owed to one recipient by one channel.

    Made in the transaction that moves the fan-out's cursor past the event, at most once for each recipient. Its id is
    what the receiver recognizes a repeat by: the ``Message-ID`` of the mail, the ``webhook-id`` of the post.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="deliveries")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=[(each.value, each.value) for each in Channel])
    # A membership for mail, an endpoint for a webhook. The channel looks it up at each try, since people and endpoints move.
    recipient = models.CharField(max_length=64)
    recipient_label = models.CharField(max_length=200)
    urgent = models.BooleanField(default=False)
    # What a webhook sends, made once so that every try sends the same bytes. Empty for mail.
    body = models.TextField(blank=True)
    state = models.CharField(
        max_length=10, choices=[(each.value, each.value) for each in State], default=State.PENDING.value
    )
    tries = models.PositiveSmallIntegerField(default=0)
    # How many tries there were when the schedule last began anew, by a person's wish.
    tries_before = models.PositiveSmallIntegerField(default=0)
    # While a worker holds the delivery this is when its claim runs out; then whoever is next takes it.
    next_attempt_at = models.DateTimeField(null=True)
    claim = models.UUIDField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notifications_delivery"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["event", "channel", "recipient"], name="one_delivery_per_recipient"),
            models.CheckConstraint(
                condition=models.Q(state=State.PENDING.value, next_attempt_at__isnull=False)
                | (~models.Q(state=State.PENDING.value) & models.Q(next_attempt_at__isnull=True)),
                name="only_pending_deliveries_are_due",
            ),
        ]
        indexes = [
            # All that the workers ever ask; done deliveries are not in it, however many there are. The condition is on the
            # moment, since SQLite takes a partial index only if the query's own words imply its condition.
            models.Index(
                fields=["channel", "next_attempt_at"],
                condition=models.Q(next_attempt_at__isnull=False),
                name="delivery_due",
            ),
            models.Index(fields=["organization", "-created_at"], name="delivery_by_organization"),
            models.Index(fields=["recipient", "-created_at"], name="delivery_by_recipient"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} of event {self.event_id} to {self.recipient_label}"


class Attempt(models.Model):
    """One try. Written when it begins, so that a try whose worker was killed is seen too."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, blank=True, choices=[(each.value, each.value) for each in Outcome])
    # The other side's answer: an SMTP reply or HTTP status, and the beginning of what it said.
    status_code = models.PositiveSmallIntegerField(null=True)
    detail = models.TextField(blank=True)
    # For a webhook: request_headers (secrets left out), response_headers, milliseconds.
    exchange = models.JSONField(default=dict)

    class Meta:
        db_table = "notifications_attempt"
        ordering = ["delivery", "number"]
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="one_attempt_per_number")]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.delivery_id}"
