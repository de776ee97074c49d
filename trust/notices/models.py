"""Signed statements that trust changes, and what they did."""

import uuid
from datetime import datetime

from django.db import models

from portal.organizations.models import Organization, User
from portal.partnerships.models import Partnership
from trust.certificates.models import Certificate
from trust.notices.rules import MEANINGS, Kind, State
from trust.stores.models import TrustStore

KINDS = [(kind.value, meaning.label) for kind, meaning in MEANINGS.items()]
STATES = [(state.value, state.value) for state in State]


class Notice(models.Model):
    """One signed notice, kept byte for byte. Only its state moves; nothing that it says is ever edited."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    label = models.CharField(max_length=20, unique=True)  # HF-2026-014
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="notices")
    sequence = models.PositiveIntegerField()  # within the partnership, without gaps
    sender = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="notices_sent")
    receiver = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="notices_received")
    kind = models.CharField(max_length=30, choices=KINDS)
    message_id = models.CharField(max_length=64)
    # What was uploaded, as it was: a document with its detached signature, or one signed file and no signature.
    content = models.BinaryField()
    content_sha256 = models.CharField(max_length=64)
    signature = models.BinaryField(blank=True)
    payload = models.BinaryField()  # the bytes that the signature covers and that were read
    payload_sha256 = models.CharField(max_length=64)
    members = models.JSONField()  # the payload, read
    signer_fingerprint = models.CharField(max_length=64)
    signature_report = models.JSONField(default=dict)
    signed_at = models.DateTimeField()
    key_verified = models.BooleanField()  # by the receiver, when the notice came in or later
    handed_in_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    handed_in_by_label = models.CharField(max_length=200)
    written_at = models.DateTimeField()  # the document's timestamp
    received_at = models.DateTimeField()
    effective_at = models.DateTimeField()
    acknowledge_by = models.DateTimeField()
    # When the receiver verified the key of a notice that had come before: nobody could act on it until then.
    verified_later_at = models.DateTimeField(null=True)
    exceptions = models.JSONField(default=list)  # sentences: short notice, days without changes
    title = models.CharField(max_length=300)
    severity = models.CharField(max_length=10)
    rehearsal = models.BooleanField(default=False)
    distress = models.BooleanField(default=False)
    # The certificate it names, when the portal knows it; the sender's CA that issued it, for a service certificate.
    certificate = models.ForeignKey(Certificate, null=True, on_delete=models.PROTECT, related_name="notices")
    issuing_ca = models.ForeignKey(Certificate, null=True, on_delete=models.PROTECT, related_name="+")
    matched = models.BooleanField(default=False)
    intent_of = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="executed_by")
    supersedes = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="superseded_by")
    withdraws = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="withdrawn_by")
    state = models.CharField(max_length=20, choices=STATES)
    executed_at = models.DateTimeField(null=True)
    adopted_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    # What taking effect did: a list of {"store": name, "version": number, ...}.
    effects = models.JSONField(default=list)
    apply_failure = models.CharField(max_length=300, blank=True)
    # The first answer, byte for byte, for whoever sends the same notice again.
    answer = models.TextField()

    class Meta:
        db_table = "trust_notice"
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(fields=["sender", "message_id"], name="message_id_is_unique_for_its_sender"),
            models.UniqueConstraint(fields=["partnership", "sequence"], name="notice_sequence_is_unique"),
        ]
        indexes = [
            models.Index(
                fields=["effective_at"], condition=models.Q(executed_at__isnull=True), name="notice_not_executed"
            ),
            models.Index(fields=["sender", "content_sha256"], name="notice_by_content"),
            models.Index(fields=["receiver", "-received_at"], name="notice_by_receiver"),
            models.Index(fields=["sender", "-received_at"], name="notice_by_sender"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def clock_starts_at(self) -> datetime:
        """Return the moment from which the receiver's time to acknowledge runs."""
        return self.verified_later_at or self.received_at

    @property
    def meaning(self):
        """Return what the kind means: its label, what to do, whether it is urgent."""
        return MEANINGS[Kind(self.kind)]

    @property
    def says(self) -> dict[str, str]:
        """Return the members of the document that are text, for pages."""
        return {name: value for name, value in self.members.items() if isinstance(value, str)}


class NoticeDraft(models.Model):
    """A notice that was composed here and waits for its signature. Its bytes are those to sign."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="+")
    sender = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    content = models.BinaryField()
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    sent = models.ForeignKey(Notice, null=True, on_delete=models.PROTECT, related_name="+")
    discarded_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_notice_draft"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"Draft of {self.created_at:%Y-%m-%d}"


class DenyEntry(models.Model):
    """A certificate that no service may accept although its CA is trusted: revoked by a notice. Only ever added."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(TrustStore, on_delete=models.PROTECT, related_name="deny_entries")
    issuer_sha256 = models.CharField(max_length=64)  # of the CA certificate that issued it
    serial = models.CharField(max_length=80)
    certificate_sha256 = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=40)
    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="deny_entries")
    denied_at = models.DateTimeField()

    class Meta:
        db_table = "trust_deny_entry"
        ordering = ["denied_at", "serial"]
        constraints = [
            models.UniqueConstraint(fields=["store", "issuer_sha256", "serial"], name="denied_once_per_store"),
        ]

    def __str__(self) -> str:
        return f"{self.serial} in {self.store}"
