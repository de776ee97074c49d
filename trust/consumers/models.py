"""Who pulls trust stores, and what they run."""

import uuid

from django.db import models

from portal.organizations.models import HashedToken, Organization, User
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
    """The last pull of one store by one consumer. Written in batches, never on the path of a request."""

    consumer = models.ForeignKey(Consumer, on_delete=models.CASCADE, related_name="pulls")
    store = models.ForeignKey(TrustStore, on_delete=models.CASCADE, related_name="pulls")
    pulled_at = models.DateTimeField()
    version_number = models.PositiveIntegerField()
    user_agent = models.CharField(max_length=120, blank=True)

    class Meta:
        db_table = "trust_pull_record"
        constraints = [models.UniqueConstraint(fields=["consumer", "store"], name="one_pull_record_per_store")]

    def __str__(self) -> str:
        return f"{self.consumer} at v{self.version_number}"
