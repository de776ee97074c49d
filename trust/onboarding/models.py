"""What people say about the checklist, the evidence, the tests, and the reviews that follow."""

import uuid

from django.db import models

from portal.organizations.models import Organization, User
from portal.partnerships.models import Partnership
from trust.onboarding.negative_rules import EXPECTATIONS
from trust.onboarding.rules import TEMPLATE_WORDS, Group, Template
from trust.stores.models import StoreVersion

TEMPLATES = [(each.value, words[0]) for each, words in TEMPLATE_WORDS.items()]
GROUPS = [(each.value, each.value) for each in Group]


class OnboardingPlan(models.Model):
    """Which checklist a partnership has. Made when somebody first changes it; without one it is the standard one."""

    partnership = models.OneToOneField(Partnership, on_delete=models.PROTECT, related_name="onboarding_plan")
    template = models.CharField(max_length=20, choices=TEMPLATES, default=Template.STANDARD)

    class Meta:
        db_table = "trust_onboarding_plan"

    def __str__(self) -> str:
        return f"{self.get_template_display()} for {self.partnership}"


class CustomItem(models.Model):
    """An item that one side added to the checklist; both sides complete it by saying so."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="custom_items")
    added_by = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    group = models.CharField(max_length=20, choices=GROUPS)
    title = models.CharField(max_length=120)
    why = models.CharField(max_length=300, blank=True)
    required = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_onboarding_custom_item"
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.title


class OnboardingTask(models.Model):
    """What one side wrote about one item: who does it, until when, and that it is done."""

    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="onboarding_tasks")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=60)
    owner = models.CharField(max_length=120, blank=True)
    due_on = models.DateField(null=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    nudged_at = models.DateTimeField(null=True)  # when the other side last reminded this one

    class Meta:
        db_table = "trust_onboarding_task"
        constraints = [
            models.UniqueConstraint(fields=["partnership", "organization", "key"], name="one_task_per_side_and_item")
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.organization}"


class TaskEvidence(models.Model):
    """A file that shows that an item is done. Kept byte for byte; never a private key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    task = models.ForeignKey(OnboardingTask, on_delete=models.PROTECT, related_name="evidence")
    name = models.CharField(max_length=200)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    note = models.CharField(max_length=300, blank=True)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta:
        db_table = "trust_onboarding_evidence"
        ordering = ["added_at"]

    def __str__(self) -> str:
        return self.name


class GoLive(models.Model):
    """One side's word that it is ready. With both, and nothing missing, the partnership is active."""

    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="go_lives")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "trust_onboarding_go_live"
        constraints = [models.UniqueConstraint(fields=["partnership", "organization"], name="one_go_live_per_side")]

    def __str__(self) -> str:
        return f"{self.organization} is ready"


class IncidentMailbox(models.Model):
    """The address of an organization that is told when nothing else gets through. Confirmed by whoever reads it."""

    organization = models.OneToOneField(Organization, on_delete=models.PROTECT, related_name="incident_mailbox")
    address = models.EmailField()
    digest = models.CharField(max_length=64, blank=True)  # of the secret in the open confirmation link
    asked_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_incident_mailbox"

    def __str__(self) -> str:
        return self.address


class NegativeSample(models.Model):
    """A service certificate that one side supplies, and what must become of it at the other side."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="negative_samples")
    owner = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    expectation = models.CharField(max_length=20, choices=[(key, each.label) for key, each in EXPECTATIONS.items()])
    content = models.BinaryField()  # the PEM chain, the service certificate first
    crl = models.BinaryField(blank=True)
    certificate_sha256 = models.CharField(max_length=64)
    subject = models.TextField()
    dns_name = models.CharField(max_length=255, blank=True)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_negative_sample"
        ordering = ["added_at"]

    def __str__(self) -> str:
        return f"{self.expectation} of {self.owner}"


class NegativeRun(models.Model):
    """One run of the other side's samples against the store that the relying organization serves. Never changed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="negative_runs")
    relying = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(StoreVersion, on_delete=models.PROTECT, related_name="+")
    results = models.JSONField(default=list)
    passed = models.PositiveIntegerField()
    count = models.PositiveIntegerField()
    complete = models.BooleanField()  # every kind of sample was there
    run_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "trust_negative_run"
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.passed} of {self.count} at {self.relying}"


class KitResult(models.Model):
    """What the test kit said on one side's machines, as its JSON."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="kit_results")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    content = models.BinaryField()
    results = models.JSONField(default=list)
    passed = models.PositiveIntegerField()
    count = models.PositiveIntegerField()
    store_version = models.PositiveIntegerField(null=True)
    handed_in_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "trust_kit_result"
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.passed} of {self.count} at {self.organization}"


class Review(models.Model):
    """A security review of a partnership by both sides (guide 8.4)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="reviews")
    number = models.PositiveIntegerField()
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    facts = models.JSONField(default=list)  # what the portal knew when it opened, question by question and side
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_review"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["partnership", "number"], name="review_number_is_unique"),
            models.UniqueConstraint(
                fields=["partnership"], condition=models.Q(closed_at=None), name="one_open_review_per_partnership"
            ),
        ]

    def __str__(self) -> str:
        return f"Review {self.number}"


class ReviewAnswer(models.Model):
    """One side's answer to one question that the portal cannot see."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="answers")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    question = models.CharField(max_length=60)
    yes = models.BooleanField()
    note = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "trust_review_answer"
        constraints = [
            models.UniqueConstraint(
                fields=["review", "organization", "question"], name="one_answer_per_side_and_question"
            )
        ]

    def __str__(self) -> str:
        return f"{self.question}: {self.yes}"


class ReviewFinding(models.Model):
    """Something to mend, carried from review to review until it is closed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="review_findings")
    found_in = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="findings")
    title = models.CharField(max_length=200)
    severity = models.CharField(max_length=10, choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")])
    action = models.CharField(max_length=500)
    owner = models.CharField(max_length=120)
    due_on = models.DateField()
    written_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    closing_note = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "trust_review_finding"
        ordering = ["due_on"]

    def __str__(self) -> str:
        return self.title


class ReviewSignOff(models.Model):
    """One side's signature under a review."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="sign_offs")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "trust_review_sign_off"
        constraints = [models.UniqueConstraint(fields=["review", "organization"], name="one_sign_off_per_side")]

    def __str__(self) -> str:
        return f"{self.organization} on {self.review}"
