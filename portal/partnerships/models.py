"""Two organizations that run mutual TLS, and the people whom they call."""

import uuid

from django.db import models
from django.db.models.functions import Greatest, Least

from portal.organizations.models import Membership, Organization, User


class Partnership(models.Model):
    """Two organizations that run mutual TLS. Three companies make three partnerships."""

    class State(models.TextChoices):
        INVITED = "invited", "Invited"
        ONBOARDING = "onboarding", "Onboarding"
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        ENDED = "ended", "Ended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=90, unique=True)
    # The first organization is the one that invited.
    first_organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="partnerships_begun")
    second_organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="partnerships_joined")
    state = models.CharField(max_length=20, choices=State.choices, default=State.ONBOARDING)
    state_reason = models.TextField(blank=True)
    created_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)
    # Numbers of submissions, verifications and notices are taken from here, under a row lock.
    last_submission_number = models.PositiveIntegerField(default=0)
    last_verification_number = models.PositiveIntegerField(default=0)
    last_notice_number = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "partnerships_partnership"
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(first_organization=models.F("second_organization")),
                name="partnership_needs_two_organizations",
            ),
            models.UniqueConstraint(
                Least("first_organization", "second_organization"),
                Greatest("first_organization", "second_organization"),
                name="one_partnership_per_pair",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_organization} and {self.second_organization}"

    def has(self, organization: Organization) -> bool:
        """Say whether ``organization`` is one of the two."""
        return organization.pk in (self.first_organization_id, self.second_organization_id)

    def other(self, organization: Organization) -> Organization:
        """Return the other of the two. Raises ValueError for a stranger."""
        if organization.pk == self.first_organization_id:
            return self.second_organization
        if organization.pk == self.second_organization_id:
            return self.first_organization
        raise ValueError("The organization is not part of this partnership.")


class PartnershipInvitation(models.Model):
    """An invitation to a company that may not be on the portal yet, for whoever holds the mailed link or the code."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="partnership_invitations")
    invited_name = models.CharField(max_length=120)
    email = models.EmailField()
    contact_name = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    partnership = models.ForeignKey(Partnership, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "partnerships_invitation"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.organization} invites {self.invited_name}"


class Contact(models.Model):
    """A person in the directory with a phone number; may have no login.

    A number can be used for a verification call only when it was confirmed by a call and by a second contact, and 72 hours
    after it changed.
    """

    class State(models.TextChoices):
        UNCONFIRMED = "unconfirmed", "Unconfirmed"
        CONFIRMED = "confirmed", "Confirmed"
        COOLING_OFF = "cooling_off", "Cooling off"
        RETIRED = "retired", "Retired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="contacts")
    membership = models.ForeignKey(Membership, null=True, blank=True, on_delete=models.PROTECT, related_name="contacts")
    name = models.CharField(max_length=120)
    role_title = models.CharField(max_length=120, blank=True)
    is_primary = models.BooleanField(default=False)
    is_backup = models.BooleanField(default=False)
    phone = models.CharField(max_length=20)  # E.164
    email = models.EmailField(blank=True)
    languages = models.CharField(max_length=120, blank=True)
    hours = models.CharField(max_length=120, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    openpgp_fingerprint = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.UNCONFIRMED)
    number_changed_at = models.DateTimeField()
    confirmed_by_call_at = models.DateTimeField(null=True)
    confirmed_by_call_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_by_contact_at = models.DateTimeField(null=True)
    confirmed_by_contact = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    reported_wrong_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "partnerships_contact"
        ordering = ["-is_primary", "-is_backup", "name"]

    def __str__(self) -> str:
        return f"{self.name}, {self.organization}"
