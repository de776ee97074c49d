"""What one relying organization trusts of one partner, in numbered versions that never change."""

import uuid

from django.db import models

from portal.organizations.models import Organization, User
from portal.partnerships.models import Partnership
from trust.certificates.models import Certificate
from trust.submissions.models import Submission


class TrustStore(models.Model):
    """A named store: one relying organization, one partner, one purpose, one environment."""

    class Purpose(models.TextChoices):
        BOTH = "both", "Servers and clients"
        SERVER = "server", "Servers that we call"
        CLIENT = "client", "Clients that call us"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.SlugField(max_length=80)
    relying = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="trust_stores")
    owner = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="trust_stores")
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.BOTH)
    environment = models.CharField(max_length=40, default="prod")
    created_at = models.DateTimeField()
    # The number of the current version; 0 before the first. Moves only forward, by compare-and-set.
    current_number = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "trust_store"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["relying", "name"], name="store_name_is_unique_per_organization")
        ]

    def __str__(self) -> str:
        return self.name


class StoreVersion(models.Model):
    """A numbered, immutable state of a store."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(TrustStore, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    published_by_label = models.CharField(max_length=200)
    second_person = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    # Set when the store was emptied on purpose; a version without entries must have it.
    withdrawal = models.BooleanField(default=False)
    adds = models.PositiveIntegerField(default=0)
    removes = models.PositiveIntegerField(default=0)
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    review_due_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_store_version"
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["store", "number"], name="version_number_is_unique_per_store")]

    def __str__(self) -> str:
        return f"{self.store} v{self.number}"


class StoreEntry(models.Model):
    """A certificate in a version, and where the right to be there comes from."""

    version = models.ForeignKey(StoreVersion, on_delete=models.PROTECT, related_name="entries")
    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="store_entries")
    position = models.PositiveIntegerField()
    role = models.CharField(max_length=20)  # anchor or intermediate
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="+")
    signer_fingerprint = models.CharField(max_length=64)
    verification_id = models.UUIDField(null=True)  # of the anchor's call; empty for an intermediate

    class Meta:
        db_table = "trust_store_entry"
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["version", "certificate"], name="certificate_once_per_version")]

    def __str__(self) -> str:
        return f"{self.certificate_id} in {self.version}"


class Artifact(models.Model):
    """The bytes of one format of one version, made once and served as they are."""

    version = models.ForeignKey(StoreVersion, on_delete=models.PROTECT, related_name="artifacts")
    format = models.CharField(max_length=40)  # the extension in the address: pem, json
    content_type = models.CharField(max_length=100)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    length = models.PositiveIntegerField()  # bytes

    class Meta:
        db_table = "trust_artifact"
        constraints = [models.UniqueConstraint(fields=["version", "format"], name="one_artifact_per_format")]

    def __str__(self) -> str:
        return f"{self.version}.{self.format}"
