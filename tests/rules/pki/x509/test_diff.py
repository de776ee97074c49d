"""What a new bundle does to trust, in words."""

from datetime import timedelta

from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from tests.makers import certificates as make
from tests.moments import EVERYTHING_VALID as NOW
from trust.pki.certificate_set import CertificateSet
from trust.pki.diff import Change, Difference, compare

ROOT = make.root()
POLICY = make.policy_ca(ROOT)
ISSUING = make.issuing_ca(POLICY)


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
    def test_accounts_for_each_certificate_of_both_once(self, first, second):
        pool = [ROOT, POLICY, ISSUING, make.root("Other"), make.policy_ca(ROOT, key=make.ec_key("n"), serial=9)]
        sets = [CertificateSet.of(pool[index].facts for index in chosen) for chosen in (first, second)]

        found = compare(*sets)

        assert sorted(one.before.sha256 for one in found if one.before) == sorted(one.sha256 for one in sets[0])
        assert sorted(one.after.sha256 for one in found if one.after) == sorted(one.sha256 for one in sets[1])
