"""The call about one fingerprint."""

import uuid

from django.db import models
from django.db.models import Q

from portal.organizations.models import Organization, User
from portal.partnerships.models import Contact, Partnership
from trust.verifications import groups as typing_rules
from trust.verifications import rules
from trust.verifications.people import Roles


class ItemKind(models.TextChoices):
    """What a fingerprint belongs to."""

    OPENPGP_KEY = "openpgp_key", "OpenPGP key"
    CERTIFICATE = "certificate", "Trust anchor"
    PACKAGE = "package", "Trust package"  # a whole upload, by its SHA-256, where the agreement says so
    REHEARSAL = "rehearsal", "Rehearsal"  # a made-up fingerprint, which never counts for anything


class VerificationRequest(models.Model):
    """A fingerprint that one organization must verify by phone before it counts there.

    Made by the feature that owns the thing (keys, submissions), which tells what to show and what the owner runs to print
    the fingerprint. Belongs to that fingerprint and that relying organization, and is never inherited.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for call"
        RECORDED = "recorded", "Waiting for approval"
        APPROVED = "approved", "Verified"
        QUARANTINED = "quarantined", "Quarantined"
        WITHDRAWN = "withdrawn", "Withdrawn"
        EXPIRED = "expired", "Too old"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="verification_requests")
    owner = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    relying = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    item_kind = models.CharField(max_length=20, choices=ItemKind.choices)
    fingerprint = models.CharField(max_length=64)  # lower-case hex, full length
    label = models.CharField(max_length=200)  # "Root CA G2", "OpenPGP key"
    reading_command = models.CharField(max_length=300)  # what the owner runs on their own record
    # Where it last came from, in words ("Submission 118") and as a path below the partnership's pages.
    source_label = models.CharField(max_length=120)
    source_path = models.CharField(max_length=200, blank=True)
    source_sha256 = models.CharField(max_length=64, blank=True)  # of the file that was uploaded
    uploaded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=20, choices=State.choices, default=State.WAITING)
    max_age_days = models.PositiveIntegerField(null=True)  # the agreement's limit when this was requested
    created_at = models.DateTimeField()
    quarantined_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "trust_verification_request"
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["relying", "item_kind", "fingerprint"],
                condition=~Q(state__in=["withdrawn", "expired"]),
                name="one_open_request_per_fingerprint",
            )
        ]

    def __str__(self) -> str:
        return f"{self.label} for {self.relying}"

    @property
    def group_count(self) -> int:
        return typing_rules.group_count(self.fingerprint)

    @property
    def is_rehearsal(self) -> bool:
        return self.item_kind == ItemKind.REHEARSAL

    def uploaders(self) -> frozenset[str]:
        """Return the ids of everybody who uploaded this fingerprint, the last one and all before."""
        ids = {source.uploaded_by_id for source in self.sources.all()} | {self.uploaded_by_id}
        return frozenset(str(each) for each in ids if each)


class VerificationSource(models.Model):
    """One upload that brought the fingerprint. The same one may come again; everybody who uploaded it is an uploader."""

    request = models.ForeignKey(VerificationRequest, on_delete=models.PROTECT, related_name="sources")
    label = models.CharField(max_length=120)
    path = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    uploaded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "trust_verification_source"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.label


class Verification(models.Model):
    """One call about one request: booked, running, or ended with its record."""

    class State(models.TextChoices):
        BOOKED = "booked", "Booked"
        IN_PROGRESS = "in_progress", "In progress"
        RECORDED = "recorded", "Recorded"
        STOPPED = "stopped", "Stopped"
        MISMATCH = "mismatch", "Mismatch"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.PositiveIntegerField()
    request = models.ForeignKey(VerificationRequest, on_delete=models.PROTECT, related_name="calls")
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="verifications")
    state = models.CharField(max_length=20, choices=State.choices)
    call_type = models.CharField(
        max_length=10, default="phone", choices=[(kind.value, label) for kind, label in rules.CALL_TYPE_LABELS.items()]
    )
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="+")
    number_dialed = models.CharField(max_length=20, blank=True)  # "" while booked
    # Another fingerprint, or the other direction, in the same phone call.
    continues = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="continued_by")

    # Booking: two proposed times, of which the owner's side confirms one.
    booked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    first_slot = models.DateTimeField(null=True)
    second_slot = models.DateTimeField(null=True)
    booked_for = models.DateTimeField(null=True)

    verifier = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    verifier_sign_in = models.CharField(max_length=40, blank=True)
    verifier_role = models.CharField(max_length=40, blank=True)
    reader = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    reader_sign_in = models.CharField(max_length=40, blank=True)
    reader_role = models.CharField(max_length=40, blank=True)

    # The call code belongs to the session in which it is shown, and is gone once used.
    call_code = models.TextField(blank=True)  # sealed
    reader_session = models.CharField(max_length=64, blank=True)  # SHA-256 of the session's key
    code_misses = models.PositiveSmallIntegerField(default=0)
    joined_at = models.DateTimeField(null=True)
    code_matched_at = models.DateTimeField(null=True)

    reads_from = models.CharField(
        max_length=20, blank=True, choices=[(source.value, label) for source, label in rules.SOURCE_LABELS.items()]
    )
    reads_from_note = models.CharField(max_length=200, blank=True)
    read_back_by_verifier_at = models.DateTimeField(null=True)
    read_back_by_reader_at = models.DateTimeField(null=True)

    started_at = models.DateTimeField(null=True)
    last_act_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    pauses = models.JSONField(default=list)
    ended_at = models.DateTimeField(null=True)
    ended_because = models.CharField(max_length=40, blank=True)
    ended_by_label = models.CharField(max_length=200, blank=True)
    ended_note = models.CharField(max_length=300, blank=True)
    first_mismatch_at = models.DateTimeField(null=True)
    script = models.CharField(max_length=40, blank=True)  # version and language of what the verifier was told to say

    # Only of a rehearsal: what the reader reads, with one group that differs from the request's fingerprint.
    rehearsal_sheet = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "trust_verification"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["partnership", "number"], name="verification_number_is_unique"),
            models.UniqueConstraint(
                fields=["request"], condition=Q(state__in=["booked", "in_progress"]), name="one_open_call_per_request"
            ),
        ]

    def __str__(self) -> str:
        return f"Verification {self.number}"

    def progress(self) -> rules.Progress:
        """Return what the call has behind it, from the rows of its groups."""
        story = self.story()
        return rules.Progress(
            code_matched=self.code_matched_at is not None,
            source_named=bool(self.reads_from),
            matched=sum(group.matched for group in story),
            total=len(story),
            read_back_by_verifier=self.read_back_by_verifier_at is not None,
            read_back_by_reader=self.read_back_by_reader_at is not None,
        )

    def story(self) -> tuple[typing_rules.Group, ...]:
        """Return what happened to each group so far, the untouched ones included."""
        typed = {row.index: row for row in self.groups.all()}
        return tuple(
            typed[index].as_rule() if index in typed else typing_rules.Group(index)
            for index in range(1, self.request.group_count + 1)
        )

    def roles(self) -> Roles:
        """Return the people of this call, for the rules about who may do what."""
        return Roles(
            uploaders=self.request.uploaders(),
            verifier=str(self.verifier_id) if self.verifier_id else None,
            reader=str(self.reader_id) if self.reader_id else None,
        )


class VerificationGroup(models.Model):
    """One group of four characters and everything that was typed for it."""

    verification = models.ForeignKey(Verification, on_delete=models.PROTECT, related_name="groups")
    index = models.PositiveSmallIntegerField()  # from 1
    typed = models.JSONField(default=list)  # each try, lower-case hex, the last one last
    misses = models.PositiveSmallIntegerField(default=0)
    missed_first = models.BooleanField(default=False)
    pasted = models.BooleanField(default=False)
    matched_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_verification_group"
        ordering = ["index"]
        constraints = [models.UniqueConstraint(fields=["verification", "index"], name="one_row_per_group")]

    def __str__(self) -> str:
        return f"Group {self.index}"

    def as_rule(self) -> typing_rules.Group:
        return typing_rules.Group(self.index, self.misses, self.missed_first, self.matched_at is not None)


class VerificationRecord(models.Model):
    """What is kept of a call for ever: one document when the call ends and one when it is decided. Append-only."""

    class Part(models.TextChoices):
        CALL = "call", "The call"
        DECISION = "decision", "The decision"

    verification = models.ForeignKey(Verification, on_delete=models.PROTECT, related_name="records")
    part = models.CharField(max_length=10, choices=Part.choices)
    document = models.JSONField()
    sha256 = models.CharField(max_length=64)  # of the document in canonical JSON (RFC 8785)
    at = models.DateTimeField()

    class Meta:
        db_table = "trust_verification_record"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["verification", "part"], name="one_record_per_part")]

    def __str__(self) -> str:
        return f"{self.get_part_display()} of {self.verification_id}"


class VerificationSignature(models.Model):
    """A detached OpenPGP signature over the call's document, by the verifier or the reader. Append-only."""

    verification = models.ForeignKey(Verification, on_delete=models.PROTECT, related_name="signatures")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=20)  # "verifier" or "reader"
    signature = models.TextField()  # armored
    key_block = models.TextField()  # armored public key it was checked with
    fingerprint = models.CharField(max_length=64)  # of that key
    in_directory = models.BooleanField()  # the contact directory names the same key for this person
    at = models.DateTimeField()

    class Meta:
        db_table = "trust_verification_signature"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["verification", "user"], name="one_signature_per_person")]

    def __str__(self) -> str:
        return f"{self.role} of {self.verification_id}"


class MismatchStatement(models.Model):
    """What an officer of one side wrote about a mismatch. The mismatch stays first in both inboxes until both did."""

    verification = models.ForeignKey(Verification, on_delete=models.PROTECT, related_name="statements")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=4000)
    at = models.DateTimeField()

    class Meta:
        db_table = "trust_verification_statement"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["verification", "organization"], name="one_statement_per_organization")
        ]

    def __str__(self) -> str:
        return f"{self.organization} on {self.verification_id}"
