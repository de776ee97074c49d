"""Which programs read the feed of notices, and how far each has come."""

import uuid
from datetime import timedelta

from django.db import models
from django.db.models import Q

from portal.organizations.models import ApiToken
from portal.partnerships.models import Partnership
from trust.notices.feed import rules


class FeedReader(models.Model):
    """What one program, by its API token, does with the feed of one partnership. Begins with its first read."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token = models.ForeignKey(ApiToken, on_delete=models.PROTECT, related_name="feeds")
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="feed_readers")
    first_read_at = models.DateTimeField()
    # True to ``rules.NOTED_EVERY``: not every read is written down.
    read_at = models.DateTimeField()
    reached = models.PositiveIntegerField()  # the highest sequence number that it was sent, or said that it has
    user_agent = models.CharField(max_length=120, blank=True)
    # How often it promises to read; empty when nobody waits for it.
    interval_seconds = models.PositiveIntegerField(null=True, default=int(rules.PROMISED.total_seconds()))
    # Follows from the two: see ``rules.silent_from``. Stored, so that an index finds who fell silent.
    silent_from = models.DateTimeField(null=True)
    silence_told_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_feed_reader"
        constraints = [models.UniqueConstraint(fields=["token", "partnership"], name="one_feed_reader_per_partnership")]
        indexes = [
            models.Index(
                fields=["silent_from"], condition=Q(silence_told_at__isnull=True), name="feed_that_may_fall_silent"
            ),
            models.Index(
                fields=["silent_from"], condition=Q(silence_told_at__isnull=False), name="feed_whose_silence_was_told"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.token} at {self.reached}"

    @property
    def promise(self) -> timedelta | None:
        """How often it promises to read, or None when nobody waits for it."""
        return timedelta(seconds=self.interval_seconds) if self.interval_seconds is not None else None
