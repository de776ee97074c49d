"""Many partners of Birch at once, each with all that a partnership has; rows only, since there may be a thousand."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Model

from notifications.acknowledgements.models import NoticeClock
from notifications.webhooks.models import WebhookEndpoint
from portal.audit.models import Event
from portal.organizations.models import ApiToken, Organization
from portal.partnerships.models import Contact, Partnership
from tests.cast import Cast
from tests.makers import agreements, events, stores
from tests.moments import EVERYTHING_VALID
from trust.agreements import rules
from trust.agreements.models import Agreement
from trust.certificates.models import Certificate
from trust.consumers.models import Consumer, PullRecord
from trust.keys.models import OpenPgpKey
from trust.notices.feed.models import FeedReader
from trust.notices.models import Notice
from trust.stores.models import StoreEntry, StoreVersion, TrustStore
from trust.submissions.models import Submission, SubmissionCertificate
from trust.verifications.models import VerificationRequest

NOW = EVERYTHING_VALID
BATCH = 5000


def digest(*words: object) -> str:
    """Return a fingerprint that nothing else has."""
    return hashlib.sha256(repr(words).encode()).hexdigest()


def partners(cast: Cast, numbers: Sequence[int], *, certificates: int = 3) -> list[Partnership]:
    """Return active partnerships of Birch with the partners of these numbers, each of whom sent so many CA certificates.

    Each has a verified key, an agreement in force, an accepted submission, a published store with a service that runs it, a
    notice that waits, and a contact; for each Birch has a webhook and a silent program that read the feed, and the partner another.
    """
    made = [_organization(number) for number in numbers]
    _save(Organization, made)
    found = [_partnership(cast, each) for each in made]
    _save(Partnership, found)
    _people(cast, made, found)
    _bundles(cast, made, found, certificates)
    _services(cast, found)
    _notices(cast, found)
    _readers(cast, made, found)
    return found


def _save(model: type[Model], rows: Sequence[Any]) -> None:
    model._default_manager.bulk_create(rows, batch_size=BATCH)


def _organization(number: int) -> Organization:
    name = f"Partner {number}"
    return Organization(
        slug=f"partner-{number}", name=name, short_code=f"P{number}", created_at=NOW, state=Organization.State.ACTIVE
    )


def _partnership(cast: Cast, partner: Organization) -> Partnership:
    return Partnership(
        slug=f"{partner.slug}-birch",
        first_organization=partner,
        second_organization=cast.birch.organization,
        state=Partnership.State.ACTIVE,
        created_at=NOW,
        activated_at=NOW,
    )


def _people(cast: Cast, made: list[Organization], found: list[Partnership]) -> None:
    document = rules.canonical(agreements.make_document())
    _save(
        Contact,
        [
            Contact(
                organization=each, name=f"Mei of {each.name}", is_primary=True, phone="+493055501432", created_at=NOW,
                number_changed_at=NOW - timedelta(days=99), confirmed_by_call_at=NOW, confirmed_by_contact_at=NOW,
            )
            for each in made
        ],
    )  # fmt: skip
    _save(
        OpenPgpKey,
        [
            OpenPgpKey(
                organization=each, fingerprint=digest("key", each.slug)[:40], version=4, algorithm="Ed25519", block="",
                state="proven", key_created_at=NOW, created_at=NOW, proven_at=NOW, expires_at=NOW + timedelta(days=700),
            )
            for each in made
        ],
    )  # fmt: skip
    _save(
        VerificationRequest,
        [
            VerificationRequest(
                partnership=each, owner=each.first_organization, relying=cast.birch.organization, item_kind="openpgp_key",
                fingerprint=digest("key", each.first_organization.slug)[:40], label="OpenPGP key", reading_command="gpg",
                source_label="Key", state="approved", created_at=NOW, approved_at=NOW, approved_by=cast.birch.officer.user,
            )
            for each in found
        ],
    )  # fmt: skip
    _save(
        Agreement,
        [
            Agreement(
                partnership=each, version=1, state="in_force", document=document, sha256=rules.sha256(document),
                proposed_by=cast.birch.organization, drafted_by=cast.birch.officer.user, created_at=NOW, in_force_at=NOW,
            )
            for each in found
        ],
    )  # fmt: skip


def _bundles(cast: Cast, made: list[Organization], found: list[Partnership], certificates: int) -> None:
    """Every certificate has the bytes of one and a digest of its own: nobody checks them here, and pages read them."""
    like = stores.certificate(stores.hierarchy("Alder").issuing)
    same = {name: getattr(like, name) for name in _COPIED}
    digests = {each.slug: [digest("ca", each.slug, n) for n in range(certificates)] for each in found}
    _save(
        Certificate,
        [
            Certificate(sha256=sha256, not_after=NOW + timedelta(days=30 + number * 37 % 3600), **same)
            for values in digests.values()
            for number, sha256 in enumerate(values)
        ],
    )
    sent = [
        Submission(
            partnership=each, number=1, owner=each.first_organization, relying=cast.birch.organization, received_at=NOW,
            uploaded_by_label="Karl", file_name="bundle.pem", content=b"", signature=b"", content_sha256="", state="accepted",
            verdict="good",
        )
        for each in found
    ]  # fmt: skip
    _save(Submission, sent)
    _save(
        SubmissionCertificate,
        [
            SubmissionCertificate(submission=each, certificate_id=sha256, position=place, role="intermediate")
            for each in sent
            for place, sha256 in enumerate(digests[each.partnership.slug], start=1)
        ],
    )
    kept = [
        TrustStore(
            name=f"{each.first_organization.slug}-prod", relying=cast.birch.organization, owner=each.first_organization,
            partnership=each, created_at=NOW, current_number=1,
        )
        for each in found
    ]  # fmt: skip
    _save(TrustStore, kept)
    versions = [
        StoreVersion(
            store=store, number=1, kind=StoreVersion.Kind.SUBMISSION, published_at=NOW, published_by_label="Clara",
            reason="The first bundle.", submission=submission,
        )
        for store, submission in zip(kept, sent, strict=True)
    ]  # fmt: skip
    _save(StoreVersion, versions)
    _save(
        StoreEntry,
        [
            StoreEntry(
                version=version, certificate_id=sha256, position=place, role="intermediate", submission=version.submission,
                signer_fingerprint="",
            )
            for version in versions
            for place, sha256 in enumerate(digests[version.store.partnership.slug], start=1)
        ],
    )  # fmt: skip


_COPIED = (
    "der", "spki_sha256", "subject", "issuer", "serial", "not_before", "key_algorithm", "signature_algorithm", "is_ca",
    "self_signed", "created_at",
)  # fmt: skip


def _services(cast: Cast, found: list[Partnership]) -> None:
    kept = {each.partnership_id: each for each in TrustStore.objects.filter(partnership__in=found)}
    services = [
        Consumer(organization=cast.birch.organization, name=f"service-of-{each.slug}", created_at=NOW) for each in found
    ]
    _save(Consumer, services)
    pairs = [(service, kept[each.pk]) for service, each in zip(services, found, strict=True)]
    _save(Consumer.stores.through, [Consumer.stores.through(consumer=one, truststore=store) for one, store in pairs])
    _save(
        PullRecord,
        [PullRecord(consumer=one, store=store, pulled_at=NOW, version_number=1) for one, store in pairs],
    )
    _save(
        WebhookEndpoint,
        [
            WebhookEndpoint(
                organization=cast.birch.organization, name=f"hook-{each.slug}", url="https://hooks.birch.example/", state="active",
                event_types=["notice.*"], created_at=NOW, proven_at=NOW,
            )
            for each in found
        ],
    )  # fmt: skip


def _notices(cast: Cast, found: list[Partnership]) -> None:
    made = [
        Notice(
            label=f"{each.first_organization.short_code}-2026-001", partnership=each, sequence=1,
            sender=each.first_organization, receiver=cast.birch.organization, kind="policy_change",
            message_id=digest("notice", each.slug), content=b"{}", content_sha256="", signature=b"", payload=b"{}",
            payload_sha256="", members={}, signer_fingerprint="", signed_at=NOW, key_verified=True, handed_in_by_label="Karl",
            written_at=NOW, received_at=NOW, effective_at=NOW + timedelta(days=30), acknowledge_by=NOW + timedelta(days=3),
            title=f"{each.first_organization.name} changes its policy", severity="medium", state="announced", answer="{}",
        )
        for each in found
    ]  # fmt: skip
    _save(Notice, made)
    _save(NoticeClock, [NoticeClock(notice=each, seen_until=NOW, next_at=NOW + timedelta(days=1)) for each in made])
    for each in found:
        events.record(each.first_organization, NOW, kind="partnership.activated", data={}, partnership_id=each.pk)


def _readers(cast: Cast, made: list[Organization], found: list[Partnership]) -> None:
    tokens = [
        ApiToken(
            organization=organization, name=f"reads-{each.slug}", hint="txa_", digest=digest("token", organization.slug, each.slug),
            created_at=NOW, expires_at=NOW + timedelta(days=90), scopes=["read"], created_by=cast.birch.admin.user,
        )
        for partner, each in zip(made, found, strict=True)
        for organization in (cast.birch.organization, partner)
    ]  # fmt: skip
    _save(ApiToken, tokens)
    long_ago = NOW - timedelta(days=9)
    _save(
        FeedReader,
        [
            FeedReader(
                token=token, partnership=found[number // 2], first_read_at=long_ago, read_at=long_ago, reached=0,
                silent_from=long_ago + timedelta(days=2),
            )
            for number, token in enumerate(tokens)
        ],
    )  # fmt: skip


def told() -> int:
    """Return how many events there are."""
    return Event.objects.count()
