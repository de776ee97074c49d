"""The call about one fingerprint."""

import uuid

from django.db import models

from portal.organizations.models import Organization, User
from portal.partnerships.models import Contact, Partnership


class ItemKind(models.TextChoices):
    """What a fingerprint belongs to."""

    OPENPGP_KEY = "openpgp_key", "OpenPGP key"
    CERTIFICATE = "certificate", "Trust anchor"


class VerificationRequest(models.Model):
    """A fingerprint that one organization must verify by phone before it counts there.

    Made by the feature that owns the thing (keys, submissions), which tells what to show and what the owner runs to print
    the fingerprint. Belongs to that fingerprint and that relying organization, and is never inherited.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for call"
        RECORDED = "recorded", "Waiting for approval"
        APPROVED = "approved", "Verified"
        QUARANTINED = "quarantined", "Quarantined"
        WITHDRAWN = "withdrawn", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="verification_requests")
    owner = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    relying = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    item_kind = models.CharField(max_length=20, choices=ItemKind.choices)
    fingerprint = models.CharField(max_length=64)  # lower-case hex, full length
    label = models.CharField(max_length=200)  # "Root CA G2", "Signing key"
    reading_command = models.CharField(max_length=300)  # what the owner runs on their own record
    # Where it came from, in words ("Submission 118") and as a path below the partnership's pages.
    source_label = models.CharField(max_length=120)
    source_path = models.CharField(max_length=200, blank=True)
    uploaded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=20, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "trust_verification_request"
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["relying", "item_kind", "fingerprint"],
                condition=~models.Q(state="withdrawn"),
                name="one_open_request_per_fingerprint",
            )
        ]

    def __str__(self) -> str:
        return f"{self.label} for {self.relying}"


class Verification(models.Model):
    """One call, and its record."""

    class State(models.TextChoices):
        BOOKED = "booked", "Booked"
        IN_PROGRESS = "in_progress", "In progress"
        RECORDED = "recorded", "Recorded"
        STOPPED = "stopped", "Stopped"
        MISMATCH = "mismatch", "Mismatch"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.PositiveIntegerField()
    request = models.ForeignKey(VerificationRequest, on_delete=models.PROTECT, related_name="calls")
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="verifications")
    state = models.CharField(max_length=20, choices=State.choices)
    verifier = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="+")
    reader = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    number_dialed = models.CharField(max_length=20)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_verification"
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["partnership", "number"], name="verification_number_is_unique")]

    def __str__(self) -> str:
        return f"Verification {self.number}"


class VerificationGroup(models.Model):
    """One group of four characters, as typed: tries, pastes, and whether it matched."""

    verification = models.ForeignKey(Verification, on_delete=models.PROTECT, related_name="groups")
    index = models.PositiveSmallIntegerField()  # from 1
    tries = models.PositiveSmallIntegerField(default=0)
    pasted = models.BooleanField(default=False)
    matched_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_verification_group"
        ordering = ["index"]
        constraints = [models.UniqueConstraint(fields=["verification", "index"], name="one_row_per_group")]

    def __str__(self) -> str:
        return f"Group {self.index}"
