"""What a new bundle does to trust, in words."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.makers import certificates as make
from tests.moments import EVERYTHING_VALID as NOW
from trust.pki.certificate_set import CertificateSet
from trust.pki.diff import Change, Difference, compare, widens

ROOT = make.root()
POLICY = make.policy_ca(ROOT)
ISSUING = make.issuing_ca(POLICY)
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
POOL = [ROOT, POLICY, ISSUING, make.root("Other"), make.policy_ca(ROOT, key=make.ec_key("n"), serial=9)]


def changes(before: list[make.Made], after: list[make.Made]) -> list[Difference]:
    sets = [CertificateSet.of(one.facts for one in made) for made in (before, after)]
    return [one for one in compare(*sets) if one.change is not Change.UNCHANGED]


class TestCompare:
    def test_tells_nothing_of_equal_sets(self):
        assert changes([ROOT, POLICY], [POLICY, ROOT]) == []

    def test_tells_what_is_added_and_removed(self):
        other = make.root("Other Root")

        found = changes([ROOT], [other])

        assert [(one.change, one.subject) for one in found] == [
            (Change.ADDED, "Other Root"),
            (Change.REMOVED, "Alder Root CA"),
        ]

    def test_tells_a_renewal_with_the_same_key_and_the_new_expiry(self):
        renewed = make.policy_ca(ROOT, not_after=NOW + timedelta(days=3000))

        (found,) = changes([ROOT, POLICY], [ROOT, renewed])

        assert found.change is Change.RENEWED
        assert "expiry moved" in found.details[0]
        assert "(later)" in found.details[0]

    def test_tells_a_new_key_under_the_old_name(self):
        rekeyed = make.policy_ca(ROOT, key=make.ec_key("new"))

        (found,) = changes([ROOT, POLICY], [ROOT, rekeyed])

        assert found.change is Change.REKEYED

    def test_tells_a_new_root_key(self):
        (found,) = changes([ROOT], [make.root(key=make.ec_key("new root"))])

        assert found.change is Change.REKEYED

    def test_tells_a_cross_signed_ca(self):
        other = make.root("Other Root")
        cross = make.policy_ca(other, key=POLICY.key)

        found = changes([ROOT, POLICY], [ROOT, POLICY, other, cross])

        assert {one.subject: one.change for one in found} == {
            "Other Root": Change.ADDED,
            "Alder Policy CA": Change.CROSS_SIGNED,
        }

    def test_tells_changed_constraints(self):
        narrowed = x509.NameConstraints([x509.DNSName("alder.example")], None)
        after = make.policy_ca(ROOT, path_length=None, extensions=((narrowed, True),))

        (found,) = changes([ROOT, POLICY], [ROOT, after])

        assert "path length changed from 1 to unlimited" in found.details
        assert "allowed names changed from none to DNS:alder.example" in found.details

    @given(st.sets(st.integers(0, 4)), st.sets(st.integers(0, 4)))
    @settings(suppress_health_check=[HealthCheck.too_slow])  # on a loaded machine
    def test_accounts_for_each_certificate_of_both_once(self, first, second):
        sets = [CertificateSet.of(POOL[index].facts for index in chosen) for chosen in (first, second)]

        found = compare(*sets)

        assert sorted(one.before.sha256 for one in found if one.before) == sorted(one.sha256 for one in sets[0])
        assert sorted(one.after.sha256 for one in found if one.after) == sorted(one.sha256 for one in sets[1])


def _constrained(permitted=None, excluded=None, **fields):
    names = [[x509.DNSName(each) for each in listed] if listed else None for listed in (permitted, excluded)]
    return make.policy_ca(ROOT, extensions=((x509.NameConstraints(*names), True),), **fields).facts


class TestWidens:
    PLAIN = make.policy_ca(ROOT).facts

    @pytest.mark.parametrize(
        ("before", "after", "says"),
        [
            (PLAIN, make.policy_ca(ROOT, path_length=2).facts, "the path length grew from 1 to 2"),
            (PLAIN, make.policy_ca(ROOT, path_length=None).facts, "the path length grew from 1 to unlimited"),
            (_constrained(["a.example"]), PLAIN, "the allowed names changed from DNS:a.example to none"),
            (
                _constrained(["a.example"]),
                _constrained(["a.example", "b.example"]),
                "the allowed names changed from DNS:a.example to DNS:a.example, DNS:b.example",
            ),
            (
                _constrained(None, ["bank.example", "c.example"]),
                _constrained(None, ["c.example"]),
                "these names are no longer forbidden: DNS:bank.example",
            ),
            (
                make.policy_ca(ROOT, extensions=((x509.ExtendedKeyUsage([CLIENT]), False),)).facts,
                PLAIN,
                "the purposes changed from clientAuth to none",
            ),
        ],
    )
    def test_tells_what_may_be_done_that_could_not_be_before(self, before, after, says):
        assert widens(before, after) == (says,)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (PLAIN, make.policy_ca(ROOT, not_after=NOW + timedelta(days=3000)).facts),
            (PLAIN, make.policy_ca(ROOT, path_length=0).facts),
            (PLAIN, _constrained(["a.example"])),
            (_constrained(None, ["c.example"]), _constrained(None, ["c.example", "bank.example"])),
        ],
    )
    def test_says_nothing_of_later_dates_and_of_what_is_narrower(self, before, after):
        assert widens(before, after) == ()
