"""Reading one certificate: every field once, and no exception but one."""

import pickle
import subprocess
from datetime import UTC

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.makers import certificates as make
from trust.pki.certificates import Unreadable, read_certificate
from trust.pki.display import Mark


class TestReadCertificate:
    def test_reads_a_root(self):
        made = make.root()

        facts = made.facts

        assert facts.sha256 == made.sha256
        assert str(facts.subject) == "CN=Alder Root CA, OU=Security, O=Alder Inc, C=US"
        assert facts.subject.common_name == "Alder Root CA"
        assert (facts.is_ca, facts.path_length, facts.is_root, facts.version) == (True, 2, True, 3)
        assert facts.key_usage == {"key_cert_sign", "crl_sign"}
        assert str(facts.public_key) == "EC P-256"
        assert facts.signature_digest == "sha256"
        assert facts.not_after.tzinfo is UTC
        assert facts.serial == f"{made.certificate.serial_number:x}"

    def test_reads_a_service_certificate(self):
        issuer = make.issuing_ca()

        facts = make.leaf(issuer).facts

        assert not facts.is_ca
        assert not facts.self_issued
        assert facts.extended_key_usage == ("clientAuth", "serverAuth")
        assert facts.alternative_names == ("DNS:orders.alder.example", "URI:spiffe://alder.example/prod/orders")
        assert facts.authority_key_identifier == issuer.facts.subject_key_identifier

    def test_agrees_with_openssl(self):
        made = make.hierarchy().policy
        asked = ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-serial", "-subject", "-nameopt", "RFC2253"]

        said = subprocess.run(asked, input=made.pem, capture_output=True, check=True).stdout.decode()

        facts = made.facts
        assert facts.sha256.upper() in said.replace(":", "")
        assert int(said.split("serial=")[1].split()[0], 16) == int(facts.serial, 16)
        assert str(facts.subject).replace(", ", ",") in said

    def test_keeps_serial_numbers_of_any_length_as_text(self):
        serial = 2**159 - 5

        assert make.root(serial=serial).facts.serial == f"{serial:x}"

    @pytest.mark.parametrize(
        ("text", "shown", "mark"),
        [
            ("Alder\x00Root", "Alder<U+0000>Root", Mark.CONTROL),
            ("Alder\nRoot", "Alder<U+000A>Root", Mark.CONTROL),
            ("Alder\x1b[2J", "Alder<U+001B>[2J", Mark.CONTROL),
            ("Alder \u202etooR", "Alder <U+202E>tooR", Mark.DIRECTION),
            ("Alder\u200bRoot", "Alder<U+200B>Root", Mark.ZERO_WIDTH),
            ("\u0410lder", "<U+0410>lder", Mark.MIXED_SCRIPT),
            ("M\u00fcller", "M<U+00FC>ller", Mark.NOT_ASCII),
        ],
    )
    def test_spells_out_what_is_not_plain_in_a_name(self, text, shown, mark):
        subject = make.root(text).facts.subject

        assert subject.common_name == shown
        assert mark in subject.marks

    def test_escapes_cannot_be_imitated(self):
        assert make.root("<U+0041>, O=Other").facts.subject.common_name == r"\<U\+0041\>\, O\=Other"

    def test_is_a_value_that_can_be_sent_to_another_process(self):
        facts = make.root().facts

        copy = pickle.loads(pickle.dumps(facts))

        assert copy == facts
        assert hash(copy) == hash(facts)
        assert "BEGIN" not in repr(facts)

    def test_sees_explicit_curve_parameters(self, tmp_path):
        key, certificate = tmp_path / "key.pem", tmp_path / "certificate.der"
        explicit = ["-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"]
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", *explicit, "-out", key], check=True)
        request = ["openssl", "req", "-x509", "-new", "-key", key, "-subj", "/CN=x", "-outform", "DER"]
        subprocess.run([*request, "-out", certificate], check=True, capture_output=True)

        assert read_certificate(certificate.read_bytes()).public_key.explicit_curve

    def test_knows_keys_without_a_size(self):
        facts = make.root(key=ed25519.Ed25519PrivateKey.generate(), digest=None).facts

        assert facts.public_key.algorithm == "Ed25519"
        assert facts.self_signed

    def test_tells_self_issued_from_self_signed(self):
        top = make.root()
        impostor = make.root(signing_key=make.ec_key("impostor"))

        assert impostor.facts.self_issued
        assert not impostor.facts.self_signed
        assert top.facts.self_signed

    @pytest.mark.parametrize(
        "spoil",
        [
            pytest.param(lambda der: der + b"\x00", id="a trailing octet"),
            pytest.param(lambda der: der[:-1], id="cut off"),
            pytest.param(lambda der: der + der, id="two in one block"),
            pytest.param(lambda der: b"", id="nothing"),
            pytest.param(lambda der: b"\x30\x80" + der[4:] + b"\x00\x00", id="BER indefinite length"),
            pytest.param(lambda der: der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x03", 1), id="version 4"),
            pytest.param(lambda der: der.replace(b"Alder Inc", b"Alder\xffInc"), id="broken UTF-8"),
        ],
    )
    def test_has_one_exception_for_everything_that_cannot_be_read(self, spoil):
        with pytest.raises(Unreadable):
            read_certificate(spoil(make.root().der))

    def test_refuses_a_point_that_is_not_on_the_curve(self):
        made = make.root()
        point = made.spki[-64:]

        with pytest.raises(Unreadable):
            read_certificate(made.der.replace(point, point[:-1] + bytes([point[-1] ^ 1])))

    def test_refuses_repeated_extensions(self):
        twice = [x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.2.3.{last}"), b"\x05\x00") for last in (4, 5)]
        der = make.root(extensions=[(one, False) for one in twice]).der

        with pytest.raises(Unreadable):
            read_certificate(der.replace(b"\x06\x03\x2a\x03\x05", b"\x06\x03\x2a\x03\x04"))

    @settings(max_examples=300, deadline=None)
    @given(st.data())
    def test_survives_any_changed_octet(self, data):
        der = bytearray(BASE)
        for _ in range(data.draw(st.integers(1, 3))):
            der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))

        try:
            facts = read_certificate(bytes(der))
        except Unreadable:
            return
        assert str(facts.subject).isascii()


BASE = make.leaf().der
