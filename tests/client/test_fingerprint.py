"""``trustx fingerprint``: what it prints is what openssl, gpg and the portal say."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7

from tests.makers.openpgp import make_holder
from trust.pki import fingerprints, pgp_words

CLIENT = Path(__file__).resolve().parents[2] / "client"


@pytest.fixture(scope="module")
def trustx():
    sys.path.insert(0, str(CLIENT))
    from trustx import cli, fingerprint
    from trustx import pgp_words as words

    yield type("Trustx", (), {"cli": cli, "fingerprint": fingerprint, "words": words})
    sys.path.remove(str(CLIENT))


@pytest.fixture(scope="module")
def certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Root CA \u202eG2")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )


def run(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "trustx", *map(str, arguments)], cwd=CLIENT, capture_output=True, text=True
    )


class TestACertificate:
    @pytest.mark.parametrize("form", ["pem", "der", "p7b"])
    def test_has_the_fingerprint_that_openssl_prints(self, tmp_path, certificate, form):
        path, pem = tmp_path / f"root.{form}", tmp_path / "root.pem.x"
        pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        path.write_bytes(
            {
                "pem": lambda: certificate.public_bytes(serialization.Encoding.PEM),
                "der": lambda: certificate.public_bytes(serialization.Encoding.DER),
                "p7b": lambda: pkcs7.serialize_certificates([certificate], serialization.Encoding.PEM),
            }[form]()
        )

        printed = run("fingerprint", path).stdout

        openssl = subprocess.run(
            ["openssl", "x509", "-in", pem, "-noout", "-fingerprint", "-sha256"], capture_output=True, text=True
        ).stdout
        expected = openssl.split("=")[1].strip().replace(":", "").lower()
        shown = "".join(line.strip() for line in printed.splitlines()[3:7]).replace(" ", "").lower()
        assert shown == expected
        assert "\u202e" not in printed

    def test_is_said_as_the_portal_says_it(self, tmp_path, certificate):
        path = tmp_path / "root.der"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.DER))
        value = certificate.fingerprint(hashes.SHA256()).hex()

        lines = run("fingerprint", path).stdout.splitlines()[8:24]

        words = fingerprints.words(value)
        for number, (line, group) in enumerate(zip(lines, fingerprints.groups(value), strict=True)):
            assert line.split() == [
                str(number + 1),
                group,
                *fingerprints.spoken(group).split(),
                *words[2 * number : 2 * number + 2],
            ]

    def test_among_several_is_printed_each(self, tmp_path, certificate):
        path = tmp_path / "bundle.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) * 3)

        assert run("fingerprint", path).stdout.count("16 groups of 4") == 3


class TestAnOpenPgpKey:
    @pytest.mark.parametrize("algorithm", ["ed25519", "rsa3072"])
    @pytest.mark.parametrize("armored", [True, False])
    def test_has_the_fingerprint_that_gpg_prints(self, tmp_path, trustx, algorithm, armored):
        holder = make_holder("Reader", algorithm=algorithm)
        content = holder.public_block()
        if not armored:
            content = trustx.fingerprint._armored(content)[0]
        path = tmp_path / "key"
        path.write_bytes(content)

        answer = run("fingerprint", path)

        assert answer.returncode == 0, answer.stderr
        shown = "".join(answer.stdout.splitlines()[3:6]).replace(" ", "").lower()
        assert shown == holder.fingerprint.lower()
        assert "10 groups of 4" in answer.stdout

    def test_of_version_6_has_the_fingerprint_of_the_standard(self, trustx):
        """The sample certificate of RFC 9580, appendix A.3."""
        body = bytes.fromhex("0663877fe31b00000020f94da7bb48d60a61e567706a6587d0331999bb9d891a08242ead84543df895a3")
        packet = bytes([0xC6, len(body)]) + body

        assert (
            trustx.fingerprint.read(packet)[0].hex == "cb186c4f0609a697e4d52dfa6c722b0c1f1e27c18a56708f6525ec27bad9acc9"
        )


class TestWhatCannotBeRead:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"hello",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n????\n-----END PGP PUBLIC KEY BLOCK-----\n",
            b"\x99",
            b"\xc6\xff\xff\xff\xff\xff",
            b"\xc6\xe1\x00",
            b"\x99\x00\x03\x03\x00\x00",
        ],
    )
    def test_is_said_in_a_sentence(self, tmp_path, content):
        path = tmp_path / "file"
        path.write_bytes(content)

        answer = run("fingerprint", path)

        assert answer.returncode == 2
        assert "Traceback" not in answer.stderr
        assert answer.stdout == ""

    def test_a_private_key_is_not_echoed(self, tmp_path):
        holder = make_holder("Reader")
        path = tmp_path / "secret.asc"
        path.write_bytes(holder.secret_block())

        answer = run("fingerprint", path)

        assert answer.returncode == 2
        assert "PGP" not in answer.stdout


def test_the_word_list_is_the_portals(trustx):
    assert (trustx.words.EVEN_WORDS, trustx.words.ODD_WORDS) == (pgp_words.EVEN_WORDS, pgp_words.ODD_WORDS)


def test_nothing_but_the_standard_library_and_cryptography_is_imported():
    names = set()
    for path in (CLIENT / "trustx").glob("fingerprint.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith(("import ", "from ")):
                names.add(line.split()[1].split(".")[0])

    assert names - set(sys.stdlib_module_names) == {"cryptography", "trustx"}


def test_ends_in_peace_when_nobody_reads_on(tmp_path, certificate):
    file = tmp_path / "root.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    command = [sys.executable, "-m", "trustx", "fingerprint", *[str(file)] * 200]

    with subprocess.Popen(command, cwd=CLIENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read()

    assert (running.returncode, said) == (0, b"")
