"""Where organizations say what they revoked, what was seen there, and where that and their notices disagree."""

import uuid

from django.db import models
from django.db.models import Q

from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from trust.certificates.models import SERIAL_DIGITS, Certificate
from trust.notices.models import Notice
from trust.revocations.rules import GapKind, ListKind, SourceKind, Standing
from trust.stores.models import TrustStore
from trust.submissions.models import Submission


def _choices(kinds: type) -> list[tuple[str, str]]:
    return [(kind.value, kind.value) for kind in kinds]  # type: ignore[attr-defined]


class Crl(models.Model):
    """A CRL that was believed, kept byte for byte; the newest of each source, and those that showed a revocation."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    der = models.BinaryField()
    issuer = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="crls")  # the CA that signed it
    issuer_spki_sha256 = models.CharField(max_length=64, db_index=True)
    number = models.CharField(max_length=50, blank=True)  # decimal: 20 octets outgrow every column
    this_update = models.DateTimeField()
    next_update = models.DateTimeField()
    entries = models.PositiveIntegerField()
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "trust_crl"
        ordering = ["-this_update"]

    def __str__(self) -> str:
        return f"CRL {self.number} of {self.issuer}"


class RevocationSource(models.Model):
    """An address where an organization says what it revoked, and how it stands. One row, however many certificates name it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="revocation_sources")
    kind = models.CharField(max_length=10, choices=_choices(SourceKind))
    url = models.CharField(max_length=2048)
    # Whose revocations are seen here; empty where an address was named without saying that.
    issuer = models.ForeignKey(Certificate, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=_choices(Standing), default=Standing.UNKNOWN.value)
    state_since = models.DateTimeField(null=True)
    sentence = models.CharField(max_length=400, blank=True)
    checked_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)  # when it last gave something that could be believed
    next_check_at = models.DateTimeField()
    failures = models.PositiveSmallIntegerField(default=0)  # in a row
    failing_since = models.DateTimeField(null=True)
    etag = models.CharField(max_length=200, blank=True)
    last_modified = models.CharField(max_length=200, blank=True)
    crl = models.ForeignKey(Crl, null=True, on_delete=models.PROTECT, related_name="sources")
    this_update = models.DateTimeField(null=True)
    next_update = models.DateTimeField(null=True)
    # The newest list that was believed of each signer, by the SHA-256 of its key: [number, this_update, sha256].
    newest = models.JSONField(default=dict)

    class Meta:
        db_table = "trust_revocation_source"
        ordering = ["owner__name", "kind", "url"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "kind", "url", "issuer"], name="source_once_per_issuer"),
            models.UniqueConstraint(
                fields=["owner", "kind", "url"], condition=Q(issuer=None), name="source_once_without_issuer"
            ),
        ]
        indexes = [models.Index(fields=["next_check_at"], name="source_by_next_check")]

    def __str__(self) -> str:
        return f"{self.kind} at {self.url}"


class RevocationMention(models.Model):
    """Who named a source: a certificate (distribution point, authority information access) or a package's endpoints.json."""

    source = models.ForeignKey(RevocationSource, on_delete=models.PROTECT, related_name="mentions")
    # Empty for a service certificate that its owner does not share.
    partnership = models.ForeignKey(Partnership, null=True, on_delete=models.PROTECT, related_name="+")
    certificate = models.ForeignKey(Certificate, null=True, on_delete=models.PROTECT, related_name="+")
    submission = models.ForeignKey(Submission, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "trust_revocation_mention"
        indexes = [models.Index(fields=["source", "partnership"], name="mention_by_partnership")]

    def __str__(self) -> str:
        return f"{self.source}, named by {self.certificate_id or self.submission}"


class RevocationReading(models.Model):
    """An accepted submission whose addresses were read, so that each is read once."""

    submission = models.OneToOneField(Submission, primary_key=True, on_delete=models.PROTECT, related_name="+")
    read_at = models.DateTimeField()

    class Meta:
        db_table = "trust_revocation_reading"

    def __str__(self) -> str:
        return str(self.submission)


class SeenRevocation(models.Model):
    """A certificate that its CA's CRL or OCSP responder calls revoked. The row outlives that: nothing comes back by itself."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    certificate = models.OneToOneField(Certificate, on_delete=models.PROTECT, related_name="seen_revocation")
    issuer_spki_sha256 = models.CharField(max_length=64)
    reason = models.CharField(max_length=40, blank=True)  # in the spelling of RFC 5280
    revoked_at = models.DateTimeField()  # as the CA says
    source = models.ForeignKey(RevocationSource, on_delete=models.PROTECT, related_name="seen")
    crl = models.ForeignKey(Crl, null=True, on_delete=models.PROTECT, related_name="seen")
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trust_seen_revocation"
        ordering = ["-seen_at"]
        indexes = [models.Index(fields=["owner", "issuer_spki_sha256"], name="seen_by_issuer")]

    def __str__(self) -> str:
        return f"{self.certificate_id} revoked {self.revoked_at:%Y-%m-%d}"


class RevocationGap(models.Model):
    """A revocation that only one of the two says: the partner's signed notice, or its CA's list. Open until both agree."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="revocation_gaps")
    owner = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=_choices(GapKind))
    certificate = models.ForeignKey(Certificate, null=True, on_delete=models.PROTECT, related_name="+")
    issuer = models.ForeignKey(Certificate, null=True, on_delete=models.PROTECT, related_name="+")
    serial = models.CharField(max_length=SERIAL_DIGITS)
    label = models.CharField(max_length=200)
    reason = models.CharField(max_length=40, blank=True)
    notice = models.ForeignKey(Notice, null=True, on_delete=models.PROTECT, related_name="revocation_gaps")
    since = models.DateTimeField()  # when it was revoked, as the one side says
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "trust_revocation_gap"
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["partnership", "kind", "serial", "label"], condition=Q(closed_at=None), name="gap_is_open_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.label}"


class StoreList(models.Model):
    """What a store has beside its versions, since it changes without them: the current CRLs of its CAs, and the deny list."""

    store = models.ForeignKey(TrustStore, on_delete=models.PROTECT, related_name="lists")
    kind = models.CharField(max_length=20, choices=_choices(ListKind))
    number = models.PositiveIntegerField()  # grows with each change
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    version_number = models.PositiveIntegerField()  # of the store for which it was made
    complete = models.BooleanField(default=True)
    good_until = models.DateTimeField(null=True)  # after this it is made anew: the first CRL in it ends
    made_at = models.DateTimeField()

    class Meta:
        db_table = "trust_store_list"
        ordering = ["kind"]
        constraints = [models.UniqueConstraint(fields=["store", "kind"], name="one_list_of_a_kind_per_store")]

    def __str__(self) -> str:
        return f"{self.kind} {self.number} of {self.store}"
