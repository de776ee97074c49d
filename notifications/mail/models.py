"""The portal's mail key, what each member wants mailed, the keys that mail is encrypted to, and mail that came back."""

from datetime import datetime

from django.db import models

from notifications.deliveries.models import Delivery
from notifications.mail.rules import DEFAULT_NEWS, DEFAULT_TASKS, Frequency
from portal.organizations.models import Membership, User
from portal.partnerships.models import Contact

FREQUENCIES = [(each.value, each.value) for each in Frequency]


class MailKey(models.Model):
    """An OpenPGP key of the portal itself, with which it signs mail; sealed with keys that are outside of the database."""

    fingerprint = models.CharField(max_length=64, unique=True)
    public_block = models.TextField()
    private_sealed = models.TextField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notifications_mail_key"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.fingerprint

    def in_force(self, now: datetime) -> bool:
        """Say whether the portal signs with it at ``now``."""
        return self.retired_at is None and now < self.expires_at


class MailPreference(models.Model):
    """How often a member is mailed about what is not urgent."""

    membership = models.OneToOneField(
        Membership, primary_key=True, on_delete=models.PROTECT, related_name="mail_preference"
    )
    tasks = models.CharField(max_length=10, choices=FREQUENCIES, default=DEFAULT_TASKS.value)
    news = models.CharField(max_length=10, choices=FREQUENCIES, default=DEFAULT_NEWS.value)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "notifications_mail_preference"

    def __str__(self) -> str:
        return f"tasks {self.tasks}, news {self.news}"


class RecipientKey(models.Model):
    """The OpenPGP key to which mail to a person is encrypted. It encrypts and nothing else: no signature is judged by it."""

    user = models.OneToOneField(User, null=True, on_delete=models.PROTECT, related_name="mail_encryption_key")
    contact = models.OneToOneField(Contact, null=True, on_delete=models.PROTECT, related_name="mail_encryption_key")
    fingerprint = models.CharField(max_length=64)
    block = models.TextField()
    expires_at = models.DateTimeField(null=True)
    added_at = models.DateTimeField()
    added_by_label = models.CharField(max_length=200)

    class Meta:
        db_table = "notifications_recipient_key"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=True, contact__isnull=False)
                | models.Q(user__isnull=False, contact__isnull=True),
                name="recipient_key_has_one_owner",
            ),
        ]

    def __str__(self) -> str:
        return self.fingerprint


class Bounce(models.Model):
    """A mail that came back, as the mail server that could not deliver it said (RFC 3464). Only ever added."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="bounces")
    at = models.DateTimeField()
    status = models.CharField(max_length=12)  # RFC 3463: 5.1.1
    permanent = models.BooleanField()
    said = models.CharField(max_length=300)
    report_sha256 = models.CharField(max_length=64)

    class Meta:
        db_table = "notifications_bounce"
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["delivery", "report_sha256"], name="a_report_counts_once"),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.said}"
