"""Whose signature counts: an organization's OpenPGP keys."""

import uuid

from django.db import models

from portal.organizations.models import Organization, User


class OpenPgpKey(models.Model):
    """An organization's signing key, by its full fingerprint. Never known by a key ID.

    ``state`` is what the owner has shown. Whether the key is *verified* belongs to each relying organization and stands in
    its verification request; whether it is *expired* follows from ``expires_at``.
    """

    class State(models.TextChoices):
        UPLOADED = "uploaded", "Uploaded"
        PROVEN = "proven", "Proven"
        REVOKED = "revoked", "Revoked"
        REPLACED = "replaced", "Replaced"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="openpgp_keys")
    fingerprint = models.CharField(max_length=64)  # primary key, lower-case hex
    version = models.PositiveSmallIntegerField()
    algorithm = models.CharField(max_length=40)
    user_ids = models.JSONField(default=list)  # claimed by the key itself, escaped, never matched on
    block = models.TextField()  # armored public key in minimal form
    facts = models.JSONField(default=dict)
    state = models.CharField(max_length=20, choices=State.choices, default=State.UPLOADED)
    key_created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    uploaded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    proven_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    replaced_at = models.DateTimeField(null=True)
    revocation_reason = models.CharField(max_length=300, blank=True)
    # One active key and at most one next key, so that a change has an overlap and no choice to make.
    is_next = models.BooleanField(default=False)
    replaces = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="replaced_by")
    # The change signed by the key that is replaced, byte for byte.
    vouched_at = models.DateTimeField(null=True)
    vouching = models.BinaryField(null=True)
    # The smallest step of days for which the coming expiry was told.
    expiry_told_days = models.PositiveSmallIntegerField(null=True)

    class Meta:
        db_table = "trust_openpgp_key"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "fingerprint"], name="key_once_per_organization"),
            # An upload proves nothing: anybody can send somebody else's public key, and must not block them by it.
            models.UniqueConstraint(
                fields=["fingerprint"], condition=models.Q(proven_at__isnull=False), name="proven_key_has_one_owner"
            ),
            models.UniqueConstraint(
                fields=["organization", "is_next"],
                condition=models.Q(state__in=["uploaded", "proven"]),
                name="one_active_and_one_next_key",
            ),
        ]

    def __str__(self) -> str:
        return self.fingerprint


class KeyComponent(models.Model):
    """The fingerprint of a proven key's primary or signing subkey: no other organization can prove a key that has it."""

    key = models.ForeignKey(OpenPgpKey, on_delete=models.PROTECT, related_name="components")
    fingerprint = models.CharField(max_length=64, unique=True)

    class Meta:
        db_table = "trust_openpgp_key_component"

    def __str__(self) -> str:
        return self.fingerprint


class KeyChallenge(models.Model):
    """A text that the holder of a key signs once, to show that they hold it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.ForeignKey(OpenPgpKey, on_delete=models.PROTECT, related_name="challenges")
    text = models.TextField()
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    answer = models.BinaryField(null=True)

    class Meta:
        db_table = "trust_key_challenge"

    def __str__(self) -> str:
        return f"Challenge for {self.key}"
