"""What one relying organization trusts of one partner, in numbered versions that never change."""

import uuid

from django.db import models

from portal.organizations.models import Organization, User
from portal.partnerships.models import Partnership
from trust.certificates.models import Certificate
from trust.stores import formats
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
    """A numbered, immutable state of a store. Only the review of a removal is written later."""

    class Kind(models.TextChoices):
        SUBMISSION = "submission", "Accepted submission"
        REMOVAL = "removal", "Removal"
        WITHDRAWAL = "withdrawal", "Withdrawal of the whole store"
        CONTENTS = "contents", "Contents of an earlier version"
        RESTORE = "restore", "Certificates brought back"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(TrustStore, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=20, choices=Kind.choices)
    published_at = models.DateTimeField()
    # The person who published; empty when the portal applied a partner's signed notice.
    published_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    published_by_label = models.CharField(max_length=200)
    # The other person of the relying organization who stands behind an addition: the caller or the proposer.
    first_person = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    submission = models.ForeignKey(Submission, null=True, on_delete=models.PROTECT, related_name="store_versions")
    notice_label = models.CharField(max_length=80, blank=True)
    # Set when the store was emptied on purpose; a version without entries must have it.
    withdrawal = models.BooleanField(default=False)
    # Set when an officer said that the removal could not wait for services, as a planned one does (``holding``).
    emergency = models.BooleanField(default=False)
    adds = models.PositiveIntegerField(default=0)
    removes = models.PositiveIntegerField(default=0)
    review_due_at = models.DateTimeField(null=True)
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    review_note = models.TextField(blank=True)

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

    @property
    def label(self) -> str:
        """Return the format in words."""
        known = formats.BY_EXTENSION.get(self.format)
        return known.label if known else self.format

    @property
    def loses(self) -> tuple[str, ...]:
        """Return what the format could not carry, for programs."""
        known = formats.BY_EXTENSION.get(self.format)
        return known.loses if known else ()


class StoreDraft(models.Model):
    """A version that adds trust, proposed by one person and waiting for another to publish it."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for approval"
        PUBLISHED = "published", "Published"
        WITHDRAWN = "withdrawn", "Withdrawn"
        OVER = "over", "Over with its submission"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Empty when the submission is the first of its partner, so that there is no store yet.
    store = models.ForeignKey(TrustStore, null=True, on_delete=models.PROTECT, related_name="drafts")
    relying = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=StoreVersion.Kind.choices)
    submission = models.ForeignKey(Submission, null=True, on_delete=models.PROTECT, related_name="store_drafts")
    contents_of = models.ForeignKey(StoreVersion, null=True, on_delete=models.PROTECT, related_name="+")
    certificates = models.ManyToManyField(Certificate, related_name="+")
    reason = models.TextField()
    state = models.CharField(max_length=20, choices=State.choices, default=State.WAITING)
    # Empty when the portal prepared it, because a partner's signed notice announced it: then nobody stands behind it yet.
    proposed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    notice_label = models.CharField(max_length=80, blank=True)
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    published = models.ForeignKey(StoreVersion, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "trust_store_draft"
        ordering = ["-proposed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission"], condition=models.Q(state="waiting"), name="one_waiting_draft_per_submission"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.origin}"

    @property
    def origin(self) -> str:
        """Return in words who proposed it, or that it was prepared because of a notice."""
        if self.proposed_by is None:
            return f"prepared because of notice {self.notice_label}"
        return f"proposed by {self.proposed_by}"


class ServeGeneration(models.Model):
    """The one row that counts changes of what may be served, so that every process notices them, even if a message is lost."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "trust_serve_generation"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="serve_generation_is_one_row")]

    def __str__(self) -> str:
        return f"generation {self.number}"
