"""Whether a notice was answered, by whom, and what happens in silence."""

import uuid

from django.db import models

from notifications.acknowledgements.rules import Answer, State
from portal.organizations.models import Organization, User
from trust.notices.models import Notice


class NoticeClock(models.Model):
    """The clock of one notice: what its receiver said, and when silence is noticed next."""

    notice = models.OneToOneField(Notice, primary_key=True, on_delete=models.PROTECT, related_name="clock")
    state = models.CharField(max_length=20, choices=[(each.value, each.value) for each in State], default=State.OPEN)
    policy = models.JSONField(default=list)  # as it was when the notice came
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    acknowledged_by_label = models.CharField(max_length=200, blank=True)
    done_at = models.DateTimeField(null=True)
    cannot_act_at = models.DateTimeField(null=True)
    overdue_at = models.DateTimeField(null=True)
    # Everything of the plan up to here has happened; the next moment is looked at then.
    seen_until = models.DateTimeField()
    # The highest level that was told. A mail that did not arrive may bring one forward, before its moment.
    level = models.PositiveSmallIntegerField(default=1)
    next_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notifications_notice_clock"
        indexes = [
            models.Index(fields=["next_at"], condition=models.Q(next_at__isnull=False), name="notice_clock_due"),
        ]

    def __str__(self) -> str:
        return f"clock of {self.notice_id}"


class NoticeAnswer(models.Model):
    """One fact about a notice, with its time and person. Only ever added."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="answers")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    answer = models.CharField(max_length=20, choices=[(each.value, each.value) for each in Answer])
    at = models.DateTimeField()
    person = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    label = models.CharField(max_length=200)
    via = models.CharField(max_length=20)  # browser, token, document
    first = models.BooleanField(default=False)  # it changed the state
    message = models.TextField(blank=True)
    evidence_sha256 = models.CharField(max_length=64, blank=True)
    # A signed acknowledgement, as it came.
    document = models.BinaryField(blank=True)
    signature = models.BinaryField(blank=True)
    document_sha256 = models.CharField(max_length=64, blank=True)
    signer_fingerprint = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "notifications_notice_answer"
        ordering = ["at"]
        constraints = [
            models.UniqueConstraint(
                fields=["notice", "person"], condition=models.Q(answer="opened"), name="opened_once_per_person"
            ),
            models.UniqueConstraint(
                fields=["document_sha256"],
                condition=~models.Q(document_sha256=""),
                name="signed_answer_counts_once",
            ),
        ]
        indexes = [models.Index(fields=["notice", "at"], name="answers_of_a_notice")]

    def __str__(self) -> str:
        return f"{self.answer} by {self.label}"


class EscalationPolicy(models.Model):
    """Who of an organization is told when nobody acknowledges."""

    organization = models.OneToOneField(
        Organization, primary_key=True, on_delete=models.PROTECT, related_name="escalation_policy"
    )
    steps = models.JSONField()
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "notifications_escalation_policy"

    def __str__(self) -> str:
        return f"policy of {self.organization}"
