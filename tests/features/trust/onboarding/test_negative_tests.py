"""The joint negative tests, with real certificates, openssl and cryptography."""

from datetime import timedelta

import pytest

from portal import errors
from tests.makers import certificates as make
from tests.makers import stores
from tests.makers.onboarding import ready
from tests.moments import EVERYTHING_VALID
from trust.onboarding import negative, queries
from trust.onboarding.board_rules import Status
from trust.onboarding.models import NegativeRun, NegativeSample
from trust.onboarding.negative_rules import EXPECTATIONS

pytestmark = pytest.mark.django_db
NAME = "orders.alder.example"


@pytest.fixture
def tiers():
    return stores.hierarchy("Alder")


def samples(tiers):
    """Every kind of sample of Alder's, each as it should be."""
    chain = tiers.issuing.pem
    leaf = make.leaf(tiers.issuing)
    over = make.leaf(tiers.issuing, not_before=EVERYTHING_VALID - timedelta(days=90), lifetime=timedelta(days=30))
    return {
        "good_server": {"content": leaf.pem + chain, "dns_name": NAME},
        "good_client": {"content": leaf.pem + chain},
        "wrong_ca": {"content": make.hierarchy("Cedar").leaf.pem},
        "expired": {"content": over.pem + chain},
        "revoked": {"content": leaf.pem + chain, "crl": make.crl(tiers.issuing, revoked=[leaf])},
        "wrong_name": {"content": leaf.pem + chain, "dns_name": "payments.alder.example"},
    }


def supply(cast, now, expectation, **sample):
    return negative.add_sample(
        actor=cast.alder.verifier.actor, partnership=cast.partnership, expectation=expectation, now=now, **sample
    )


def run(cast, now):
    return negative.run(actor=cast.birch.verifier.actor, partnership=cast.partnership, now=now)


class TestRun:
    def test_comes_out_as_expected_for_every_kind(self, cast, now, tiers):
        ready(cast)
        for expectation, sample in samples(tiers).items():
            supply(cast, now, expectation, **sample)

        made = run(cast, now)

        assert [(each["expectation"], each["found"]) for each in made.results if not each["as_expected"]] == []
        assert (made.passed, made.count, made.complete) == (6, 6, True)
        assert queries.board(cast.partnership, now).line("negative_tests").cell("birch").status is Status.COMPLETED

    @pytest.mark.parametrize("expectation", EXPECTATIONS)
    def test_finds_a_sample_that_behaves_differently(self, cast, now, tiers, expectation):
        ready(cast)
        good = samples(tiers)["good_server"]
        wrong = {
            "good_server": samples(tiers)["wrong_name"],
            "good_client": samples(tiers)["wrong_ca"],
            "revoked": {**good, "crl": make.crl(tiers.issuing)},
        }.get(expectation, good)
        supply(cast, now, expectation, **wrong)

        made = run(cast, now)

        assert made.passed == 0
        assert not made.complete
        assert queries.board(cast.partnership, now).line("negative_tests").cell("birch").status is Status.PROBLEM

    def test_wants_a_refusal_for_the_right_reason(self, cast, now, tiers):
        """A sample that should be expired, but fails because its CA is unknown, proves nothing about expiry."""
        ready(cast)
        supply(cast, now, "expired", **samples(tiers)["wrong_ca"])

        (result,) = run(cast, now).results

        assert result["expected"] == "refused: expired"
        assert "no chain to a trusted root" in result["found"]
        assert not result["as_expected"]

    def test_keeps_both_opinions_and_the_version(self, cast, now, tiers):
        ready(cast)
        supply(cast, now, "good_client", **samples(tiers)["good_client"])

        made = run(cast, now)

        assert {each["validator"] for each in made.results[0]["opinions"]} == {"openssl", "cryptography"}
        assert made.version.number == 1

    def test_is_complete_only_with_every_kind(self, cast, now, tiers):
        ready(cast)
        supply(cast, now, "good_client", **samples(tiers)["good_client"])
        run(cast, now)

        cell = queries.board(cast.partnership, now).line("negative_tests").cell("birch")
        assert cell.status is not Status.COMPLETED

    def test_needs_a_store(self, cast, now, tiers):
        supply(cast, now, "good_client", **samples(tiers)["good_client"])

        with pytest.raises(errors.Conflict) as refused:
            run(cast, now)

        assert refused.value.code == "no_store"

    def test_needs_samples(self, cast, now):
        ready(cast)

        with pytest.raises(errors.Conflict) as refused:
            run(cast, now)

        assert refused.value.code == "no_samples"
        assert not NegativeRun.objects.exists()


class TestSample:
    @pytest.mark.parametrize(
        ("expectation", "changes", "field"),
        [
            ("nonsense", {}, "expectation"),
            ("good_client", {"content": b"hello"}, "content"),
            ("good_client", {"content": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, "content"),
            ("good_server", {"dns_name": ""}, "dns_name"),
            ("revoked", {"crl": b""}, "crl"),
            ("revoked", {"crl": b"hello"}, "crl"),
        ],
    )
    def test_is_refused_with_the_field(self, cast, now, tiers, expectation, changes, field):
        sample = samples(tiers).get(expectation, samples(tiers)["good_client"]) | changes

        with pytest.raises(errors.Invalid) as refused:
            supply(cast, now, expectation, **sample)

        assert list(refused.value.fields) == [field]
        assert not NegativeSample.objects.exists()

    def test_is_never_a_private_key(self, cast, now, tiers):
        leaf = make.leaf(tiers.issuing)

        with pytest.raises(errors.Invalid, match="private key"):
            supply(cast, now, "good_client", content=leaf.pem + leaf.key_pem())

        assert not NegativeSample.objects.exists()

    def test_is_taken_back_by_its_own_side(self, cast, now, tiers):
        sample = supply(cast, now, "good_client", **samples(tiers)["good_client"])

        with pytest.raises(errors.NotFound):
            negative.remove_sample(
                actor=cast.birch.verifier.actor, partnership=cast.partnership, sample_id=sample.pk, now=now
            )
        negative.remove_sample(
            actor=cast.alder.verifier.actor, partnership=cast.partnership, sample_id=sample.pk, now=now
        )

        assert not queries.samples(cast.partnership).exists()

    def test_does_not_exist_for_strangers(self, cast, now, tiers):
        with pytest.raises(errors.NotFound):
            negative.add_sample(
                actor=cast.cedar.verifier.actor,
                partnership=cast.partnership,
                expectation="good_client",
                now=now,
                **samples(tiers)["good_client"],
            )
