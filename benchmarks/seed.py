"""Two stores of different size and a consumer of both, made through the portal's own publishing. Prints JSON."""

import hashlib
import json
import os
import sys
import uuid
from datetime import UTC, datetime, timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

import django

django.setup()

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management import call_command
from django.db import transaction

from portal.organizations import acting
from portal.organizations.models import Membership, Organization, User
from portal.partnerships.models import Partnership
from trust.certificates.models import Certificate
from trust.consumers import services as consumers
from trust.stores import publishing, rules
from trust.stores.models import StoreVersion, TrustStore
from trust.submissions.models import Submission

NOW = datetime.now(UTC).replace(microsecond=0)
# Certificates of about 800 bytes of PEM each.
SIZES = {"small-prod": 7, "large-prod": 290}


def certificate(number: int, key: ec.EllipticCurvePrivateKey) -> Certificate:
    """Return the row of a new self-signed root."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"Root {number} of a partner with a long name")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Certificate(
        sha256=made.fingerprint(hashes.SHA256()).hex(),
        der=made.public_bytes(Encoding.DER),
        spki_sha256=hashlib.sha256(
            key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).hexdigest(),
        subject=name.rfc4514_string(),
        issuer=name.rfc4514_string(),
        serial=f"{made.serial_number:x}",
        not_before=made.not_valid_before_utc,
        not_after=made.not_valid_after_utc,
        key_algorithm="ECDSA P-256",
        signature_algorithm="ecdsa-with-SHA256",
        is_ca=True,
        self_signed=True,
        created_at=NOW,
    )


def publish(store: TrustStore, submission: Submission, count: int, actor: acting.Actor, first: User) -> None:
    """Publish version 1 of ``store`` with ``count`` anchors."""
    key = ec.generate_private_key(ec.SECP256R1())
    rows = Certificate.objects.bulk_create([certificate(number, key) for number in range(count)])
    entries = rules.ordered(
        rules.Entry(row.sha256, rules.ANCHOR, str(submission.pk), "110a" * 10, str(uuid.uuid4())) for row in rows
    )
    with transaction.atomic():
        publishing.publish(
            store=publishing.lock(store),
            composition=rules.Composition(entries, entries, ()),
            kind=StoreVersion.Kind.SUBMISSION,
            actor=actor,
            now=NOW,
            reason="A measurement.",
            first_people=[first],
            submission=submission,
        )


def main() -> None:
    """Make everything and print what a client needs."""
    call_command("migrate", verbosity=0, run_syncdb=True)
    companies = [
        Organization.objects.create(slug=slug, name=slug.title(), short_code=slug[:2].upper(), created_at=NOW)
        for slug in ("alder", "birch")
    ]
    people = [User.objects.create_user(f"{name}@birch.example", name=name) for name in ("ana", "ines")]
    places = [
        Membership.objects.create(user=user, organization=companies[1], role="officer", created_at=NOW)
        for user in people
    ]
    partnership = Partnership.objects.create(
        slug="alder-birch", first_organization=companies[0], second_organization=companies[1], created_at=NOW
    )
    submission = Submission.objects.create(
        partnership=partnership, number=1, owner=companies[0], relying=companies[1], received_at=NOW,
        uploaded_by_label="Mei", file_name="bundle.pem", content=b"", signature=b"", content_sha256="0" * 64,
        state="accepted",
    )  # fmt: skip
    actor = acting.member(places[0], stepped_up=True)
    stores = []
    for name, count in SIZES.items():
        store = TrustStore.objects.create(
            name=name, relying=companies[1], owner=companies[0], partnership=partnership, created_at=NOW
        )
        publish(store, submission, count, actor, people[1])
        stores.append(store)
    _, token = consumers.register(name="bench", stores=stores, actor=actor, now=NOW)
    for index in range(int(sys.argv[1]) if len(sys.argv) > 1 else 0):
        consumers.register(name=f"bench-{index}", stores=stores, actor=actor, now=NOW)
    print(json.dumps({"token": token}))


if __name__ == "__main__":
    main()
