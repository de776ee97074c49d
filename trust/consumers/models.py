"""Who pulls trust stores, and what they run."""

import uuid

from django.db import models
from django.db.models import Case, F, Q, When

from portal.organizations.models import HashedToken, Organization, User
from trust.consumers import rules
from trust.stores.models import TrustStore


class Consumer(models.Model):
    """A service that pulls stores."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="consumers")
    name = models.SlugField(max_length=80)
    owner = models.CharField(max_length=120, blank=True)  # the team that runs it
    interval_seconds = models.PositiveIntegerField(default=300)  # how often it promises to pull
    stores = models.ManyToManyField(TrustStore, related_name="consumers")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_consumer"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="consumer_name_is_unique_per_organization")
        ]

    def __str__(self) -> str:
        return self.name


class ConsumerToken(HashedToken):
    """A consumer's secret. It reads the consumer's named stores and nothing else."""

    consumer = models.ForeignKey(Consumer, on_delete=models.PROTECT, related_name="tokens")

    class Meta:
        db_table = "trust_consumer_token"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.hint}… of {self.consumer}"


class PullRecord(models.Model):
    """What one consumer does with one store: its last pull, and what it says it runs.

    Written in batches, never on the path of a request.
    """

    class Stage(models.TextChoices):
        FETCHED = "fetched", "Fetched"
        WRITTEN = "written", "Written"
        LOADED = "loaded", "Loaded"

    consumer = models.ForeignKey(Consumer, on_delete=models.CASCADE, related_name="pulls")
    store = models.ForeignKey(TrustStore, on_delete=models.CASCADE, related_name="pulls")
    pulled_at = models.DateTimeField()
    version_number = models.PositiveIntegerField()
    user_agent = models.CharField(max_length=120, blank=True)
    pull_count = models.PositiveBigIntegerField(default=0)
    # Seconds between pulls as observed, a moving mean; empty before the second pull.
    observed_seconds = models.FloatField(null=True)
    # See trust.consumers.rules.PullHistory.
    history = models.BinaryField(default=bytes)
    history_until = models.BigIntegerField(default=0)
    # What the consumer's agent reported last, and what proved it.
    reported_stage = models.CharField(max_length=10, choices=Stage.choices, blank=True)
    reported_number = models.PositiveIntegerField(null=True)
    reported_at = models.DateTimeField(null=True)
    reported_proof = models.CharField(max_length=200, blank=True)
    # When its silence was told; empty while it pulls.
    silence_told_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_pull_record"
        constraints = [models.UniqueConstraint(fields=["consumer", "store"], name="one_pull_record_per_store")]
        indexes = [
            models.Index(fields=["store", "version_number"], name="pull_by_store_and_version"),
            # Of the few that fetched a version and said no more: among them are those that could not use it.
            models.Index(
                fields=["store", "reported_number"],
                condition=Q(reported_stage=rules.FETCHED, reported_number__isnull=False),
                name="pull_that_was_only_fetched",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} at v{self.version_number}"

    @property
    def runs(self) -> int:
        """The version that the consumer is believed to run; 0 when it could not even use the first."""
        return rules.runs(self.version_number, stage=self.reported_stage, reported=self.reported_number)

    @property
    def could_not_use(self) -> int | None:
        """The version that the agent fetched and could not take into use, if that is how it stands."""
        return self.reported_number if self.runs < self.version_number else None


# ``rules.runs`` for a database: the records of consumers that fetched a version and could not take it into use, and what runs.
NOT_TAKEN = Q(reported_stage=rules.FETCHED, reported_number__isnull=False, reported_number__gte=F("version_number"))
RUNS = Case(
    When(NOT_TAKEN, then=F("reported_number") - 1), default=F("version_number"), output_field=models.IntegerField()
)
