"""Two organizations that run mutual TLS, and the people whom they call."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models.functions import Greatest, Least

from portal.organizations.models import Membership, Organization, User
from portal.partnerships import contact_rules


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

    The state is not stored, it follows from what was confirmed and from the moment: see ``contact_rules.state_at``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="contacts")
    # Only a contact with a login can read a fingerprint aloud: the call code is shown in their own session.
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
    number_changed_at = models.DateTimeField()
    number_entered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    usable_from = models.DateTimeField(null=True)  # None: the number never had to cool off
    confirmed_by_call_at = models.DateTimeField(null=True)
    confirmed_by_call_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_by_contact_at = models.DateTimeField(null=True)
    confirmed_by_contact = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    review_asked_at = models.DateTimeField(null=True)
    reported_wrong_at = models.DateTimeField(null=True)
    reported_wrong_by = models.ForeignKey(Organization, null=True, on_delete=models.PROTECT, related_name="+")
    # A mail to the person came back, and nobody has changed the address or said since that the entry is still right.
    mail_came_back_at = models.DateTimeField(null=True)
    mail_came_back_reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "partnerships_contact"
        ordering = ["-is_primary", "-is_backup", "name"]

    def __str__(self) -> str:
        return f"{self.name}, {self.organization}"

    def number_facts(self) -> contact_rules.NumberFacts:
        """Return what the rules need to know about the number."""
        return contact_rules.NumberFacts(
            changed_at=self.number_changed_at,
            usable_from=self.usable_from,
            called_at=self.confirmed_by_call_at,
            vouched_at=self.confirmed_by_contact_at,
            reported_wrong_at=self.reported_wrong_at,
            retired_at=self.retired_at,
        )

    def state_at(self, now: datetime) -> contact_rules.ContactState:
        """Return the contact's state at ``now``."""
        return contact_rules.state_at(self.number_facts(), now)

    def obstacle_at(self, now: datetime) -> contact_rules.Obstacle | None:
        """Return why the contact cannot be called for a verification at ``now``, or None when they can."""
        return contact_rules.obstacle(self.number_facts(), now)

    @property
    def phone_spaced(self) -> str:
        return contact_rules.spaced(self.phone)

    @property
    def phone_masked(self) -> str:
        return contact_rules.masked(self.phone)


class ContactChange(models.Model):
    """One line of a contact's history, append-only. It holds full numbers, so it is not part of the log's data."""

    class What(models.TextChoices):
        ADDED = "added", "Added"
        DETAILS = "details_changed", "Details changed"
        NUMBER = "number_changed", "Number changed"
        CALLED = "confirmed_by_call", "Confirmed by a call"
        VOUCHED = "confirmed_by_contact", "Confirmed by a second contact"
        REVIEWED = "reviewed", "Said to be still right"
        REPORTED = "reported_wrong", "Reported as wrong"
        CAME_BACK = "mail_came_back", "Mail came back"
        RETIRED = "retired", "Retired"

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="changes")
    what = models.CharField(max_length=30, choices=What.choices)
    at = models.DateTimeField()
    by_label = models.CharField(max_length=200)
    phone = models.CharField(max_length=20)  # the number after the change, E.164
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "partnerships_contact_change"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.what}"
