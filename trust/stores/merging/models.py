"""Merged exports, and who stands behind each."""

import uuid

from django.db import models

from portal.organizations.models import Organization, User
from trust.stores.models import TrustStore


class MergedExport(models.Model):
    """One file with the anchors of several partners. It follows the current versions of its stores."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for a second officer"
        OPEN = "open", "Served"
        CLOSED = "closed", "Closed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    relying = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    name = models.SlugField(max_length=80)
    stores = models.ManyToManyField(TrustStore, related_name="+")
    reason = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    approved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_merged_export"
        ordering = ["name", "-proposed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["relying", "name"], condition=~models.Q(state="closed"), name="merged_export_name_is_unique"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="open") | models.Q(approved_by__isnull=False),
                name="open_merged_export_is_approved",
            ),
            models.CheckConstraint(
                condition=models.Q(approved_by=None) | ~models.Q(approved_by=models.F("proposed_by")),
                name="merged_export_has_two_people",
            ),
        ]

    def __str__(self) -> str:
        return self.name
