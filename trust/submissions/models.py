"""What a partner says its CAs are."""

import uuid

from django.db import models

from portal.organizations.models import Organization, User
from portal.partnerships.models import Partnership
from trust.certificates.models import Certificate


class Submission(models.Model):
    """One upload of a signed CA bundle, kept byte for byte with its signature.

    The bytes are empty when a private key was in the upload: then only the time, the person, the kind of key and the hash of the
    public key are kept.
    """

    class State(models.TextChoices):
        CHECKING = "checking", "Checking"
        REFUSED = "refused", "Refused"
        WAITING_FOR_CALL = "waiting_for_call", "Waiting for call"
        WAITING_FOR_APPROVAL = "waiting_for_approval", "Waiting for approval"
        ACCEPTED = "accepted", "Accepted"
        WITHDRAWN = "withdrawn", "Withdrawn"
        QUARANTINED = "quarantined", "Quarantined"

    class Purpose(models.TextChoices):
        BOTH = "both", "Servers and clients"
        SERVER = "server", "Servers"
        CLIENT = "client", "Clients"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="submissions")
    number = models.PositiveIntegerField()
    owner = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="submissions_sent")
    relying = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="submissions_received")
    uploaded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    uploaded_by_label = models.CharField(max_length=200)
    received_at = models.DateTimeField()
    file_name = models.CharField(max_length=200)
    content = models.BinaryField()
    signature = models.BinaryField()
    content_sha256 = models.CharField(max_length=64)
    # It came encrypted to the portal's intake key; what is kept is the signed message that was inside.
    was_encrypted = models.BooleanField(default=False)
    container = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=30, choices=State.choices)
    refusal_code = models.CharField(max_length=120, blank=True)
    # The signature's verdict and everything that makes it repeatable years later.
    verdict = models.CharField(max_length=40, blank=True)
    signature_report = models.JSONField(default=dict)
    signer_fingerprint = models.CharField(max_length=64, blank=True)
    signed_at = models.DateTimeField(null=True)  # as the signature says
    members = models.JSONField(default=list)  # name, size, outcome and reason of each file of the upload
    # The number in its manifest, inside what was signed; null without a manifest.
    sequence = models.PositiveBigIntegerField(null=True)
    # Which of the owner's stores it is for, from the signed manifest or, without one, as the uploader said.
    environment = models.CharField(max_length=20, default="prod")
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.BOTH)
    # What it was held against, so that the report can be repeated: version of the agreement, of the tools.
    checked_against = models.JSONField(default=dict)
    forecast = models.JSONField(default=list)  # what each validator will say, and whether it was run
    # When Java was last asked about it in the background; null while it was not.
    java_tried_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decision_reason = models.TextField(blank=True)
    certificates = models.ManyToManyField(Certificate, through="SubmissionCertificate", related_name="submissions")

    class Meta:
        db_table = "trust_submission"
        ordering = ["-received_at"]
        constraints = [models.UniqueConstraint(fields=["partnership", "number"], name="submission_number_is_unique")]
        indexes = [
            models.Index(fields=["owner", "content_sha256"], name="submission_by_content"),
            models.Index(fields=["partnership", "owner", "sequence"], name="submission_by_sequence"),
            models.Index(fields=["decided_at"], name="submission_by_decision"),
        ]

    def __str__(self) -> str:
        return f"Submission {self.number}"


class SubmissionCertificate(models.Model):
    """A certificate's place in a submission."""

    class Role(models.TextChoices):
        ANCHOR = "anchor", "Trust anchor"
        INTERMEDIATE = "intermediate", "Intermediate"

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="places")
    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="places")
    position = models.PositiveIntegerField()
    role = models.CharField(max_length=20, choices=Role.choices)
    member = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "trust_submission_certificate"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["submission", "certificate"], name="certificate_once_per_submission")
        ]

    def __str__(self) -> str:
        return f"{self.position} of {self.submission}"


class SubmissionFinding(models.Model):
    """One thing a check has to say about a submission."""

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="findings")
    position = models.PositiveIntegerField()
    code = models.CharField(max_length=120)
    severity = models.CharField(max_length=10)  # refuse, problem, warning, note
    sentence = models.TextField()
    fix = models.TextField(blank=True)
    source = models.CharField(max_length=160, blank=True)
    certificate_sha256 = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        db_table = "trust_submission_finding"
        ordering = ["position"]

    def __str__(self) -> str:
        return self.code


class RefusedKey(models.Model):
    """The public key of a private key that was once uploaded. It is refused for ever, whoever sends it."""

    spki_sha256 = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=60)
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "trust_refused_key"

    def __str__(self) -> str:
        return self.spki_sha256


class CrlNumber(models.Model):
    """The highest number of a full CRL that an organization sent, by the key that signed it, so that an older list is noticed.

    Numbers have up to 20 octets (RFC 5280 5.2.3) and outgrow every database integer, so they are kept as hex of one length,
    which sorts as they do.
    """

    OCTETS = 20

    owner = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    spki_sha256 = models.CharField(max_length=64)
    number = models.CharField(max_length=2 * OCTETS)
    this_update = models.DateTimeField()
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "trust_crl_number"
        constraints = [models.UniqueConstraint(fields=["owner", "spki_sha256"], name="one_crl_number_per_issuer_key")]

    def __str__(self) -> str:
        return f"CRL {int(self.number, 16)} of key {self.spki_sha256}"


class IntakeKey(models.Model):
    """An OpenPGP key of the portal itself, to which partners encrypt uploads; sealed with keys that are outside of the database."""

    fingerprint = models.CharField(max_length=64, unique=True)
    public_block = models.TextField()
    private_sealed = models.TextField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)  # it still opens what is under way, for a while

    class Meta:
        db_table = "trust_intake_key"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.fingerprint
