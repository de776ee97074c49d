"""CRLs of a package: one deviation, one finding."""

from datetime import timedelta

import pytest
from cryptography import x509

from tests.makers import certificates as make
from tests.moments import EVERYTHING_VALID as NOW
from trust.pki.certificate_set import CertificateSet
from trust.pki.crl import read_crl
from trust.pki.crl_rules import check_crls, check_numbers, numbered
from trust.pki.findings import Finding, refuses

MADE = make.hierarchy()
SET = CertificateSet.of(one.facts for one in MADE.cas)
DAY = timedelta(days=1)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")


def findings(*crls: bytes, among=MADE.cas, **known) -> list[Finding]:
    certificates = CertificateSet.of(one.facts for one in among)
    return list(check_crls([read_crl(one) for one in crls], certificates, now=NOW, **known))


def codes(*crls: bytes, among=MADE.cas, **known) -> set[str]:
    return {finding.code for finding in findings(*crls, among=among, **known)}


class TestCheckCrls:
    def test_is_content_when_each_ca_has_a_fresh_one(self):
        assert codes(*(make.crl(one) for one in MADE.cas)) == set()

    def test_says_nothing_when_there_is_none(self):
        assert codes() == set()

    @pytest.mark.parametrize(
        ("crl", "code"),
        [
            (make.crl(MADE.root, next_update=NOW - timedelta(minutes=1), this_update=NOW - DAY), "crl_expired"),
            (make.crl(MADE.root, this_update=NOW + timedelta(hours=1)), "crl_not_yet_valid"),
            (make.crl(MADE.root, number=None), "crl_no_number"),
            (make.crl(MADE.root, signing_key=make.ec_key("wrong")), "crl_signature"),
            (make.crl(MADE.root, revoked=[MADE.policy]), "crl_revokes_offered_ca"),
            (make.crl(make.root("Stranger")), "crl_issuer_missing"),
            (make.crl(MADE.root, extensions=[(x509.DeltaCRLIndicator(1), True)]), "crl_delta"),
            (
                make.crl(
                    MADE.root,
                    extensions=[(x509.IssuingDistributionPoint(None, None, False, True, None, False, False), True)],
                ),
                "crl_partitioned",
            ),
            (make.crl(MADE.root, extensions=[(UNKNOWN, True)]), "crl_unknown_critical_extension"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_finds_the_one_deviation(self, crl, code):
        assert code in codes(crl)

    def test_minds_no_unknown_extension_that_is_not_critical(self):
        assert codes(*(make.crl(one, extensions=[(UNKNOWN, False)]) for one in MADE.cas)) == set()

    def test_says_when_a_sample_is_revoked(self):
        lists = [make.crl(MADE.root), make.crl(MADE.policy), make.crl(MADE.issuing, revoked=[MADE.leaf])]

        assert codes(*lists, samples=[MADE.leaf.facts]) == {"sample_revoked"}

    def test_refuses_a_crl_by_another_key_of_the_same_name(self):
        assert refuses(findings(make.crl(MADE.root, signing_key=make.ec_key("wrong"))))

    def test_names_the_cas_that_no_crl_covers(self):
        said = findings(make.crl(MADE.policy))

        uncovered = {one.certificate_sha256 for one in said if one.code == "crl_coverage"}
        assert uncovered == {MADE.root.sha256, MADE.issuing.sha256}

    def test_finds_the_gaps_of_the_guides_package(self):
        crls = [make.crl(MADE.policy), make.crl(MADE.issuing)]

        assert codes(*crls, among=(MADE.root, MADE.policy)) == {"crl_issuer_missing", "crl_coverage"}

    def test_does_not_mix_up_serial_numbers_of_different_issuers(self):
        top = make.root(serial=5)
        policy = make.policy_ca(top, serial=7)
        issuing = make.issuing_ca(policy, serial=7)

        said = findings(make.crl(policy, revoked=[issuing]), among=(top, policy))

        assert "crl_revokes_offered_ca" not in {one.code for one in said}

    def test_notices_a_number_that_went_back(self):
        signed = [numbered([read_crl(make.crl(MADE.root, number=n))], SET) for n in (7, 8)]
        known = {MADE.root.facts.spki_sha256: 8}

        older, same = (list(check_numbers(each, known)) for each in signed)

        assert [one.code for one in older] == ["crl_number_regressed"]
        assert "7; 8 was seen before (rollback)" in older[0].sentence
        assert same == []

    def test_numbers_only_full_lists_that_their_issuer_signed(self):
        delta = (x509.DeltaCRLIndicator(1), True)
        lists = [
            make.crl(MADE.root, signing_key=make.ec_key("somebody")),
            make.crl(MADE.root, extensions=(delta,)),
            make.crl(MADE.root, number=None),
        ]

        assert numbered([read_crl(each) for each in lists], SET) == ()

    def test_misses_the_right_to_sign_crls(self):
        top = make.root(key_usage=("key_cert_sign",))

        assert "crl_signer_may_not_sign" in codes(make.crl(top), among=(top,))
