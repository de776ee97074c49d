"""The terms that two organizations signed, version by version."""

import uuid

from django.db import models
from django.db.models import Q

from portal.organizations.models import Organization, User
from portal.partnerships.models import Partnership
from trust.agreements.rules import STATE_LABELS, WAIVER_LABELS, State, WaiverState


class Agreement(models.Model):
    """One version of the terms: the exact bytes that both sides sign, and how far that has come.

    A draft is seen only by the organization that wrote it. From the first signature on, the bytes never change.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="agreements")
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=30, choices=[(each.value, label) for each, label in STATE_LABELS.items()])
    document = models.BinaryField()  # canonical JSON, RFC 8785
    sha256 = models.CharField(max_length=64)  # of the document, lower-case hex
    proposed_by = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    drafted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    counters = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="countered_by")
    message = models.TextField(blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    in_force_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.TextField(blank=True)

    class Meta:
        db_table = "trust_agreement"
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["partnership", "version"], name="agreement_version_is_unique"),
            models.UniqueConstraint(
                fields=["partnership"], condition=Q(state=State.IN_FORCE.value), name="one_agreement_in_force"
            ),
            models.UniqueConstraint(
                fields=["partnership"],
                condition=Q(state=State.WAITING_FOR_PARTNER.value),
                name="one_agreement_waits_for_the_partner",
            ),
            models.UniqueConstraint(
                fields=["partnership", "proposed_by"],
                condition=Q(state=State.DRAFT.value),
                name="one_agreement_draft_per_side",
            ),
        ]

    def __str__(self) -> str:
        return f"Agreement v{self.version} of {self.partnership_id}"


class AgreementSignature(models.Model):
    """One side's OpenPGP signature over the document, kept as it was uploaded, with all that makes the check repeatable."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="signatures")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    person_label = models.CharField(max_length=200)
    upload = models.BinaryField()
    form = models.CharField(max_length=20)  # detached, clearsigned, inline
    signer_fingerprint = models.CharField(max_length=64)  # primary key, lower-case hex
    signed_at = models.DateTimeField(null=True)  # as the signer's clock says
    received_at = models.DateTimeField()
    report = models.JSONField(default=dict)

    class Meta:
        db_table = "trust_agreement_signature"
        ordering = ["received_at"]
        constraints = [
            models.UniqueConstraint(fields=["agreement", "organization"], name="one_agreement_signature_per_side")
        ]

    def __str__(self) -> str:
        return f"{self.organization} on {self.agreement}"


class Waiver(models.Model):
    """A clause that both sides agreed not to hold against certain certificates, until a day."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="waivers")
    clause = models.CharField(max_length=10)
    # Whose certificates; the fingerprint narrows it to one, empty means all of them.
    concerns = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    certificate_sha256 = models.CharField(max_length=64, blank=True)
    reason = models.TextField()
    owner = models.CharField(max_length=120)
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=[(each.value, label) for each, label in WAIVER_LABELS.items()])
    proposed_by = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    proposed_by_person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    decided_by_person = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_agreement_waiver"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[each.value for each in WaiverState]), name="waiver_state_is_known"
            )
        ]

    def __str__(self) -> str:
        return f"Waiver of {self.clause} for {self.concerns}"
