"""The tables of 2.1 to 2.3 of the list of abuse: what libraries take in silence is refused or told, and shown as it is."""

import hashlib
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.attacks.test_cases_of_certificates import by_openssl, pem
from tests.makers import certificate_parts as raw
from tests.makers import certificates as make
from tests.makers import openpgp
from tests.makers.openpgp_raw import RawKey
from tests.makers.sending import Sender, bundle
from tests.makers.submissions import hierarchy
from trust.certificates.models import Certificate
from trust.pki.pem import read_pem

pytestmark = pytest.mark.django_db
ROOT = make.root()
EC_SHA384 = bytes.fromhex("300a06082a8648ce3d040303")


@pytest.fixture
def sender(cast):
    found = Sender(cast)
    found.holder = found.holds(RawKey())
    return found


def request() -> bytes:
    made = x509.CertificateSigningRequestBuilder().subject_name(make.name("Wanted"))
    return made.sign(make.ec_key("any"), hashes.SHA256()).public_bytes(Encoding.PEM)


def beside(other: bytes) -> bytes:
    return bundle() + other


def patched(old: bytes, new: bytes) -> bytes:
    """The root with other octets in what is signed, and signed again."""
    changed = {name: part.replace(old, new) for name, part in raw.parts(ROOT).items()}
    assert changed != raw.parts(ROOT)
    return pem(raw.spoiled(ROOT, **changed))


def dated(text: str, tag: int = raw.UTC_TIME) -> bytes:
    return pem(raw.spoiled(ROOT, validity=raw.validity(text, "440101000000Z" if tag == raw.UTC_TIME else text, tag)))


def named(tag: int, value: bytes, kind: str = "0603550403") -> bytes:
    attribute = raw.element(raw.SEQUENCE, bytes.fromhex(kind), raw.element(tag, value))
    made = raw.element(raw.SEQUENCE, raw.element(0x31, attribute))
    return pem(raw.spoiled(ROOT, subject=made, issuer=made))


def with_extension(oid: str, value: bytes) -> bytes:
    """The root with an extension whose value is written by hand."""
    placed = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
    return make.root(extensions=((placed, True),)).pem


NAME_CONSTRAINTS = "2.5.29.30"
REFUSED = {
    "a private key beside certificates": lambda: beside(make.root().key_pem()),
    "an OpenSSH private key": lambda: beside(make.pem("OPENSSH PRIVATE KEY", b"openssh-key-v1\0" + b"x" * 90)),
    "an OpenPGP private key": lambda: beside(openpgp.make_holder("Alder").secret_block()),
    "an OpenPGP public key": lambda: beside(openpgp.make_holder("Alder").public_block()),
    "a certificate request": lambda: beside(request()),
    "a public key": lambda: beside(
        make.ec_key("any").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ),
    "a TRUSTED CERTIFICATE": lambda: beside(make.pem("TRUSTED CERTIFICATE", ROOT.der)),
    "indented lines": lambda: b"  " + ROOT.pem.replace(b"\n", b"\n  "),
    "BER lengths": lambda: pem(b"\x30\x80" + ROOT.der[4:] + b"\x00\x00"),
    "trailing bytes": lambda: pem(ROOT.der + b"\x00"),
    "two certificates in one block": lambda: pem(ROOT.der * 2),
    "version 4": lambda: pem(raw.spoiled(ROOT, version=raw.version(3))),
    "version 1": lambda: pem(raw.spoiled(ROOT, version=None, extensions=None)),
    "version 1 with extensions": lambda: pem(raw.spoiled(ROOT, version=None)),
    "a time without seconds": lambda: dated("2601010000Z"),
    "a time with an offset": lambda: dated("260101000000+0100"),
    "a time with a fraction": lambda: dated("20600101000000.5Z", raw.GENERALIZED_TIME),
    "the 30th of February": lambda: dated("260230000000Z"),
    "hour 25": lambda: dated("260101250000Z"),
    "a leap second": lambda: dated("260101235960Z"),
    "a negative path length": lambda: patched(b"\x30\x06\x01\x01\xff\x02\x01\x02", b"\x30\x06\x01\x01\xff\x02\x01\xfe"),
    "empty name constraints": lambda: with_extension(NAME_CONSTRAINTS, b"\x30\x00"),
    "a critical unknown extension": lambda: with_extension("1.2.3.4.5", b"\x05\x00"),
    "explicit curve parameters": lambda: by_openssl(
        "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"
    ),
    "secp256k1": lambda: make.root(key=make.ec_key("k1", ec.SECP256K1())).pem,
    "brainpool": lambda: make.root(key=make.ec_key("bp", ec.BrainpoolP256R1())).pem,
    "RSA 512": lambda: by_openssl("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:512"),
    "a point off the curve": lambda: patched(ROOT.spki[-64:], ROOT.spki[-64:-1] + bytes([ROOT.spki[-1] ^ 1])),
    "two signature algorithms": lambda: pem(raw.spoiled(ROOT, outer_algorithm=EC_SHA384)),
    "invalid UTF-8": lambda: named(0x0C, b"Alder\xff"),
}


@pytest.mark.parametrize("group", range(3))
def test_2_1_what_libraries_skip_or_disagree_on_is_refused(sender, group):
    for name in sorted(REFUSED)[group::3]:
        made = sender.refused("", REFUSED[name]())
        assert made.findings.first().severity == "refuse", name
    assert not Certificate.objects.exists()


TOLD = {
    "serial zero": (lambda: pem(raw.spoiled(ROOT, serial=raw.integer(0))), "serial_not_positive"),
    "a negative serial": (lambda: pem(raw.spoiled(ROOT, serial=raw.integer(-9))), "serial_not_positive"),
    "a serial of 21 octets": (lambda: pem(raw.spoiled(ROOT, serial=raw.integer(2**160 + 1))), "serial_too_long"),
    "a serial of 1,000 octets": (lambda: pem(raw.spoiled(ROOT, serial=raw.integer(2**7990))), "serial_too_long"),
    "GeneralizedTime before 2050": (
        lambda: pem(raw.spoiled(ROOT, validity=raw.validity("20250101000000Z", "20440101000000Z", 0x18))),
        "wrong_time_form",
    ),
}


def test_2_1_what_is_taken_is_told(sender):
    # One upload for all: what is told names the certificate that it is about.
    spoiled = {name: read_pem(make_one()).blocks[0].der for name, (make_one, _) in TOLD.items()}

    made = sender.taken(content=b"".join(pem(der) for der in spoiled.values()))

    for name, (_, code) in TOLD.items():
        sha256 = hashlib.sha256(spoiled[name]).hexdigest()
        assert made.findings.filter(code=code, certificate_sha256=sha256).exists(), name


def test_2_1_serials_of_any_length_are_kept_whole(sender):
    serial = 2**7990 + 1

    made = sender.taken(content=pem(raw.spoiled(ROOT, serial=raw.integer(serial))))

    assert made.places.get().certificate.serial == f"{serial:x}"


def test_2_1_serials_beyond_any_use_are_taken_and_whole_in_the_certificate(sender):
    der = raw.spoiled(ROOT, serial=raw.integer(2**80_000 + 1))

    made = sender.taken(content=pem(der))

    kept = made.places.get().certificate
    assert (len(kept.serial), bytes(kept.der)) == (2000, der)


TAKEN = {
    "the old label": lambda: make.pem("X509 CERTIFICATE", ROOT.der),
    "lone CR": lambda: ROOT.pem.replace(b"\n", b"\r"),
    "one long line": lambda: b"-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n" % b"".join(
        ROOT.pem.splitlines()[1:-1]
    ),
}  # fmt: skip


@pytest.mark.parametrize("content", TAKEN.values(), ids=TAKEN.keys())
def test_2_1_forms_of_the_same_certificate_are_one_certificate(sender, content):
    made = sender.taken(content=content())

    assert made.places.get().certificate_id == ROOT.sha256


def test_2_2_private_root_that_a_public_ca_would_be_named_like(sender):
    sender.taken("public_ca_name", content=make.root("DigiCert Global Root G9").pem)


def test_2_2_root_that_may_issue_for_every_name_is_told(sender):
    sender.taken("no_name_constraints", content=make.root("Unlimited").pem)


def test_2_3_page_shows_what_the_certificate_says_and_nothing_from_outside_it(sender, cast):
    look_alike = make.root(subject=make.name("\u0410lder Root CA"), key=make.ec_key("look-alike"))
    preamble = b"subject=CN=Alder Root CA\nSHA256 Fingerprint=00:11:22:33\n"

    sender.taken("suspicious_name", content=preamble + look_alike.pem)

    client = cast.alder.verifier.client()
    for address in ("/p/alder-birch/submissions/1/", f"/certificates/{look_alike.sha256}/"):
        page = client.get(address).content.decode()
        assert "U+0410" in page
        assert "\u0410" not in page
        assert "00:11:22:33" not in page
    assert look_alike.sha256 in re.sub(r"\s", "", re.sub(r"<[^>]+>", "", page)).lower()


def test_2_3_relying_side_sees_no_whole_fingerprint_before_the_call(sender, cast):
    sender.taken()

    page = cast.birch.verifier.client().get("/p/alder-birch/submissions/1/").content.decode()

    assert hierarchy().root.sha256 not in re.sub(r"\s", "", re.sub(r"<[^>]+>", "", page)).lower()
