"""The joint negative tests: samples of one side, run against the store that the other side serves."""

import uuid
from dataclasses import asdict
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from django.conf import settings
from django.db import transaction

from portal import errors
from portal.organizations.acting import Actor
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from portal.partnerships import locks
from portal.partnerships.models import Partnership
from trust.onboarding import negative_rules, queries, validators
from trust.onboarding.models import NegativeRun, NegativeSample
from trust.onboarding.negative_rules import EXPECTATIONS, Verdict
from trust.onboarding.services import record, refuse_unusable
from trust.pki.display import escape
from trust.pki.names import read_name
from trust.stores.models import Artifact, StoreVersion, TrustStore

CHAIN_LONGEST = 10  # certificates
SAMPLES_MOST = 30


def add_sample(
    *,
    actor: Actor,
    partnership: Partnership,
    expectation: str,
    content: bytes,
    dns_name: str = "",
    crl: bytes = b"",
    now: datetime,
) -> NegativeSample:
    """Supply a test certificate of the actor's side. ``content`` is PEM, the service certificate first, then its CAs.

    Raises Invalid for what cannot be read, for a private key, and for a sample that lacks its name or CRL.
    """
    organization = actor.require(Right.UPLOAD)
    person = actor.require_person(Right.UPLOAD, step_up=False)
    wanted = EXPECTATIONS.get(expectation)
    if wanted is None:
        raise _invalid("expectation", "Choose what must become of the certificate.")
    refuse_unusable(content)
    chain = _chain(content)
    dns_name = dns_name.strip().lower().rstrip(".")
    if wanted.needs_name and not dns_name:
        raise _invalid("dns_name", "Enter the DNS name under which the server is called.")
    if wanted.needs_crl and not crl:
        raise _invalid("crl", "Add the CRL on which the certificate is.")
    if crl:
        refuse_unusable(crl)
        _crl(crl)
    leaf = chain[0]
    with transaction.atomic():
        partnership = locks.hold_open(partnership, organization)
        if queries.samples(partnership).filter(owner=organization).count() >= SAMPLES_MOST:
            raise errors.Conflict(f"A side supplies at most {SAMPLES_MOST} test certificates.", code="too_many_samples")
        sample = NegativeSample.objects.create(
            partnership=partnership,
            owner=organization,
            expectation=expectation,
            content=content,
            crl=crl,
            certificate_sha256=leaf.fingerprint(_SHA256).hex(),
            subject=str(read_name(leaf.subject, leaf.subject.public_bytes())),
            dns_name=dns_name[:255],
            added_by=person,
            added_at=now,
        )
        data = {"expectation": wanted.label, "sha256": sample.certificate_sha256}
        record("onboarding.sample_added", actor, partnership, now, data=data, subject="negative_tests")
    return sample


def remove_sample(*, actor: Actor, partnership: Partnership, sample_id: uuid.UUID | str, now: datetime) -> None:
    """Take a test certificate of the actor's side back. Runs that used it keep their results. Raises NotFound."""
    organization = actor.require(Right.UPLOAD)
    with transaction.atomic():
        partnership = locks.hold_open(partnership, organization)
        sample = queries.samples(partnership).filter(pk=sample_id, owner=organization).first()
        if sample is None:
            raise errors.NotFound()
        sample.removed_at = now
        sample.save(update_fields=["removed_at"])
        data = {"expectation": EXPECTATIONS[sample.expectation].label}
        record("onboarding.sample_removed", actor, partnership, now, data=data, subject="negative_tests")


def run(*, actor: Actor, partnership: Partnership, now: datetime) -> NegativeRun:
    """Run the partner's samples against the store that the actor's side serves of them, and keep what came out.

    Raises Conflict without a published store or samples, and Unavailable when openssl cannot be run.
    """
    organization = actor.require(Right.UPLOAD)
    if not partnership.has(organization):
        raise errors.NotFound()
    version, served = served_store(partnership, organization)
    samples = list(queries.samples(partnership).filter(owner=partnership.other(organization)))
    if not samples:
        raise errors.Conflict(
            f"{partnership.other(organization).name} has supplied no test certificates.",
            code="no_samples",
            fix="Ask them to, on this page.",
        )
    verdicts = [(sample, _verdict(sample, served, now)) for sample in samples]
    with transaction.atomic():
        made = NegativeRun.objects.create(
            partnership=partnership,
            relying=organization,
            version=version,
            results=[_result(sample, verdict) for sample, verdict in verdicts],
            passed=sum(verdict.as_expected for _, verdict in verdicts),
            count=len(verdicts),
            complete=negative_rules.complete(sample.expectation for sample in samples),
            run_by=actor.user,
            at=now,
        )
        data = {"passed": made.passed, "count": made.count, "store": version.store.name, "version": version.number}
        record("onboarding.negative_tests_run", actor, partnership, now, data=data, subject="negative_tests")
    return made


def served_store(partnership: Partnership, relying: Organization) -> tuple[StoreVersion, bytes]:
    """Return the version that one side serves of the other, and its PEM as served. Raises Conflict when there is none."""
    store = (
        TrustStore.objects.filter(partnership=partnership, relying=relying, current_number__gt=0)
        .order_by("name")
        .first()
    )
    version = store.versions.select_related("store").filter(number=store.current_number).first() if store else None
    artifact = Artifact.objects.filter(version=version, format="pem").first() if version else None
    if version is None or artifact is None:
        raise errors.Conflict(
            f"{relying.name} has not published a trust store.", code="no_store", fix="Publish the first version."
        )
    return version, bytes(artifact.content)


def _verdict(sample: NegativeSample, served: bytes, now: datetime) -> Verdict:
    wanted = EXPECTATIONS[sample.expectation]
    question = validators.Question(
        store=served,
        chain=_chain(bytes(sample.content)),
        purpose=wanted.purpose,
        now=now,
        dns_name=sample.dns_name,
        crl=_crl(bytes(sample.crl)) if sample.crl else None,
    )
    try:
        return Verdict(sample.expectation, validators.ask(question, openssl=settings.OPENSSL_BINARY))
    except validators.ToolMissing as error:
        raise errors.Unavailable(str(error), code="tool_missing", fix="Tell whoever operates the portal.") from error


def _result(sample: NegativeSample, verdict: Verdict) -> dict[str, object]:
    return {
        "sample": str(sample.pk),
        "expectation": sample.expectation,
        "label": EXPECTATIONS[sample.expectation].label,
        "subject": sample.subject,
        "sha256": sample.certificate_sha256,
        "expected": verdict.expected,
        "found": verdict.found,
        "as_expected": verdict.as_expected,
        "opinions": [asdict(each) for each in verdict.opinions],
    }


_SHA256 = hashes.SHA256()


def _chain(content: bytes) -> list[x509.Certificate]:
    try:
        chain = x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise _invalid("content", f"This is no PEM with certificates: {escape(str(error), limit=120)}") from None
    if len(chain) > CHAIN_LONGEST:
        raise _invalid("content", f"The file has {len(chain)} certificates; at most {CHAIN_LONGEST} are taken.")
    return chain


def _crl(content: bytes) -> x509.CertificateRevocationList:
    try:
        if b"-----BEGIN" in content:
            return x509.load_pem_x509_crl(content)
        return x509.load_der_x509_crl(content)
    except ValueError:
        raise _invalid("crl", "This is no CRL, neither PEM nor DER.") from None


def _invalid(field: str, sentence: str) -> errors.Invalid:
    return errors.Invalid(sentence, code="sample_not_usable", fields={field: [sentence]})
