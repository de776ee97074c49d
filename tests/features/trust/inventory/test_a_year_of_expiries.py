"""A year and more goes by, moved by argument: everything that ends is told at its steps, once, to whom it concerns."""

from datetime import timedelta

import pytest

from portal.audit.models import Event
from tests.makers import certificates as make
from tests.makers import revocations, stores
from trust.inventory import expiries, services
from trust.revocations.models import Crl, RevocationSource
from trust.stores.tuf.models import TufRepository

DAY = timedelta(days=1)


@pytest.fixture
def ending(cast, now):
    """A hierarchy in which everything ends within the next 400 days, with a root of 20 years that is nearly over."""
    root = make.root(not_before=now - 19 * make.YEAR, not_after=now + 390 * DAY)
    policy = make.policy_ca(root, not_before=now - 7 * make.YEAR, not_after=now + 385 * DAY)
    issuing = make.issuing_ca(policy, not_before=now - 300 * DAY, not_after=now + 380 * DAY)
    leaf = make.leaf(issuing, lifetime=90 * DAY)
    version = stores.published(cast, root, policy, issuing)
    services.add_service_certificate(
        actor=cast.alder.verifier.actor, upload=leaf.pem, service_name="orders", now=now, partnership=cast.partnership
    )
    source = RevocationSource.objects.create(
        owner=cast.alder.organization,
        kind="crl",
        url="http://crl.alder.example/root.crl",
        issuer_id=root.sha256,
        created_at=now,
        next_check_at=now,
        crl=Crl.objects.create(
            sha256="a" * 64,
            der=b"",
            issuer_id=root.sha256,
            issuer_spki_sha256=root.facts.spki_sha256,
            this_update=now,
            next_update=now + 181 * DAY,
            entries=0,
            seen_at=now,
        ),
    )
    source.mentions.create(partnership=cast.partnership, submission=version.submission)
    # As in production, where nobody is there who could sign the next root by himself.
    TufRepository.objects.update(root_version=1, root_expires_at=now + 365 * DAY)
    return {"root": root, "policy": policy, "issuing": issuing, "leaf": leaf}


def test_everything_is_told_at_its_steps_and_only_once(cast, ending, now):
    for day in range(0, 400, 3):
        expiries.tell_expiries(now=now + day * DAY)
        expiries.tell_expiries(now=now + day * DAY)

    told: dict[str, list[int]] = {}
    for event in Event.objects.filter(kind__startswith="inventory.expire").order_by("sequence"):
        told.setdefault(event.data["label"], []).append(event.data["step"])
        assert event.partnership_id == cast.partnership.pk
    assert told == {
        "Alder Root CA": [365, 180, 90, 30, 0],
        "Alder Policy CA": [365, 180, 90, 30, 0],
        "Alder Issuing CA": [30, 15, 7, 0],
        "A certificate of orders": [30, 15, 7, 0],
        "The CRL of Alder Root CA": [30, 15, 7, 1],
    }
    signed = Event.objects.filter(kind="inventory.metadata_expires_soon").order_by("sequence")
    assert [(each.data["step"], each.organization_id) for each in signed] == [
        (step, cast.birch.organization.pk) for step in (180, 90, 30)
    ]


def test_a_crl_that_was_replaced_is_not_told(cast, ending, now):
    Crl.objects.update(next_update=now + 360 * DAY)
    for day in range(0, 170, 3):
        expiries.tell_expiries(now=now + day * DAY)

    assert not Event.objects.filter(data__label="The CRL of Alder Root CA").exists()


def test_a_service_certificates_crl_is_watched_from_the_moment_that_it_is_added(cast, now):

    tiers = make.hierarchy()
    stores.submission(cast, *tiers.cas)
    leaf = make.leaf(tiers.issuing, extensions=(revocations.crl_at("http://crl.alder.example/issuing.crl"),))

    services.add_service_certificate(
        actor=cast.alder.verifier.actor, upload=leaf.pem, service_name="orders", now=now, partnership=cast.partnership
    )

    source = RevocationSource.objects.get()
    assert (source.url, source.issuer_id) == ("http://crl.alder.example/issuing.crl", tiers.issuing.sha256)
    assert source.mentions.get().partnership == cast.partnership
