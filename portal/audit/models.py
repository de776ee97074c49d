"""The append-only log, which is also the outbox."""

from typing import Any

from django.db import models


class Audience(models.TextChoices):
    """Who may read an event."""

    ORGANIZATION = "organization", "The organization that acted"
    PARTNERSHIP = "partnership", "Both organizations of the partnership"
    PORTAL = "portal", "The portal's operators"


class Event(models.Model):
    """One line of the log: a fact, who caused it, and the hash that chains it to the line before.

    Rows are only ever added, by ``portal.audit.services.record``; database triggers refuse everything else. The numbers have
    no gaps, and a higher number was committed later, so "everything after n" never misses a line.
    """

    sequence = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=80)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = models.CharField(max_length=200)
    organization_id = models.UUIDField(null=True)
    partnership_id = models.UUIDField(null=True)
    audience = models.CharField(max_length=20, choices=Audience.choices)
    subject_kind = models.CharField(max_length=40, blank=True)
    subject_id = models.CharField(max_length=100, blank=True)
    data = models.JSONField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        db_table = "audit_event"
        ordering = ["sequence"]
        indexes = [
            models.Index(fields=["organization_id", "-sequence"], name="event_by_organization"),
            models.Index(fields=["partnership_id", "audience", "-sequence"], name="event_by_partnership"),
            models.Index(fields=["subject_kind", "subject_id", "-sequence"], name="event_by_subject"),
            models.Index(fields=["kind", "-sequence"], name="event_by_kind"),
        ]

    def __str__(self) -> str:
        return f"#{self.sequence} {self.kind}"

    def facts(self) -> dict[str, Any]:
        """Return everything the hash covers besides the hash of the line before; JSON values only."""
        return {
            "sequence": self.sequence,
            "at": self.at.isoformat(),
            "kind": self.kind,
            "actor": {"kind": self.actor_kind, "id": self.actor_id, "label": self.actor_label},
            "organization": str(self.organization_id) if self.organization_id else None,
            "partnership": str(self.partnership_id) if self.partnership_id else None,
            "audience": self.audience,
            "subject": {"kind": self.subject_kind, "id": self.subject_id},
            "data": self.data,
        }


class ChainHead(models.Model):
    """The one row that says where the chain ends. Locking it is what puts writers of events in line."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sequence = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)

    class Meta:
        db_table = "audit_chain_head"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="chain_has_one_head")]

    def __str__(self) -> str:
        return f"head at #{self.sequence}"
