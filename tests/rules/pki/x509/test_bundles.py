"""Every form of upload gives the same set; whatever is not taken is accounted for."""

import base64
import gzip
import json
import subprocess
import tarfile

import certifi
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.makers import certificates as make
from tests.makers.packages import guide_members, tarred, zipped
from trust.pki.bundles import Outcome, read_bundle
from trust.pki.certificate_set import CertificateSet
from trust.pki.findings import refuses

MADE = make.hierarchy()
WANTED = [one.sha256 for one in MADE.cas]
CERTIFICATES = [one.certificate for one in MADE.cas]


def jwks(*entries: object) -> bytes:
    return json.dumps({"keys": entries, "spiffe_sequence": 3}).encode()


def entry(made: make.Made, **more: object) -> dict[str, object]:
    return {"kty": "EC", "use": "x509-svid", "x5c": [base64.b64encode(made.der).decode()], **more}


FORMS = {
    "pem": MADE.bundle,
    "pkcs7": pkcs7.serialize_certificates(CERTIFICATES, Encoding.DER),
    "jwks": jwks(*(entry(one) for one in MADE.cas)),
    "zip": zipped({f"{number}.pem": one.pem for number, one in enumerate(MADE.cas)}),
    "tar": tarred({f"{number}.crt": one.der for number, one in enumerate(MADE.cas)}),
    "tar.gz": tarred({"package/chain.pem": MADE.bundle}, mode="w:gz"),
}


def codes(content: bytes) -> set[str]:
    return {finding.code for finding in read_bundle(content).findings}


class TestReadBundle:
    @pytest.mark.parametrize(("container", "content"), FORMS.items(), ids=FORMS.keys())
    def test_reads_the_same_set_from_every_form(self, container, content):
        reading = read_bundle(content)

        assert reading.container == container
        assert [one.sha256 for one in reading.certificates] == WANTED
        assert reading.findings == ()

    def test_reads_one_der_certificate(self):
        reading = read_bundle(MADE.root.der, filename_hint="root.cer")

        assert reading.container == "der"
        assert [(one.name, one.outcome) for one in reading.members] == [("root.cer", Outcome.USED)]

    def test_reads_pkcs7_in_pem(self):
        reading = read_bundle(pkcs7.serialize_certificates(CERTIFICATES, Encoding.PEM))

        assert [one.sha256 for one in reading.certificates] == WANTED

    def test_reads_pkcs7_of_openssl_with_a_crl(self, tmp_path):
        (tmp_path / "chain.pem").write_bytes(MADE.bundle)
        (tmp_path / "list.der").write_bytes(make.crl(MADE.root))
        asked = [
            "openssl",
            "crl2pkcs7",
            "-in",
            "list.der",
            "-inform",
            "DER",
            "-certfile",
            "chain.pem",
            "-outform",
            "DER",
        ]
        made = subprocess.run(asked, cwd=tmp_path, check=True, capture_output=True).stdout

        reading = read_bundle(made)

        assert [one.sha256 for one in reading.certificates] == WANTED
        assert len(reading.crls) == 1

    def test_reads_crls_beside_certificates(self):
        reading = read_bundle(MADE.bundle + make.pem("X509 CRL", make.crl(MADE.root, number=7)))

        assert [one.number for one in reading.crls] == [7]

    def test_counts_repeats_once_and_says_so(self):
        reading = read_bundle(MADE.bundle + MADE.root.pem)

        assert len(reading.certificates) == 3
        assert [one.code for one in reading.findings] == ["duplicate_certificate"]

    def test_takes_the_old_label_and_says_so(self):
        assert codes(make.pem("X509 CERTIFICATE", MADE.root.der)) == {"pem_legacy_label"}

    def test_reads_the_roots_of_the_public_web(self):
        reading = read_bundle(certifi.contents().encode())

        assert len(reading.certificates) == certifi.contents().count("BEGIN CERTIFICATE")
        assert not reading.refused

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            pytest.param(b"", "empty_upload", id="nothing"),
            pytest.param(b"hello", "unknown_format", id="text"),
            pytest.param(b"<html>not found</html>", "unknown_format", id="an error page"),
            pytest.param(b"\x30\x03\x02\x01\x05", "certificate_unreadable", id="other DER"),
            pytest.param(MADE.root.der + b"\n", "certificate_unreadable", id="a line end behind DER"),
            pytest.param(make.pem("TRUSTED CERTIFICATE", MADE.root.der), "pem_foreign_label", id="TRUSTED CERTIFICATE"),
            pytest.param(MADE.bundle + make.pem("CERTIFICATE REQUEST", b"x"), "pem_foreign_label", id="CSR"),
            pytest.param(MADE.bundle + make.pem("PUBLIC KEY", MADE.root.spki), "pem_foreign_label", id="public key"),
            pytest.param(make.pem("X509 CRL", make.crl(MADE.root)), "no_certificates", id="only a CRL"),
            pytest.param(make.pem("X509 CRL", MADE.root.der), "crl_unreadable", id="certificate labeled CRL"),
            pytest.param(b"x" * (10 * 1024 * 1024 + 1), "upload_too_large", id="too large"),
            pytest.param(jwks(), "no_certificates", id="empty JWKS"),
            pytest.param(jwks(entry(MADE.root, x5c=[])), "jwks_unreadable", id="empty x5c"),
            pytest.param(jwks(entry(MADE.root, x5c=["*"])), "jwks_unreadable", id="broken x5c"),
            pytest.param(jwks("x"), "jwks_unreadable", id="entry that is no object"),
            pytest.param(b'{"keys": [], "keys": []}', "jwks_unreadable", id="repeated member"),
            pytest.param(b"{" + b"[" * 100_000, "jwks_unreadable", id="100,000 brackets"),
            pytest.param(make.pem("PKCS7", b"\x30\x03\x02\x01\x01"), "pkcs7_unreadable", id="broken PKCS#7"),
        ],
    )
    def test_refuses_what_is_no_bundle(self, content, code):
        reading = read_bundle(content)

        assert code in {one.code for one in reading.findings}
        assert reading.refused

    def test_ignores_other_keys_of_a_spiffe_bundle(self):
        reading = read_bundle(jwks(entry(MADE.root), {"kty": "EC", "use": "jwt-svid"}))

        assert [one.code for one in reading.findings] == ["jwks_entry_ignored"]
        assert len(reading.certificates) == 1

    def test_refuses_pkcs7_that_is_signed(self):
        builder = (
            pkcs7.PKCS7SignatureBuilder()
            .set_data(b"data")
            .add_signer(MADE.leaf.certificate, MADE.leaf.key, make.hashes.SHA256())
        )

        assert codes(builder.sign(Encoding.DER, [])) == {"pkcs7_signed_content"}

    def test_refuses_the_whole_file_for_one_broken_block_and_names_it(self):
        broken = make.pem("CERTIFICATE", MADE.issuing.der[:-1])

        (finding,) = read_bundle(MADE.bundle + broken, filename_hint="chain.pem").findings

        assert finding.code == "certificate_unreadable"
        assert finding.sentence.startswith("Block 4 (line")


class TestReadBundleOfAPackage:
    @pytest.mark.parametrize("prefix", ["", "trust-package-birch/"])
    def test_accounts_for_every_member_of_the_guides_layout(self, prefix):
        reading = read_bundle(tarred({prefix + name: content for name, content in guide_members(MADE).items()}))

        assert not reading.findings
        assert {one.name.removeprefix(prefix): one.reason for one in reading.members} == {
            "root-ca-cert.pem": "pem",
            "intermediate-ca-cert.pem": "pem",
            "crl/intermediate-ca.crl": "der",
            "crl/issuing-ca.crl": "der",
            "ocsp/endpoints.json": "OCSP endpoints",
            "policy-document.md": "policy document",
        }
        assert len(reading.crls) == 2
        assert set(reading.documents) == {prefix + "ocsp/endpoints.json", prefix + "policy-document.md"}

    def test_names_what_it_ignores(self):
        reading = read_bundle(zipped(guide_members(MADE) | {"README": b"hello", ".DS_Store": b"x"}))

        ignored = {one.name for one in reading.members if one.outcome is Outcome.IGNORED}
        assert ignored == {"README", ".DS_Store"}
        assert [one.code for one in reading.findings] == ["archive_unknown_member"]

    def test_keeps_sample_service_certificates_apart(self):
        reading = read_bundle(zipped(guide_members(MADE) | {"samples/orders.pem": MADE.leaf.pem}))

        assert [one.sha256 for one in reading.samples] == [MADE.leaf.sha256]
        assert MADE.leaf.facts not in reading.certificates

    @pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    def test_takes_the_ordinary_forms_of_tar(self, form):
        assert not read_bundle(tarred(guide_members(MADE), form=form)).findings

    @pytest.mark.parametrize("command", [["tar", "cf", "-"], ["tar", "czf", "-"], ["tar", "--format=pax", "-cf", "-"]])
    def test_takes_what_the_tar_tool_makes_of_a_folder(self, tmp_path, command):
        for name, content in guide_members(MADE).items():
            path = tmp_path / "trust-package" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        made = subprocess.run([*command, "trust-package"], cwd=tmp_path, check=True, capture_output=True).stdout

        reading = read_bundle(made)

        assert reading.findings == ()
        assert len(reading.members) == 6

    def test_refuses_one_compressed_file_that_is_no_package(self):
        assert "archive_unknown_member" in codes(gzip.compress(MADE.bundle))


class TestCertificateSet:
    @given(st.permutations([*MADE.cas, MADE.leaf, MADE.root]))
    def test_does_not_depend_on_order_or_repeats(self, made):
        assert [one.sha256 for one in CertificateSet.of(one.facts for one in made)] == [*WANTED, MADE.leaf.sha256]

    def test_puts_strangers_last(self):
        stranger = make.policy_ca(make.root("Nobody"), "Orphan")

        ordered = CertificateSet.of([stranger.facts, MADE.policy.facts, MADE.root.facts])

        assert [one.sha256 for one in ordered] == [MADE.root.sha256, MADE.policy.sha256, stranger.sha256]


class TestReadBundleSurvives:
    @settings(max_examples=300, deadline=None)
    @given(st.sampled_from(list(FORMS.values())), st.data())
    def test_changed_octets(self, content, data):
        spoiled = bytearray(content)
        for _ in range(data.draw(st.integers(1, 4))):
            spoiled[data.draw(st.integers(0, len(spoiled) - 1))] = data.draw(st.integers(0, 255))

        reading = read_bundle(bytes(spoiled))

        assert len(reading.certificates) <= 3
        assert reading.members or refuses(reading.findings)

    @settings(max_examples=200, deadline=None)
    @given(st.sampled_from(list(FORMS.values())), st.binary(max_size=40), st.integers(0, 5000))
    def test_inserted_octets(self, content, noise, place):
        read_bundle(content[:place] + noise + content[place:])
