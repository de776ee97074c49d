"""Two stores of different size and consumers of both, published as the portal publishes. Prints their tokens as JSON."""

import argparse
import hashlib
import json
import os
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

from portal.organizations import acting, tokens
from portal.organizations.models import Membership, Organization, User
from portal.partnerships.models import Partnership
from trust.certificates.models import Certificate
from trust.consumers.models import Consumer, ConsumerToken
from trust.stores import publishing, rules
from trust.stores.models import Artifact, StoreVersion, TrustStore
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


def companies() -> tuple[Partnership, Submission, acting.Actor, User]:
    """Return a partnership that is live, an accepted submission in it, an officer of the relying side and a second one."""
    owner, relying = [
        Organization.objects.create(slug=slug, name=slug.title(), short_code=slug[:2].upper(), created_at=NOW)
        for slug in ("alder", "birch")
    ]
    people = [User.objects.create_user(f"{name}@birch.example", name=name) for name in ("ana", "ines")]
    places = [
        Membership.objects.create(user=user, organization=relying, role="officer", created_at=NOW) for user in people
    ]
    partnership = Partnership.objects.create(
        slug="alder-birch", first_organization=owner, second_organization=relying, created_at=NOW,
        state=Partnership.State.ACTIVE, activated_at=NOW,
    )  # fmt: skip
    submission = Submission.objects.create(
        partnership=partnership, number=1, owner=owner, relying=relying, received_at=NOW,
        uploaded_by_label="Mei", file_name="bundle.pem", content=b"", signature=b"", content_sha256="0" * 64,
        state="accepted",
    )  # fmt: skip
    return partnership, submission, acting.member(places[0], stepped_up=True), people[1]


def store(name: str, submission: Submission) -> TrustStore:
    """Return an empty store."""
    return TrustStore.objects.create(
        name=name,
        relying=submission.relying,
        owner=submission.owner,
        partnership=submission.partnership,
        created_at=NOW,
    )


def old_versions(of: TrustStore, count: int) -> None:
    """Give a store this many versions before its next one, each with a small file."""
    versions = StoreVersion.objects.bulk_create(
        StoreVersion(
            store=of,
            number=number,
            kind=StoreVersion.Kind.REMOVAL,
            published_at=NOW,
            published_by_label="Ana",
            reason="Old.",
        )
        for number in range(1, count + 1)
    )
    Artifact.objects.bulk_create(
        Artifact(version=each, format="pem", content_type="text/plain", content=b"old", sha256="0" * 64, length=3)
        for each in versions
    )
    TrustStore.objects.filter(pk=of.pk).update(current_number=count)


def many_consumers(count: int, stores: list[TrustStore]) -> list[str]:
    """Return the tokens of this many consumers of ``stores``."""
    made = Consumer.objects.bulk_create(
        Consumer(organization=stores[0].relying, name=f"service-{number}", created_at=NOW) for number in range(count)
    )
    through = Consumer.stores.through
    through.objects.bulk_create(through(consumer=each, truststore=of) for each in made for of in stores)
    secrets = [tokens.make(tokens.CONSUMER_PREFIX) for _ in made]
    ConsumerToken.objects.bulk_create(
        ConsumerToken(
            consumer=each, name=each.name, hint=hint, digest=digest, created_at=NOW, expires_at=NOW + timedelta(days=90)
        )
        for each, (_, hint, digest) in zip(made, secrets, strict=True)
    )
    return [secret for secret, _, _ in secrets]


def main() -> None:
    """Make everything and print what a client needs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--consumers", type=int, default=1)
    parser.add_argument("--versions", type=int, default=1, help="of the small store")
    parser.add_argument(
        "--sizes", type=int, nargs=2, default=list(SIZES.values()), help="certificates of the two stores"
    )
    options = parser.parse_args()
    call_command("migrate", verbosity=0, run_syncdb=True)
    with transaction.atomic():
        _, submission, actor, second = companies()
        stores = [store(name, submission) for name in SIZES]
        old_versions(stores[0], options.versions - 1)
        for each, count in zip(stores, options.sizes, strict=True):
            publish(each, submission, count, actor, second)
        made = many_consumers(options.consumers, stores)
    print(json.dumps({"tokens": made}))


if __name__ == "__main__":
    main()
