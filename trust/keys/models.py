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
    fingerprint = models.CharField(max_length=64, unique=True)  # primary key, lower-case hex
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
    replaces = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="replaced_by")

    class Meta:
        db_table = "trust_openpgp_key"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.fingerprint


class KeyComponent(models.Model):
    """The fingerprint of a key's primary or subkey, so that no other organization can register a key that adopts it."""

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
