"""Companies, their people, and the tokens of their programs."""

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from portal.organizations.rules import ROLE_LABELS, Role, Scope

ROLE_CHOICES = [(role.value, label) for role, label in ROLE_LABELS.items()]


class UserManager(BaseUserManager["User"]):
    """Makes users; an e-mail address is what people sign in with."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A person who can sign in. What they may do comes from their memberships; an operator has none."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    is_operator = models.BooleanField(default=False)
    time_zone = models.CharField(max_length=64, default="UTC")
    theme = models.CharField(
        max_length=10,
        default="system",
        choices=[("system", "As my system"), ("light", "Light"), ("dark", "Dark")],
    )
    shortcuts = models.BooleanField(default=True)
    # A mail to the person came back, and nobody has said since that mail arrives again.
    mail_came_back_at = models.DateTimeField(null=True)
    mail_came_back_reason = models.CharField(max_length=300, blank=True)
    # Raised to sign the person out everywhere: every session carries a hash that covers it.
    session_epoch = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = UserManager()

    class Meta:
        db_table = "organizations_user"
        constraints = [models.UniqueConstraint(Lower("email"), name="one_user_per_address")]

    def __str__(self) -> str:
        return self.name or self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        covered = f"{self.password}:{self.session_epoch}"
        return salted_hmac("trust-exchange.session", covered, secret=secret, algorithm="sha256").hexdigest()

    # Django's admin is not installed; allauth asks for these two.
    @property
    def is_staff(self) -> bool:
        return False

    @property
    def is_superuser(self) -> bool:
        return False


class Organization(models.Model):
    """A company."""

    class State(models.TextChoices):
        INVITED = "invited", "Invited"
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    # Starts the names of its notices: HF-2026-014.
    short_code = models.CharField(max_length=6)
    state = models.CharField(max_length=20, choices=State.choices, default=State.ACTIVE)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "organizations_organization"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's place in an organization."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        LOCKED = "locked", "Locked"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=ROLE_CHOICES)
    responder = models.BooleanField(default=False)
    state = models.CharField(max_length=20, choices=State.choices, default=State.ACTIVE)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "organizations_membership"
        ordering = ["organization", "user"]
        constraints = [
            models.UniqueConstraint(fields=["user", "organization"], name="one_membership_per_organization"),
            models.CheckConstraint(
                condition=models.Q(role__in=[r.value for r in Role]), name="membership_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.organization}"


class MemberInvitation(models.Model):
    """An open place in an organization, for whoever holds the link that was mailed to the address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField()
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=20, choices=ROLE_CHOICES)
    responder = models.BooleanField(default=False)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "organizations_member_invitation"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.email} to {self.organization}"


class HashedToken(models.Model):
    """A secret that a program sends. Only its SHA-256 is stored: the secret has 256 random bits, so that is enough."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    # The first characters, to recognize it by; they say nothing about the rest.
    hint = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def in_force(self, now: datetime) -> bool:
        """Say whether the token may be used at ``now``."""
        return self.revoked_at is None and now < self.expires_at


class ApiToken(HashedToken):
    """A program that acts for an organization, within its scopes."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="api_tokens")
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "organizations_api_token"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    def has(self, scope: Scope) -> bool:
        """Say whether the token carries ``scope``."""
        return scope.value in self.scopes


class IdempotencyRecord(models.Model):
    """The answer to a creating request, kept for a day so that a repeat of it gets the same answer."""

    owner = models.CharField(max_length=80)
    key = models.CharField(max_length=128)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "organizations_idempotency"
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="one_answer_per_idempotency_key")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_by_age")]

    def __str__(self) -> str:
        return self.key
