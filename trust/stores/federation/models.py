"""Which SPIFFE trust domain a store stands for, and whether its bundle is public."""

from django.db import models

from portal.organizations.models import Organization, User
from trust.stores.models import TrustStore


class SpiffeBinding(models.Model):
    """A store's trust domain. The bundle itself never names one (SPIFFE Trust Domain and Bundle 4), so it is bound here."""

    store = models.OneToOneField(TrustStore, on_delete=models.PROTECT, related_name="spiffe")
    relying = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    trust_domain = models.CharField(max_length=255)
    # Since when anybody may fetch the bundle without a token; empty when nobody may, which is how it begins.
    public_since = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "trust_spiffe_binding"
        constraints = [
            # A bundle map names each trust domain once (SPIFFE Trust Domain and Bundle 4, bundle maps).
            models.UniqueConstraint(fields=["relying", "trust_domain"], name="one_store_per_trust_domain")
        ]

    def __str__(self) -> str:
        return f"{self.store} is {self.trust_domain}"
