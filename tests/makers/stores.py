"""Rows of an exchange that went well: a verified key, a signed submission with verified anchors, and published versions.

Alder sends, Birch relies. The verifier of Birch made the calls; the officer approves.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import transaction

from portal.partnerships.models import Partnership
from tests.cast import Cast, make_contact
from tests.makers import certificates as make
from tests.moments import EVERYTHING_VALID
from trust.certificates.models import Certificate
from trust.certificates.rules import summary
from trust.stores import compositions, publishing, rules, services
from trust.stores.models import StoreVersion, TrustStore
from trust.submissions.models import Submission, SubmissionCertificate
from trust.verifications.models import ItemKind, Verification, VerificationRequest

SIGNER = "110a" * 10


_hierarchy = cache(make.hierarchy)


def hierarchy(company: str = "Alder") -> make.Hierarchy:
    """Return a three-tier hierarchy; the same for the same name."""
    return _hierarchy(company)


def certificate(made: make.Made) -> Certificate:
    """Return the row of a certificate."""
    read, facts = made.certificate, made.facts
    return Certificate.objects.get_or_create(
        sha256=made.sha256,
        defaults={
            "der": made.der,
            "spki_sha256": hashlib.sha256(
                read.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            ).hexdigest(),
            "subject": str(facts.subject),
            "issuer": str(facts.issuer),
            "serial": facts.serial,
            "not_before": read.not_valid_before_utc,
            "not_after": read.not_valid_after_utc,
            "key_algorithm": "ECDSA P-256",
            "signature_algorithm": "ecdsa-with-SHA256",
            "is_ca": facts.is_ca,
            "self_signed": facts.self_signed,
            "facts": summary(facts),
            "created_at": EVERYTHING_VALID,
        },
    )[0]


def verified(cast: Cast, kind: ItemKind, fingerprint: str, *, state: str = "approved") -> VerificationRequest:
    """Return an approved verification by Birch of something of Alder's, with its recorded call."""
    request, made = VerificationRequest.objects.get_or_create(
        relying=cast.birch.organization,
        item_kind=kind,
        fingerprint=fingerprint,
        defaults={
            "partnership": cast.partnership,
            "owner": cast.alder.organization,
            "label": "Root CA",
            "reading_command": "openssl x509 -fingerprint -sha256",
            "source_label": "Submission 1",
            "uploaded_by": cast.alder.verifier.user,
            "state": state,
            "created_at": EVERYTHING_VALID,
            "approved_at": EVERYTHING_VALID,
            "approved_by": cast.birch.officer.user,
        },
    )
    if made:
        Verification.objects.create(
            number=Verification.objects.filter(partnership=cast.partnership).count() + 1,
            request=request,
            partnership=cast.partnership,
            state=Verification.State.RECORDED,
            verifier=cast.birch.verifier.user,
            contact=cast.alder.organization.contacts.first() or make_contact(cast.alder.verifier),
            number_dialed="+493055501432",
            started_at=EVERYTHING_VALID,
            ended_at=EVERYTHING_VALID,
        )
    return request


def submission(
    cast: Cast, *made: make.Made, state: str = "accepted", verify: bool = True, environment: str = "prod"
) -> Submission:
    """Return a signed submission of Alder's with these certificates: self-signed ones are anchors, and verified."""
    content = b"".join(each.pem for each in made)
    number = Submission.objects.filter(partnership=cast.partnership).count() + 1
    row = Submission.objects.create(
        partnership=cast.partnership,
        number=number,
        owner=cast.alder.organization,
        relying=cast.birch.organization,
        uploaded_by=cast.alder.verifier.user,
        uploaded_by_label=cast.alder.verifier.user.name,
        received_at=EVERYTHING_VALID,
        file_name="bundle.pem",
        content=content,
        signature=b"signature",
        content_sha256=hashlib.sha256(content).hexdigest(),
        state=state,
        verdict="good",
        signer_fingerprint=SIGNER,
        environment=environment,
    )
    Partnership.objects.filter(pk=cast.partnership.pk).update(last_submission_number=number)
    if verify:
        verified(cast, ItemKind.OPENPGP_KEY, SIGNER)
    for position, each in enumerate(made, start=1):
        anchor = each.certificate.subject == each.certificate.issuer
        SubmissionCertificate.objects.create(
            submission=row,
            certificate=certificate(each),
            position=position,
            role=rules.ANCHOR if anchor else rules.INTERMEDIATE,
        )
        if anchor and verify:
            verified(cast, ItemKind.CERTIFICATE, each.sha256)
    return row


def whole(company: str = "Alder") -> Sequence[make.Made]:
    """Return root, policy and issuing CA of a company."""
    tiers = hierarchy(company)
    return tiers.root, tiers.policy, tiers.issuing


def published(
    cast: Cast, *made: make.Made, now: datetime = EVERYTHING_VALID, environment: str = "prod"
) -> StoreVersion:
    """Return the next version of Birch's store of Alder, with these certificates added by an accepted submission."""
    accepted = submission(cast, *(made or whole()), environment=environment)
    with transaction.atomic():
        store = publishing.lock(compositions.store_for(accepted, now))
        places = list(accepted.places.select_related("certificate"))
        composition = compositions.of_submission(store, accepted, places, now)
        return publishing.publish(
            store=store,
            composition=composition,
            kind=StoreVersion.Kind.SUBMISSION,
            actor=cast.birch.officer.actor,
            now=now,
            reason="The first bundle.",
            first_people=[*services._callers(store, composition, now), cast.birch.second_officer.user],
            submission=accepted,
        )


def empty_store(cast: Cast, name: str = "other-prod") -> TrustStore:
    """Return a store of Birch's without a version."""
    return TrustStore.objects.create(
        name=name,
        relying=cast.birch.organization,
        owner=cast.alder.organization,
        partnership=cast.partnership,
        created_at=EVERYTHING_VALID,
    )
