"""A year and more goes by, moved by argument: everything that ends is told at its steps, once, to whom it concerns."""

from datetime import timedelta

import pytest

from portal.audit.models import Event
from tests.makers import certificates as make
from tests.makers import revocations, stores
from trust.inventory import expiries, services
from trust.pki.certificates import read_certificate
from trust.revocations.models import Crl, RevocationSource
from trust.stores.tuf.models import TufRepository
from trust.submissions.models import Submission

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
    for day in range(0, 400, 5):
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


def test_a_sweep_reads_only_what_came_to_a_step_since_the_one_before(cast, ending, now, monkeypatch):
    read = []
    monkeypatch.setattr(expiries, "read_certificate", lambda der: read.append(der) or read_certificate(der))
    expiries.tell_expiries(now=now + 21 * DAY)
    read.clear()

    expiries.tell_expiries(now=now + 22 * DAY)
    assert not read

    expiries.tell_expiries(now=now + 26 * DAY)  # the root comes to 365 days, and nothing else to a step of certificates
    assert read == [ending["root"].der]


def test_a_sweep_after_a_long_pause_tells_what_was_missed(cast, ending, now):
    expiries.tell_expiries(now=now)
    expiries.tell_expiries(now=now + 210 * DAY)

    told = Event.objects.filter(kind="inventory.expires_soon").values_list("data__label", "data__step")
    assert set(told) == {
        ("Alder Root CA", 180),
        ("Alder Policy CA", 180),
    }


def test_what_is_accepted_between_two_sweeps_is_told_of_a_step_that_it_has_passed_already(cast, now):
    expiries.tell_expiries(now=now)
    root = make.root(not_before=now - 19 * make.YEAR, not_after=now + 100 * DAY)
    accepted = stores.submission(cast, root)
    Submission.objects.filter(pk=accepted.pk).update(decided_at=now + DAY)

    expiries.tell_expiries(now=now + DAY + timedelta(minutes=5))

    assert list(Event.objects.filter(kind="inventory.expires_soon").values_list("data__step", flat=True)) == [180]


def test_a_sweep_that_is_cut_short_is_done_again(cast, ending, now, monkeypatch):
    expiries.tell_expiries(now=now)
    with monkeypatch.context() as broken:
        broken.setattr(expiries.audit, "record", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            expiries.tell_expiries(now=now + 26 * DAY)

    expiries.tell_expiries(now=now + 40 * DAY)

    assert Event.objects.filter(kind="inventory.expires_soon", data__label="Alder Root CA").count() == 1
