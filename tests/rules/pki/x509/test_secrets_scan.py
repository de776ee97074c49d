"""A private key is found wherever it hides."""

import base64
import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
import time
import zipfile

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)

from tests.makers import certificates as make
from tests.makers import openpgp
from trust.pki.secrets_scan import scan

TRADITIONAL, PKCS8, OPENSSH = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8, PrivateFormat.OpenSSH
CA = make.policy_ca()
RSA_CA = make.root(key=make.rsa_key(2048))
BUNDLE = make.hierarchy().bundle
DSA = dsa.generate_private_key(1024)


def spki_sha256(made: make.Made) -> str:
    return made.facts.spki_sha256


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(**members: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def java_store() -> bytes:
    return struct.pack(">LLL", 0xFEEDFEED, 2, 1) + struct.pack(">L", 1) + b"\x00\x01x" + bytes(200)


def key_store(password: bytes) -> bytes:
    return pkcs12.serialize_key_and_certificates(b"ca", CA.key, CA.certificate, None, BestAvailableEncryption(password))


def dsa_key(encoding: Encoding, form: PrivateFormat) -> bytes:
    return DSA.private_bytes(encoding, form, NoEncryption())


def jwk(**more: str) -> bytes:
    return json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", **more}]}).encode()


FORMS = {
    "PKCS#8 PEM": CA.key_pem(),
    "SEC1 PEM": CA.key_pem(form=TRADITIONAL),
    "PKCS#1 PEM": RSA_CA.key_pem(form=TRADITIONAL),
    "OpenSSH": CA.key_pem(form=OPENSSH),
    "encrypted PKCS#8 PEM": CA.key_pem(password=b"secret"),
    "encrypted traditional PEM": RSA_CA.key_pem(form=TRADITIONAL, password=b"secret"),
    "DSA PEM": dsa_key(Encoding.PEM, TRADITIONAL),
    "PKCS#8 DER": CA.key_der(),
    "SEC1 DER, cut off": CA.key_der(form=TRADITIONAL)[:-20],
    "SEC1 DER": CA.key_der(form=TRADITIONAL),
    "PKCS#1 DER": RSA_CA.key_der(form=TRADITIONAL),
    "PKCS#8 DER with RSA": RSA_CA.key_der(),
    "DSA DER": dsa_key(Encoding.DER, TRADITIONAL),
    "DSA PKCS#8 DER": dsa_key(Encoding.DER, PKCS8),
    "Ed25519 DER": ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.DER, PKCS8, NoEncryption()),
    "encrypted PKCS#8 DER": CA.key_der(password=b"secret"),
    "PKCS#12": key_store(b"secret"),
    "JKS": java_store(),
    "PuTTY": b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n",
    "private JWK": jwk(d="AAAA"),
}


class TestScanFinds:
    @pytest.mark.parametrize("key", FORMS.values(), ids=FORMS.keys())
    def test_each_kind_of_key_alone(self, key):
        assert scan(key).secrets

    @pytest.mark.parametrize("key", FORMS.values(), ids=FORMS.keys())
    def test_each_kind_of_key_in_a_nested_archive(self, key):
        report = scan(gzip.compress(tarred(**{"inner.zip": zipped(**{"ca.pem": BUNDLE, "notes.txt": key})})))

        assert [one.member for one in report.secrets][:1] == ["inner.zip/notes.txt"]

    @pytest.mark.parametrize("key", [FORMS["PKCS#8 DER"], FORMS["PKCS#1 DER"], FORMS["PKCS#8 PEM"], FORMS["PKCS#12"]])
    @pytest.mark.parametrize(
        "hide",
        [
            pytest.param(lambda key: BUNDLE + make.pem("CERTIFICATE", key), id="under the label of a certificate"),
            pytest.param(lambda key: BUNDLE + key, id="behind the bundle"),
            pytest.param(lambda key: CA.der + key, id="behind a DER certificate"),
            pytest.param(lambda key: b"tls.key: " + base64.b64encode(key) + b"\n", id="in YAML as base64"),
            pytest.param(lambda key: base64.encodebytes(key), id="as lines of base64"),
            pytest.param(lambda key: json.dumps({"a": base64.b64encode(key).decode()}).encode(), id="in JSON"),
            pytest.param(lambda key: base64.b64encode(gzip.compress(key + bytes(40))), id="compressed and encoded"),
        ],
    )
    def test_a_hidden_key(self, key, hide):
        assert scan(hide(key)).secrets

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
    def test_a_key_in_wide_text(self, encoding):
        assert scan(FORMS["PKCS#8 PEM"].decode().encode(encoding)).secrets

    @pytest.mark.parametrize(
        "label",
        ["-----BEGIN  PRIVATE KEY-----", "-----begin private key-----", "----BEGIN RSA PRIVATE KEY----"],
    )
    def test_a_label_that_is_not_written_exactly(self, label):
        assert scan(f"{label}\nAAAA\n".encode()).secrets

    def test_openpgp_secret_keys_in_both_forms(self):
        holder = openpgp.make_holder()

        armored = openpgp.gpg("--armor", "--export-secret-keys", holder.fingerprint)
        binary = openpgp.gpg("--export-secret-keys", holder.fingerprint)

        assert scan(armored).secrets
        assert scan(binary).secrets
        assert scan(armored.replace(b"PRIVATE KEY BLOCK", b"MESSAGE")).secrets


class TestScanSays:
    def test_line_kind_public_hash_and_certificate(self):
        report = scan(BUNDLE + CA.pem + CA.key_pem(form=TRADITIONAL))

        (secret,) = report.secrets
        assert secret.kind == "EC private key (SEC1)"
        assert secret.line == (BUNDLE + CA.pem).count(b"\n") + 1
        assert secret.public_spki_sha256 == spki_sha256(CA)
        assert secret.matches_certificate_subject == "Alder Policy CA"

    @pytest.mark.parametrize("form", ["PKCS#8 PEM", "SEC1 DER", "OpenSSH"])
    def test_the_public_hash_wherever_it_can_be_told(self, form):
        assert scan(FORMS[form]).secrets[0].public_spki_sha256 == spki_sha256(CA)

    def test_nothing_of_the_key_itself(self):
        key = CA.key_pem()

        said = repr(scan(key)) + repr(scan(key).findings())

        assert key.splitlines()[1].decode()[:16] not in said


class TestScanPasses:
    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(BUNDLE, id="a bundle"),
            pytest.param(CA.der, id="a certificate"),
            pytest.param(make.crl(CA), id="a CRL"),
            pytest.param(zipped(**{"root-ca-cert.pem": BUNDLE}), id="a package"),
            pytest.param(jwk(use="x509-svid"), id="a public JWK"),
            pytest.param(b"Never send the BEGIN PRIVATE KEY part.", id="words about keys"),
            pytest.param(
                CA.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), id="a public key"
            ),
            pytest.param(b"", id="nothing"),
        ],
    )
    def test_what_holds_no_key(self, content):
        assert scan(content).clean

    def test_an_openpgp_public_key(self):
        holder = openpgp.make_holder()

        assert scan(openpgp.gpg("--export", holder.fingerprint)).clean


class TestScanIsHonest:
    def test_about_nesting_that_it_did_not_follow(self):
        content = BUNDLE
        for _ in range(6):
            content = gzip.compress(content)

        assert not scan(content).complete

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"# note\n" + zipped(**{"a.pem": BUNDLE}), id="a zip behind text"),
            pytest.param(BUNDLE + gzip.compress(BUNDLE), id="gzip behind a bundle"),
            pytest.param(bz2.compress(BUNDLE), id="bzip2"),
            pytest.param(lzma.compress(BUNDLE), id="xz"),
            pytest.param(b"7z\xbc\xaf\x27\x1c" + bytes(30), id="7-Zip"),
        ],
    )
    def test_about_packed_data_that_it_does_not_open(self, content):
        assert not scan(content).complete

    def test_about_archives_that_it_could_not_read(self):
        broken = bytearray(zipped(**{"a.pem": BUNDLE}))
        broken[30] ^= 1

        report = scan(bytes(broken))

        assert not report.clean
        assert [one.code for one in report.findings()] == ["not_fully_scanned"]


class TestScanCosts:
    @pytest.mark.parametrize(
        "content",
        [
            pytest.param((base64.b64encode(bytes(45)) + b":") * 15_000, id="many encoded parts"),
            pytest.param(b"-----BEGIN PRIVATE KEY-----\n" * 30_000, id="many labels"),
            pytest.param(CA.key_der() * 6_000, id="many DER keys"),
            pytest.param(b"A" * 900_000, id="one long run"),
            pytest.param(b"\x30\x82\x01" * 300_000, id="many beginnings"),
            pytest.param(b"{" * 900_000 + b'"kty"', id="many braces"),
        ],
    )
    def test_time_that_grows_no_faster_than_the_file(self, content):
        started = time.process_time()

        scan(content)

        assert time.process_time() - started < 5
