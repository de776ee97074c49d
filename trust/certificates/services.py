"""Keeping certificates: one row each, however many submissions carry it."""

from collections.abc import Iterable
from datetime import datetime

from trust.certificates import rules
from trust.certificates.models import SERIAL_DIGITS, Certificate
from trust.pki import bounded
from trust.pki.certificates import CertificateFacts
from trust.pki.findings import Finding


def linted(certificates: Iterable[CertificateFacts]) -> dict[str, tuple[Finding, ...]]:
    """Return the linter's remarks about each certificate, by fingerprint; those of known certificates from their rows.

    Linting is most of the cost of an upload and depends on nothing but the bytes, so each certificate is linted once.
    """
    listed = list(certificates)
    kept = Certificate.objects.filter(pk__in=[one.sha256 for one in listed], lint__isnull=False)
    known = dict(kept.values_list("sha256", "lint"))
    said = bounded.lint(one for one in listed if one.sha256 not in known)
    return said | {
        sha256: tuple(rules.finding_from_json(each) for each in remarks or ()) for sha256, remarks in known.items()
    }


def keep(
    certificates: Iterable[CertificateFacts], *, remarks: dict[str, tuple[Finding, ...]], now: datetime
) -> list[Certificate]:
    """Return the rows of these certificates in their order, made where they are missing. Call it inside a transaction."""
    listed = list(certificates)
    Certificate.objects.bulk_create((_row(one, remarks, now) for one in listed), ignore_conflicts=True)
    rows = Certificate.objects.in_bulk([one.sha256 for one in listed])
    return [rows[one.sha256] for one in listed]


def _row(facts: CertificateFacts, remarks: dict[str, tuple[Finding, ...]], now: datetime) -> Certificate:
    return Certificate(
        sha256=facts.sha256,
        der=facts.der,
        spki_sha256=facts.spki_sha256,
        subject=str(facts.subject),
        issuer=str(facts.issuer),
        # What is longer than any tool writes is cut here, and whole in the DER: PostgreSQL refuses where SQLite takes all.
        serial=facts.serial[:SERIAL_DIGITS],
        not_before=facts.not_before,
        not_after=facts.not_after,
        key_algorithm=str(facts.public_key)[:40],
        signature_algorithm=facts.signature_algorithm[:60],
        is_ca=facts.is_ca,
        self_signed=facts.self_signed,
        facts=rules.summary(facts),
        lint=[rules.finding_to_json(each) for each in remarks.get(facts.sha256, ())],
        created_at=now,
    )
