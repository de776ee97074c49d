"""How far the fan-out has read the log, and what is in people's inboxes."""

from django.db import models

from notifications.deliveries.models import Delivery
from portal.audit.models import Event
from portal.organizations.models import Membership


class Cursor(models.Model):
    """The one row that says up to which event everything owed was written down."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sequence = models.BigIntegerField(default=0)
    moved_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notifications_cursor"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="fanout_has_one_cursor")]

    def __str__(self) -> str:
        return f"fanned out to #{self.sequence}"


class InboxItem(models.Model):
    """One event in one member's inbox, in the words it had when it happened."""

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="inbox")
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="inbox_items")
    subject = models.CharField(max_length=300)
    next = models.CharField(max_length=300, blank=True)
    path = models.CharField(max_length=300)
    urgent = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    # Owed in the member's next daily mail, and the mail that told of it.
    in_digest = models.BooleanField(default=False)
    digest = models.ForeignKey(Delivery, null=True, on_delete=models.PROTECT, related_name="digest_items")

    class Meta:
        db_table = "notifications_inbox_item"
        ordering = ["-event_id"]
        constraints = [models.UniqueConstraint(fields=["membership", "event"], name="one_inbox_item_per_event")]
        indexes = [
            models.Index(fields=["membership", "-event"], name="inbox_by_member"),
            models.Index(fields=["membership"], condition=models.Q(read_at__isnull=True), name="inbox_unread"),
            models.Index(
                fields=["membership", "created_at"],
                condition=models.Q(in_digest=True, digest__isnull=True),
                name="inbox_owed_in_digest",
            ),
        ]

    def __str__(self) -> str:
        return self.subject
