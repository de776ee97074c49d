"""Certificates held against the terms: one deviation per case, one finding per deviation."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from tests.makers import certificates as make
from tests.makers.agreements import make_terms, make_values
from tests.moments import EVERYTHING_VALID
from trust.agreements import checks
from trust.agreements.checks import Waiving
from trust.pki.certificate_set import CertificateSet
from trust.pki.crl import read_crl
from trust.pki.findings import Severity

CRL = x509.CRLDistributionPoints(
    [x509.DistributionPoint([x509.UniformResourceIdentifier("http://crl.alder.example/ca.crl")], None, None, None)]
)
OCSP = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocsp.alder.example/")
        )
    ]
)
CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
DAY = timedelta(days=1)


def below(kind, **deviation):
    return kind(**({"extensions": ((CRL, False),)} | deviation))


def check(*made, values=None, version=3, waivers=()):
    terms = make_terms(values, version=version)
    return checks.check(terms, [each.facts for each in made], owner="alder", now=EVERYTHING_VALID, waivers=waivers)


def codes(*made, **options):
    return [(each.code, each.source) for each in check(*made, **options)]


def valid():
    return [
        make.root(),
        below(make.policy_ca),
        below(make.issuing_ca),
        below(make.leaf, extensions=((CRL, False), (CLIENT, False))),
    ]


class TestTiers:
    @pytest.mark.parametrize(
        ("made", "tier"),
        [
            (make.root(), "root"),
            (make.policy_ca(), "policy"),
            (make.issuing_ca(), "issuing"),
            (make.leaf(), "service"),
            (make.issuing_ca(path_length=None), "issuing"),
        ],
    )
    def test_follow_from_the_certificate(self, made, tier):
        assert checks.tier(made.facts) == tier

    def test_follow_from_the_upload_when_there_is_no_path_length(self):
        policy = make.policy_ca(path_length=None)
        issuing = make.issuing_ca(policy)

        assert checks.tier(policy.facts, [policy.facts, issuing.facts]) == "policy"


class TestCheck:
    def test_finds_nothing_in_the_guides_hierarchy(self):
        assert codes(*valid()) == []

    @pytest.mark.parametrize(
        ("made", "expected"),
        [
            (lambda: make.root(lifetime=25 * 365 * DAY), ("agreement_lifetime_long", "Agreement 4.1")),
            (lambda: make.root(lifetime=10 * 365 * DAY), ("agreement_lifetime_short", "Agreement 4.1")),
            (lambda: below(make.policy_ca, lifetime=3650 * DAY), ("agreement_lifetime_long", "Agreement 4.2")),
            (lambda: below(make.policy_ca, lifetime=1824 * DAY), ("agreement_lifetime_short", "Agreement 4.2")),
            (lambda: below(make.issuing_ca, lifetime=800 * DAY), ("agreement_lifetime_long", "Agreement 4.3")),
            (
                lambda: make.leaf(lifetime=91 * DAY, extensions=((CRL, False), (CLIENT, False))),
                ("agreement_lifetime_long", "Agreement 4.4"),
            ),
            (
                lambda: make.leaf(lifetime=2 * DAY, extensions=((CRL, False), (CLIENT, False))),
                ("agreement_lifetime_short", "Agreement 4.4"),
            ),
            (lambda: make.root(key=make.rsa_key(1024)), ("agreement_key", "Agreement 3.1")),
            (
                lambda: make.root(key=make.ec_key("k1", ec.SECP256K1())),
                ("agreement_key", "Agreement 3.1"),
            ),
            (
                lambda: make.root(key=ed25519.Ed25519PrivateKey.generate(), digest=None),
                ("agreement_key", "Agreement 3.1"),
            ),
            (lambda: make.root(digest=hashes.SHA224()), ("agreement_digest", "Agreement 3.5")),
            (lambda: make.policy_ca(), ("agreement_revocation", "Agreement 5.1")),
        ],
    )
    def test_cites_the_clause_that_is_broken(self, made, expected):
        assert codes(made()) == [expected]

    @pytest.mark.parametrize("days", [7300, 7305])
    def test_takes_twenty_years_with_and_without_leap_days(self, days):
        assert codes(make.root(lifetime=days * DAY)) == []

    @pytest.mark.parametrize("bits", [2048, 3072])
    def test_takes_rsa_keys_that_are_agreed(self, bits):
        assert codes(make.root(key=make.rsa_key(bits))) == []

    def test_takes_ed25519_where_it_is_agreed(self):
        values = make_values(keys__root={"curves": [], "edwards": ["Ed25519"], "rsa_min_bits": None})
        made = make.root(key=ed25519.Ed25519PrivateKey.generate(), digest=None)

        assert codes(made, values=values) == []

    @pytest.mark.parametrize(
        ("duty", "extensions", "kept"),
        [
            ("crl", ((CRL, False),), True),
            ("crl", ((OCSP, False),), False),
            ("ocsp", ((OCSP, False),), True),
            ("ocsp", ((CRL, False),), False),
            ("crl_or_ocsp", ((OCSP, False),), True),
            ("both", ((OCSP, False),), False),
            ("both", ((OCSP, False), (CRL, False)), True),
            ("none", (), True),
        ],
    )
    def test_holds_to_the_duty_of_revocation(self, duty, extensions, kept):
        found = codes(make.policy_ca(extensions=extensions), values=make_values(revocation__duty=duty))

        assert (found == []) is kept

    def test_finds_the_guides_own_intermediate_too_long(self):
        hierarchy = make.hierarchy(guide=True)

        assert ("agreement_lifetime_long", "Agreement 4.2") in codes(*hierarchy.cas)

    def test_weighs_a_breach_as_a_problem(self):
        (finding,) = check(make.root(lifetime=25 * 365 * DAY))

        assert finding.severity is Severity.PROBLEM
        assert finding.certificate_sha256
        assert "at most 7305 days" in finding.detail

    def test_only_recommends_while_no_agreement_is_in_force(self):
        (finding,) = check(make.root(lifetime=25 * 365 * DAY), version=None)

        assert finding.severity is Severity.WARNING
        assert finding.source == "Recommended terms 4.1"

    def test_looks_at_the_names_of_service_certificates(self):
        found = codes(
            below(
                make.leaf,
                extensions=(
                    (CRL, False),
                    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), False),
                ),
            )
        )

        assert found == [("identity_purposes_together", "Agreement 6.5")]


class TestWaivers:
    LONG = make.root(lifetime=25 * 365 * DAY)

    def waiving(self, **changes):
        valid = {
            "clause": "4.1",
            "owner": "alder",
            "certificate_sha256": "",
            "expires_at": EVERYTHING_VALID + DAY,
            "reason": "The HSM is replaced in March",
        }
        return Waiving(**(valid | changes))

    def test_leave_a_note_that_says_until_when(self):
        (finding,) = check(self.LONG, waivers=[self.waiving()])

        assert finding.severity is Severity.NOTE
        assert finding.detail.startswith("Waived until ")
        assert "HSM" in finding.detail

    def test_may_be_for_one_certificate(self):
        (finding,) = check(self.LONG, waivers=[self.waiving(certificate_sha256=self.LONG.sha256)])

        assert finding.severity is Severity.NOTE

    @pytest.mark.parametrize(
        "changes",
        [
            {"clause": "4.2"},
            {"owner": "birch"},
            {"certificate_sha256": "0" * 64},
            {"expires_at": EVERYTHING_VALID},
            {"expires_at": EVERYTHING_VALID - DAY},
        ],
    )
    def test_do_not_count_for_something_else(self, changes):
        (finding,) = check(self.LONG, waivers=[self.waiving(**changes)])

        assert finding.severity is Severity.PROBLEM


class TestCrls:
    ROOT, ISSUING = make.root(), make.issuing_ca(make.policy_ca())

    def found(self, age, *, signer=ROOT, waivers=(), version=3):
        crl = read_crl(make.crl(signer, this_update=EVERYTHING_VALID - age, next_update=EVERYTHING_VALID + 90 * DAY))
        certificates = CertificateSet.of(one.facts for one in (self.ROOT, self.ISSUING))
        terms = make_terms(version=version)
        return checks.check_crls(
            terms,
            [crl],
            certificates,
            owner="alder",
            now=EVERYTHING_VALID,
            waivers=waivers,
            places={crl.sha256: "a.crl"},
        )

    @pytest.mark.parametrize(
        ("signer", "longest", "clause"), [(ROOT, timedelta(hours=2160), "5.2"), (ISSUING, timedelta(hours=24), "5.3")]
    )
    def test_may_be_as_old_as_agreed_and_no_older(self, signer, longest, clause):
        (finding,) = self.found(longest + timedelta(hours=1), signer=signer)

        assert self.found(longest, signer=signer) == ()
        assert (finding.code, finding.source) == ("agreement_crl_age", f"Agreement {clause}")
        assert finding.severity is Severity.PROBLEM
        assert finding.sentence.startswith("The CRL a.crl of Alder")

    def test_of_an_unknown_signer_are_not_judged(self):
        assert self.found(9999 * DAY, signer=make.root("Stranger")) == ()

    def test_weigh_less_without_an_agreement_and_can_be_waived(self):
        waiver = Waiving("5.3", "alder", "", EVERYTHING_VALID + DAY, "The CA moves")

        (recommended,) = self.found(3 * DAY, signer=self.ISSUING, version=None)
        (waived,) = self.found(3 * DAY, signer=self.ISSUING, waivers=[waiver])

        assert recommended.severity is Severity.WARNING
        assert waived.severity is Severity.NOTE
        assert waived.detail.startswith("Waived until ")
