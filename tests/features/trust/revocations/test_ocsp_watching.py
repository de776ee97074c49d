"""The liveness check of OCSP responders, over real sockets."""

from datetime import timedelta

import pytest
from cryptography.x509 import ocsp

from tests.features.trust.revocations.conftest import LOOPBACK
from tests.makers import certificates as make
from tests.makers import revocations, stores
from trust.revocations import sources, watching
from trust.revocations.models import RevocationSource, SeenRevocation
from trust.revocations.rules import Standing


@pytest.fixture
def watched(cast, server, now):
    """Alder's CAs; the policy CA names the responder of the root."""
    tiers = revocations.hierarchy(server, ocsp_path="/ocsp")
    stores.submission(cast, *tiers.cas)
    sources.read_new(now=now)
    RevocationSource.objects.filter(kind="crl").update(next_check_at=now + timedelta(days=999))
    return tiers


def poll(now):
    RevocationSource.objects.filter(kind="ocsp").update(next_check_at=now)
    watching.poll(now=now, guard=LOOPBACK)
    return RevocationSource.objects.get(kind="ocsp")


def test_the_responder_is_asked_about_a_certificate_that_it_must_know(watched, server, now):
    responder = revocations.Responder(watched.root)
    server.answer("/ocsp", responder)

    found = poll(now)

    assert found.state == Standing.FRESH
    assert found.answered_at == now
    assert responder.asked == [watched.policy.certificate.serial_number]


def test_an_answer_signed_by_somebody_else_is_not_believed(watched, server, now):
    server.answer("/ocsp", revocations.Responder(watched.root, forged=True))

    assert poll(now).state == Standing.WRONG_SIGNER


def test_a_revocation_that_only_the_responder_tells_is_seen(watched, server, now):
    serial = watched.policy.certificate.serial_number
    server.answer("/ocsp", revocations.Responder(watched.root, revoked={serial: now - timedelta(hours=1)}))

    poll(now)

    seen = SeenRevocation.objects.get()
    assert (seen.certificate_id, seen.reason, seen.crl) == (watched.policy.sha256, "keyCompromise", None)


def test_an_old_answer_is_stale(watched, server, now):
    server.answer("/ocsp", revocations.Responder(watched.root))

    assert poll(now + timedelta(days=3)).state == Standing.STALE


def test_a_responder_that_nobody_named_with_a_certificate_is_asked_about_one_that_it_can_know(cast, server, now):
    """As from a package's endpoints.json, which says no CA."""
    tiers = make.hierarchy()
    submitted = stores.submission(cast, *tiers.cas)
    sources.read_new(now=now)
    source = RevocationSource.objects.create(
        owner=cast.alder.organization, kind="ocsp", url=server.url("/ocsp"), created_at=now, next_check_at=now
    )
    source.mentions.create(partnership=cast.partnership, submission=submitted)
    issuers = {
        tiers.policy.certificate.serial_number: tiers.root,
        tiers.issuing.certificate.serial_number: tiers.policy,
    }

    def answer(body):
        return revocations.Responder(issuers[ocsp.load_der_ocsp_request(body).serial_number])(body)

    server.answer("/ocsp", answer)

    assert poll(now).state == Standing.FRESH
