"""One deviation from a valid certificate or set, one finding."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.makers import certificates as make
from tests.makers.weak_keys import CLOSE_PRIMES, EVEN, ROCA, SMALL_FACTOR
from tests.moments import EVERYTHING_VALID
from trust.pki.ca_rules import review
from trust.pki.certificate_set import CertificateSet
from trust.pki.chains import Tier
from trust.pki.findings import Finding, Severity, refuses

NOW = EVERYTHING_VALID
DAY = timedelta(days=1)


def findings(*made: make.Made, now: datetime = NOW) -> tuple[Finding, ...]:
    return review(CertificateSet.of(one.facts for one in made), now=now).findings


def codes(*made: make.Made, now: datetime = NOW) -> set[str]:
    return {finding.code for finding in findings(*made, now=now)}


def rsa_public(modulus: int, exponent: int = 65537) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def unknown(critical: bool) -> tuple[x509.UnrecognizedExtension, bool]:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00"), critical


CONSTRAINTS = x509.NameConstraints([x509.DNSName("alder.example")], None)


class TestReviewOfAValidHierarchy:
    def test_has_nothing_to_complain_about(self):
        assert codes(*make.hierarchy().cas) == {"no_name_constraints"}

    def test_knows_the_tiers(self):
        made = make.hierarchy()

        chains = review(CertificateSet.of(one.facts for one in made.cas), now=NOW).chains

        tiers = [chains.tiers[one.sha256] for one in made.cas]
        assert tiers == [Tier.ROOT, Tier.POLICY, Tier.ISSUING]

    def test_warns_about_exactly_the_gaps_of_the_guide(self):
        said = findings(*make.hierarchy(guide=True).cas)

        assert {finding.code for finding in said} == {
            "basic_constraints_not_critical",
            "lifetime_too_long",
            "netscape_extension",
            "no_name_constraints",
        }
        assert not refuses(said)


class TestReviewOfOneRoot:
    @pytest.mark.parametrize(
        ("deviation", "code"),
        [
            ({"ca": False, "path_length": None}, "not_ca"),
            ({"ca": None}, "not_ca"),
            ({"key_usage": ("digital_signature",)}, "key_usage_without_cert_sign"),
            ({"key_usage": None}, "key_usage_missing"),
            ({"key_usage_critical": False}, "key_usage_not_critical"),
            ({"key_usage": ("key_cert_sign",)}, "key_usage_without_crl_sign"),
            ({"basic_constraints_critical": False}, "basic_constraints_not_critical"),
            ({"subject_key_identifier": False}, "subject_key_identifier_missing"),
            ({"extensions": (unknown(critical=True),)}, "unknown_critical_extension"),
            ({"extensions": ((CONSTRAINTS, False),)}, "name_constraints_not_critical"),
            (
                {"extensions": ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),)},
                "extended_key_usage_on_ca",
            ),
            ({"not_after": NOW - timedelta(seconds=1), "not_before": NOW - 9 * DAY}, "expired"),
            ({"not_before": NOW + DAY}, "not_yet_valid"),
            ({"not_after": NOW + 59 * DAY}, "expires_soon"),
            ({"not_after": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)}, "never_expires"),
            ({"lifetime": 21 * make.YEAR}, "lifetime_too_long"),
            ({"key": make.rsa_key(1024)}, "weak_key"),
            ({"key": make.rsa_key(2048)}, "rsa_2048"),
            ({"key": make.rsa_key(3072, exponent=3)}, "rsa_exponent"),
            ({"key": make.ec_key("k1", ec.SECP256K1())}, "curve_not_allowed"),
            ({"key": make.ec_key("p192", ec.SECP192R1())}, "curve_not_allowed"),
            ({"key": ed25519.Ed25519PrivateKey.generate(), "digest": None}, "key_type_uncommon"),
            ({"subject": x509.Name([])}, "empty_subject"),
            ({"subject": "Alder\nRoot"}, "suspicious_name"),
            ({"subject": "Alder \u202etooR"}, "suspicious_name"),
            ({"subject": "\u0410lder"}, "suspicious_name"),
            ({"subject": "M\u00fcller"}, "non_ascii_name"),
            ({"subject": "=HYPERLINK(1)"}, "active_text_in_name"),
            ({"subject": "<script>alert(1)</script>"}, "active_text_in_name"),
            ({"subject": "DigiCert Root"}, "public_ca_name"),
            ({"public_key": rsa_public(EVEN), "signing_key": make.rsa_key(2048)}, "weak_key"),
            ({"public_key": rsa_public(SMALL_FACTOR), "signing_key": make.rsa_key(2048)}, "weak_key"),
            ({"public_key": rsa_public(ROCA), "signing_key": make.rsa_key(2048)}, "roca_key"),
            ({"public_key": rsa_public(CLOSE_PRIMES), "signing_key": make.rsa_key(2048)}, "close_primes"),
        ],
        ids=lambda value: value if isinstance(value, str) else "-".join(value),
    )
    def test_finds_the_one_deviation(self, deviation, code):
        assert code in codes(make.root(**deviation))

    def test_counts_attributes_of_a_name(self):
        parts = [x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, f"unit {n}") for n in range(500)]

        assert "oversized_name" in codes(make.root(subject=x509.Name(parts)))

    def test_is_content_with_critical_name_constraints(self):
        assert codes(make.root(extensions=((CONSTRAINTS, True),))) == set()

    def test_knows_published_private_keys(self):
        import base64

        # The P-256 test key of RFC 9500 2.3, in the form of RFC 5915 without its PEM label.
        published = base64.b64decode(
            "MHcCAQEEIObLW92AqkWunJXowVR2Z5/+yVPBaFHnEedDk5WJxk/BoAoGCCqGSM49AwEHoUQDQgAEQiVI+I+3gv+17KN0RFLHKh5V"
            "j71vc75eSOkyMsxFxbFsTNEMTLjVuKFxOelIgsiZJXKZNCX0FBmrfpCkKklCcg=="
        )
        from cryptography.hazmat.primitives.serialization import load_der_private_key

        said = findings(make.root(key=load_der_private_key(published, None)))

        assert "RFC 9500" in next(one.sentence for one in said if one.code == "known_key")


class TestReviewOfAChain:
    def test_refuses_an_intermediate_whose_root_is_not_there(self):
        made = make.hierarchy()

        assert {"no_root", "chain_incomplete"} <= codes(made.policy, made.issuing)

    def test_refuses_an_intermediate_that_a_twin_of_the_root_signed(self):
        made = make.hierarchy()
        twin = make.root(subject=made.root.certificate.subject, key=make.ec_key("twin"))

        assert "signature_does_not_verify" in codes(twin, made.policy)

    def test_refuses_a_chain_that_is_longer_than_allowed(self):
        top = make.root(path_length=0)

        said = findings(top, make.policy_ca(top))

        assert "path_length_exceeded" in {one.code for one in said}
        assert refuses(said)

    def test_lets_the_best_path_count(self):
        short = make.root("Short", path_length=0)
        long = make.root("Long", path_length=2)
        both = [make.policy_ca(issuer, key=make.ec_key("p"), subject="Policy") for issuer in (short, long)]
        issuing = make.issuing_ca(both[1])

        said = findings(short, long, *both, issuing)

        exceeded = {one.certificate_sha256 for one in said if one.code == "path_length_exceeded"}
        assert exceeded == {both[0].sha256}

    def test_does_not_count_self_issued_certificates(self):
        top = make.root(path_length=1)
        renewed = make.root(path_length=1, key=make.ec_key("new root key"), issuer=top)
        policy = make.policy_ca(renewed)

        assert "path_length_exceeded" not in codes(top, renewed, policy)

    def test_refuses_an_issuer_that_is_no_ca(self):
        issuer = make.leaf(make.issuing_ca(top := make.root()))

        said = codes(top, issuer, make.issuing_ca(issuer, "Below a leaf"))

        assert {"not_ca", "issuer_may_not_sign"} <= said

    @pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.MD5()])
    def test_refuses_weak_digests_below_the_root(self, digest):
        top = make.root(key=make.rsa_key(2048))
        policy = make.weakly_signed(make.policy_ca(top), top, digest)

        said = {one.code: one.severity for one in findings(top, policy)}

        assert said["weak_signature"] is Severity.REFUSE
        assert "signature_does_not_verify" not in said

    def test_only_warns_about_a_weak_digest_on_a_root_itself(self):
        top = make.root(key=make.rsa_key(3072))

        said = findings(make.weakly_signed(top, top, hashes.SHA1()))

        assert "weak_self_signature" in {one.code for one in said}
        assert not refuses(said)

    def test_warns_when_a_ca_outlives_its_issuer(self):
        top = make.root(lifetime=5 * make.YEAR)

        assert "outlives_issuer" in codes(top, make.policy_ca(top))

    def test_warns_when_the_named_key_identifier_is_another(self):
        top = make.root()
        other = x509.AuthorityKeyIdentifier(b"\x01" * 20, None, None)
        policy = make.policy_ca(top, authority_key_identifier=False, extensions=((other, False),))

        assert "key_identifier_mismatch" in codes(top, policy)

    def test_misses_the_authority_key_identifier(self):
        top = make.root()

        assert "authority_key_identifier_missing" in codes(top, make.policy_ca(top, authority_key_identifier=False))

    def test_finds_circles(self):
        names = [make.name("First"), make.name("Second")]
        keys = [make.ec_key("first"), make.ec_key("second")]
        first = make.make(subject=names[0], key=keys[0], signing_key=keys[1], issuer_name=names[1], lifetime=DAY)
        second = make.make(subject=names[1], key=keys[1], signing_key=keys[0], issuer_name=names[0], lifetime=DAY)

        assert {"chain_loop", "chain_incomplete", "no_root"} <= codes(first, second)


class TestReviewOfRepeats:
    def test_tells_a_renewal_with_the_same_key(self):
        top = make.root()

        assert "renewed_same_key" in codes(top, make.policy_ca(top), make.policy_ca(top))

    def test_tells_cross_signed_cas(self):
        roots = [make.root("One"), make.root("Two")]

        assert "cross_signed" in codes(*roots, *(make.policy_ca(one, key=make.ec_key("p")) for one in roots))

    def test_warns_about_one_name_with_two_keys(self):
        assert "subject_reused" in codes(make.root(), make.root(key=make.ec_key("another")))

    def test_warns_about_one_key_with_two_names(self):
        assert "key_reused" in codes(make.root("One", key=make.ec_key("k")), make.root("Two", key=make.ec_key("k")))

    def test_warns_about_a_serial_number_given_twice(self):
        top = make.root()
        issued = [make.policy_ca(top, f"Policy {n}", serial=77) for n in range(2)]

        assert "serial_reused" in codes(top, *issued)

    def test_finds_keys_that_share_a_prime(self):
        numbers = [make.rsa_key(2048, name).private_numbers() for name in ("a", "b")]
        shared = [numbers[0].p * numbers[0].q, numbers[0].p * numbers[1].q]
        keys = [rsa_public(one) for one in shared]

        made = [make.root(f"R{n}", public_key=key, signing_key=make.rsa_key(2048)) for n, key in enumerate(keys)]

        assert "shared_prime" in codes(*made)


class TestReviewIsIndependentOfOrder:
    def test_gives_the_same_findings_for_any_order_and_repeats(self):
        made = make.hierarchy(guide=True)

        assert findings(*made.cas) == findings(made.issuing, made.root, made.policy, made.root)
