"""What the inventory keeps beside certificates and keys: service certificates, and which expiries were told."""

import uuid

from django.db import models

from portal.organizations.models import Organization, User
from portal.partnerships.models import Partnership
from trust.certificates.models import Certificate


class ServiceCertificate(models.Model):
    """A certificate of a service, added by its owner so that its expiry is watched. It is never part of a trust store.

    Without a partnership only its owner sees it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="service_certificates")
    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="service_certificates")
    partnership = models.ForeignKey(
        Partnership, null=True, on_delete=models.PROTECT, related_name="service_certificates"
    )
    service_name = models.CharField(max_length=80)
    environment = models.CharField(max_length=40, blank=True)
    team = models.CharField(max_length=80, blank=True)
    added_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_service_certificate"
        ordering = ["-added_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "certificate"],
                condition=models.Q(retired_at=None),
                name="service_certificate_once_per_organization",
            )
        ]

    def __str__(self) -> str:
        return self.service_name


class ExpiryTold(models.Model):
    """A step of an expiry that was told, so that it is told once."""

    scope = models.CharField(max_length=36)  # the partnership's id, or the organization's for what nobody else sees
    identifier = models.CharField(max_length=64)  # SHA-256 of the certificate
    step = models.PositiveIntegerField()  # days before the end; 0 for the end itself
    told_at = models.DateTimeField()

    class Meta:
        db_table = "trust_expiry_told"
        constraints = [
            models.UniqueConstraint(fields=["scope", "identifier", "step"], name="each_expiry_step_is_told_once")
        ]
        indexes = [models.Index(fields=["identifier"], name="expiry_told_of")]

    def __str__(self) -> str:
        return f"{self.identifier[:8]} at {self.step} days"


class ExpirySweep(models.Model):
    """The one row that says up to which moment every step of an expiry was told."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    seen_until = models.DateTimeField()

    class Meta:
        db_table = "trust_expiry_sweep"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="expiry_sweep_is_one_row")]

    def __str__(self) -> str:
        return f"expiries told up to {self.seen_until:%Y-%m-%d %H:%M}"
