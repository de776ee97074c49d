"""What the portal signed as TUF repositories, and with which keys."""

import uuid

from django.db import models

from trust.stores.models import TrustStore


class TufRootKeys(models.Model):
    """The public halves of the keys that sign roots. A new set is a new row; the newest is used for the next root."""

    number = models.PositiveIntegerField(unique=True)
    keys = models.JSONField()  # TUF key objects by key id
    threshold = models.PositiveSmallIntegerField()  # how many different keys must sign
    created_at = models.DateTimeField()

    class Meta:
        db_table = "trust_tuf_root_keys"
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"root keys {self.number}"


class TufRepository(models.Model):
    """One store's repository: its online keys, sealed, and how far each role has come."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.OneToOneField(TrustStore, on_delete=models.PROTECT, related_name="tuf")
    # Private keys (PEM) by role, sealed. ``next_keys`` wait for the root that names them.
    sealed_keys = models.TextField()
    sealed_next_keys = models.TextField(blank=True)
    created_at = models.DateTimeField()
    # Empty while the root waits for its signatures: then nothing is served.
    root_version = models.PositiveIntegerField(null=True)
    targets_version = models.PositiveIntegerField(default=0)
    snapshot_version = models.PositiveIntegerField(default=0)
    timestamp_version = models.PositiveIntegerField(default=0)
    root_expires_at = models.DateTimeField(null=True)
    targets_expires_at = models.DateTimeField(null=True)
    snapshot_expires_at = models.DateTimeField(null=True)
    timestamp_expires_at = models.DateTimeField(null=True)
    # The root version whose coming expiry was told.
    root_alarm_version = models.PositiveIntegerField(null=True)

    class Meta:
        db_table = "trust_tuf_repository"
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"TUF repository of {self.store}"


class TufMetadata(models.Model):
    """One signed file. Roots are kept for ever; of the timestamp there is only the last."""

    repository = models.ForeignKey(TufRepository, on_delete=models.PROTECT, related_name="metadata")
    role = models.CharField(max_length=20)
    version = models.PositiveIntegerField()
    content = models.BinaryField()
    expires_at = models.DateTimeField()
    # Unset for a root that has not all of its signatures.
    served = models.BooleanField(default=True)

    class Meta:
        db_table = "trust_tuf_metadata"
        ordering = ["role", "version"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "role", "version"], name="tuf_version_once_per_role")
        ]

    def __str__(self) -> str:
        return f"{self.version}.{self.role}"


class TufTarget(models.Model):
    """The exact bytes of a target that is no artifact: a partner's original, its signature, or the key that made it."""

    repository = models.ForeignKey(TufRepository, on_delete=models.PROTECT, related_name="targets")
    path = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()

    class Meta:
        db_table = "trust_tuf_target"
        constraints = [
            models.UniqueConstraint(fields=["repository", "path", "sha256"], name="tuf_target_once_per_content")
        ]

    def __str__(self) -> str:
        return self.path
