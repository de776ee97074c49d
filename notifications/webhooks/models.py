"""Where an organization's machines want to hear of events, and the keys that sign what is sent there."""

import uuid
from datetime import datetime

from django.db import models

from notifications.webhooks.rules import SENT_TO, STATE_LABELS, EndpointState, Health, matches
from notifications.webhooks.signing import SigningKey
from portal import sealing
from portal.organizations.models import Organization, User

STATES = [(state.value, label) for state, label in STATE_LABELS.items()]


class WebhookEndpoint(models.Model):
    """One URL of one organization. Nothing but its test is sent before the test was answered."""

    class Scheme(models.TextChoices):
        ED25519 = "ed25519", "Ed25519 (v1a): you hold only a public key"
        HMAC = "hmac", "HMAC-SHA256 (v1): you hold a shared secret"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="webhook_endpoints")
    name = models.SlugField(max_length=80)
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=200, blank=True)
    scheme = models.CharField(max_length=10, choices=Scheme.choices, default=Scheme.ED25519)
    event_types = models.JSONField(default=list)  # "notice.*", "trust_store.published", "*"
    # Sent as "Authorization: Bearer …" if the receiver asks for it; sealed, never shown again.
    bearer_token_sealed = models.TextField(blank=True)
    # Shows the portal's own client certificate (mutual TLS), when the operator configured one.
    client_certificate = models.BooleanField(default=False)
    state = models.CharField(max_length=20, choices=STATES, default=EndpointState.UNPROVEN)
    state_reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    # The digest of what the test sent; whoever can answer with it receives at this URL.
    challenge_digest = models.CharField(max_length=64, blank=True)
    challenge_sent_at = models.DateTimeField(null=True)
    proven_at = models.DateTimeField(null=True)
    last_test = models.JSONField(null=True)  # what the last test sent and what came back
    failures = models.PositiveIntegerField(default=0)  # in a row
    failing_since = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    warned = models.BooleanField(default=False)
    last_success_at = models.DateTimeField(null=True)
    last_failure_at = models.DateTimeField(null=True)
    last_reason = models.CharField(max_length=300, blank=True)
    paused_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notifications_webhook_endpoint"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                condition=models.Q(removed_at=None),
                name="endpoint_name_is_unique_per_organization",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def sent_to(self) -> bool:
        """Say whether events are sent there now."""
        return self.state in SENT_TO

    def wants(self, event_type: str) -> bool:
        """Say whether the endpoint chose events of this type."""
        return matches(self.event_types, event_type)

    @property
    def health(self) -> Health:
        return Health(EndpointState(self.state), self.failures, self.failing_since, self.told_at, self.warned)

    @property
    def bearer_token(self) -> str:
        """Return the token to send, unsealed."""
        return sealing.unseal(self.bearer_token_sealed) if self.bearer_token_sealed else ""


class EndpointKey(models.Model):
    """A signing key of one endpoint. The newest signs alone, except while an older one is still in its overlap."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="keys")
    scheme = models.CharField(max_length=10, choices=WebhookEndpoint.Scheme.choices)
    secret_sealed = models.TextField()
    public = models.CharField(max_length=80, blank=True)  # whpk_… for Ed25519
    created_at = models.DateTimeField()
    retires_at = models.DateTimeField(null=True)  # when it stops signing; empty for the newest

    class Meta:
        db_table = "notifications_endpoint_key"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.scheme} key of {self.endpoint}"

    def in_force(self, now: datetime) -> bool:
        """Say whether the key signs at ``now``."""
        return self.retires_at is None or now < self.retires_at

    @property
    def signing_key(self) -> SigningKey:
        return SigningKey(sealing.unseal(self.secret_sealed))
