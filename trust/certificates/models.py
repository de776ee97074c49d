"""One row a certificate, however many submissions carry it."""

from django.db import models

SERIAL_DIGITS = 2000  # hex, fifty times what RFC 5280 allows; an index of PostgreSQL holds no more than 2,700 bytes


class Certificate(models.Model):
    """A certificate, identified by the SHA-256 of its DER. Serial numbers are text: they can have 20 octets and more."""

    sha256 = models.CharField(max_length=64, primary_key=True)  # lower-case hex
    der = models.BinaryField()
    spki_sha256 = models.CharField(max_length=64, db_index=True)
    subject = models.TextField()  # escaped for display, every odd character visible
    issuer = models.TextField()
    serial = models.CharField(max_length=SERIAL_DIGITS)  # hex
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(db_index=True)
    key_algorithm = models.CharField(max_length=40)  # "ECDSA P-256", "RSA 3072"
    signature_algorithm = models.CharField(max_length=60)
    is_ca = models.BooleanField()
    self_signed = models.BooleanField()
    facts = models.JSONField(default=dict)
    lint = models.JSONField(null=True)  # findings that do not depend on the submission, kept per digest
    created_at = models.DateTimeField()

    class Meta:
        db_table = "trust_certificate"
        indexes = [models.Index(fields=["serial"], name="certificate_by_serial")]

    def __str__(self) -> str:
        return self.subject
