"""One deviation that no library would make, or that needs a tool of its own, one finding."""

import subprocess
import tempfile
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed448, padding

from tests.makers import certificate_parts as raw
from tests.makers import certificates as make
from tests.moments import EVERYTHING_VALID as NOW
from trust.pki import der as tlv
from trust.pki import key_checks, set_rules
from trust.pki.ca_rules import review
from trust.pki.certificate_set import CertificateSet
from trust.pki.certificates import read_certificate
from trust.pki.chains import build_chains
from trust.pki.crl import read_crl
from trust.pki.crl_rules import check_crls
from trust.pki.findings import Severity

ROOT = make.root()
EC_SHA384 = bytes.fromhex("300a06082a8648ce3d040303")


def codes(*ders: bytes) -> set[str]:
    found = review(CertificateSet.of(read_certificate(each) for each in ders), now=NOW).findings
    return {finding.code for finding in found}


class TestOneRoot:
    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            pytest.param({"version": None, "extensions": None}, "old_version", id="version 1"),
            pytest.param({"version": None}, "old_version", id="version 1 with extensions"),
            pytest.param({"serial": raw.integer(0)}, "serial_not_positive", id="serial zero"),
            pytest.param({"serial": raw.integer(-77)}, "serial_not_positive", id="serial negative"),
            pytest.param({"serial": raw.integer(2**160 + 1)}, "serial_too_long", id="serial of 21 octets"),
            pytest.param({"serial": raw.integer(2**7990)}, "serial_too_long", id="serial of 1,000 octets"),
            pytest.param(
                {"validity": raw.validity("20250101000000Z", "20440101000000Z", raw.GENERALIZED_TIME)},
                "wrong_time_form",
                id="GeneralizedTime before 2050",
            ),
            pytest.param({"validity": raw.validity("260101000000Z", "250101000000Z")}, "dates_reversed", id="dates"),
            pytest.param({"outer_algorithm": EC_SHA384}, "signature_algorithms_differ", id="algorithms"),
        ],
    )
    def test_has_the_one_deviation(self, changes, code):
        assert code not in codes(ROOT.der)
        assert code in codes(raw.spoiled(ROOT, **changes))

    def test_is_of_the_public_web(self):
        first = x509.load_pem_x509_certificates(Path(certifi.where()).read_bytes())[0]

        assert "public_web_root" in codes(first.public_bytes(make.Encoding.DER))


def openssl_takes(der: bytes) -> bool:
    """Say whether the program takes a root as the anchor of itself, which it does only for a CA that it can read."""
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(make.pem("CERTIFICATE", der))
        file.flush()
        asked = [
            "openssl",
            "verify",
            "-no-CApath",
            "-no-CAstore",
            "-CAfile",
            file.name,
            "-attime",
            str(int(NOW.timestamp())),
        ]
        return subprocess.run([*asked, file.name], capture_output=True, check=False).returncode == 0


class TestWhatOpensslReads:
    """The program is asked in each test too, so that these say what is so, and not what we think."""

    @pytest.mark.parametrize(
        ("der", "reason"),
        [
            pytest.param(
                raw.named(ROOT, 26), "the subject holds a value of the kind VisibleString", id="VisibleString"
            ),
            pytest.param(raw.named(ROOT, 4), "the subject holds a value of the kind OCTET STRING", id="octets"),
            pytest.param(raw.named(ROOT, 23), "the subject holds a value of the kind UTCTime", id="time"),
            pytest.param(raw.named(ROOT, 24), "the subject holds a value of the kind GeneralizedTime", id="long time"),
            pytest.param(
                make.root(
                    extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.7"), b"0!"), False)]
                ).der,
                "it drops the certificate for an extension that it cannot decode",
                id="address blocks",
            ),
            pytest.param(
                make.root(
                    extensions=[
                        (x509.UnrecognizedExtension(x509.ObjectIdentifier("2.16.840.1.113730.1.1"), b"!"), False)
                    ]
                ).der,
                "it drops the certificate for an extension that it cannot decode",
                id="Netscape type",
            ),
        ],
    )
    def test_what_it_refuses_is_refused(self, der, reason):
        found = review(CertificateSet.of([read_certificate(der), ROOT.facts]), now=NOW).findings

        assert not openssl_takes(der)
        refusing = [each for each in found if each.severity is Severity.REFUSE]
        assert [(each.code, each.certificate_sha256) for each in refusing] == [
            ("openssl_refuses", read_certificate(der).sha256)
        ]
        assert refusing[0].sentence.endswith(f": {reason}.")

    @pytest.mark.parametrize(
        "der",
        [
            pytest.param(raw.named(ROOT, 12), id="UTF8String"),
            pytest.param(raw.named(ROOT, 18, b"12345"), id="NumericString"),
            pytest.param(raw.named(ROOT, 19), id="PrintableString"),
            pytest.param(raw.named(ROOT, 20), id="T61String"),
            pytest.param(raw.named(ROOT, 22), id="IA5String"),
            pytest.param(raw.named(ROOT, 28, "Alder".encode("utf-32-be")), id="UniversalString"),
            pytest.param(raw.named(ROOT, 30, "Alder".encode("utf-16-be")), id="BMPString"),
        ],
    )
    def test_what_it_takes_is_taken(self, der):
        assert openssl_takes(der)
        assert "openssl_refuses" not in codes(der)


class TestKeys:
    def test_that_spell_out_their_curve(self, tmp_path):
        key = tmp_path / "key.pem"
        options = ["-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"]
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", *options, "-out", key], check=True)
        asked = ["openssl", "req", "-x509", "-new", "-key", key, "-subj", "/CN=Root", "-outform", "DER"]
        der = subprocess.run(asked, check=True, capture_output=True).stdout

        assert "explicit_curve" in codes(der)

    def test_of_a_type_that_is_not_taken(self, tmp_path):
        parameters, key = tmp_path / "parameters.pem", tmp_path / "key.pem"
        for asked in (
            ["openssl", "genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:2048"],
            ["openssl", "genpkey", "-paramfile", parameters],
        ):
            target = key if "-paramfile" in asked else parameters
            subprocess.run([*asked, "-out", target], check=True, capture_output=True)
        asked = ["openssl", "req", "-x509", "-new", "-key", key, "-subj", "/CN=Root", "-outform", "DER"]
        der = subprocess.run(asked, check=True, capture_output=True).stdout

        assert "key_type_not_allowed" in codes(der)


class TestSignatures:
    def test_by_an_algorithm_that_is_not_everywhere(self):
        made = make.root(key=ed448.Ed448PrivateKey.generate(), digest=None)

        assert {"key_type_uncommon", "signature_algorithm_uncommon"} & codes(made.der)

    def test_with_rsa_pss(self):
        key = make.rsa_key(3072)
        builder = make.root(key=key).certificate
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        copy = x509.CertificateBuilder(
            issuer_name=builder.issuer,
            subject_name=builder.subject,
            public_key=builder.public_key(),
            serial_number=builder.serial_number,
            not_valid_before=builder.not_valid_before_utc,
            not_valid_after=builder.not_valid_after_utc,
            extensions=list(builder.extensions),
        ).sign(key, hashes.SHA256(), rsa_padding=pss)

        assert "signature_algorithm_uncommon" in codes(copy.public_bytes(make.Encoding.DER))


class TestChains:
    def test_have_a_serial_number_that_can_be_guessed(self):
        top = make.root()
        policy = make.policy_ca(top)
        guessed = raw.spoiled(policy, signing_key=top.key, serial=raw.integer(12))

        assert "serial_predictable" not in codes(top.der, policy.der)
        assert "serial_predictable" in codes(top.der, guessed)

    def test_begin_before_their_issuer(self):
        top = make.root()

        assert "starts_before_issuer" in codes(top.der, make.policy_ca(top, not_before=NOW - 9 * make.DAY).der)


class TestBudgets:
    def test_end_the_search_for_issuers(self):
        twins = [make.root("Twin", key=make.ec_key(f"twin {number}")) for number in range(4)]
        certificates = CertificateSet.of(one.facts for one in [*twins, make.policy_ca(twins[-1])])

        found = set_rules.check_chains(certificates, build_chains(certificates, budget=2))

        assert "chain_budget" in {one.code for one in found}

    def test_end_the_search_for_shared_primes(self, monkeypatch):
        monkeypatch.setattr(key_checks, "_RSA_KEYS_COMPARED", 1)
        roots = [make.root(f"Root {bits}", key=make.rsa_key(bits)).der for bits in (2048, 3072)]

        assert "shared_prime_not_searched" in codes(*roots)


class TestCrls:
    RSA_ROOT = make.root(key=make.rsa_key(2048))

    def codes(self, crl: bytes) -> set[str]:
        return {one.code for one in check_crls([read_crl(crl)], CertificateSet.of([self.RSA_ROOT.facts]), now=NOW)}

    def test_are_content_with_a_good_one(self):
        assert self.codes(make.crl(self.RSA_ROOT)) == set()

    def test_without_a_next_update(self):
        assert "crl_no_next_update" in self.codes(self.resigned(hashes.SHA256(), drop=4))

    @pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.MD5()], ids=["SHA-1", "MD5"])
    def test_with_a_weak_signature(self, digest):
        assert "crl_weak_signature" in self.codes(self.resigned(digest))

    def resigned(self, digest: hashes.HashAlgorithm, *, drop: int | None = None) -> bytes:
        """A CRL of the root, signed again with ``digest``, without its part number ``drop``."""
        signed = tlv.read_exactly(make.crl(self.RSA_ROOT), raw.SEQUENCE).children()[0]
        found = [signed.content[one.start : one.end] for one in signed.children()]
        last = {"sha256": 0x0B, "sha1": 0x05, "md5": 0x04}[digest.name]
        algorithm = bytes.fromhex("300d06092a864886f70d0101") + bytes([last]) + b"\x05\x00"
        found[1] = algorithm
        body = raw.element(raw.SEQUENCE, *(part for number, part in enumerate(found) if number != drop))
        signature = self.RSA_ROOT.key.sign(body, padding.PKCS1v15(), digest)
        return raw.element(raw.SEQUENCE, body, algorithm, raw.element(raw.BIT_STRING, b"\0", signature))
