"""Abuse cases 25 to 36 and the table of 2.1: certificates that must not become anchors. The number is the case's."""

import subprocess
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tests.attacks.test_bundle_chains import chain, mesh
from tests.cast import make_partnership
from tests.makers import certificate_parts as raw
from tests.makers import certificates as make
from tests.makers import keys as key_makers
from tests.makers import openpgp
from tests.makers.openpgp_raw import RawKey
from tests.makers.sending import Sender, bundle, codes
from tests.makers.submissions import hierarchy, request_about
from tests.makers.weak_keys import CLOSE_PRIMES, EVEN, ROCA
from tests.moments import EVERYTHING_VALID as NOW
from trust.certificates.models import Certificate

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ROOT = make.root()


@pytest.fixture
def sender(cast):
    found = Sender(cast)
    # Signs without starting gpg for each of many bundles; what is checked is checked by gpgv all the same.
    found.holder = found.holds(RawKey())
    return found


def pem(der: bytes) -> bytes:
    return make.pem("CERTIFICATE", der)


def with_modulus(modulus: int, exponent: int = 65537) -> bytes:
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    return make.root(public_key=public, signing_key=make.rsa_key(2048)).pem


@cache
def by_openssl(*options: str) -> bytes:
    """A self-signed CA with a key that openssl makes with ``options``."""
    with TemporaryDirectory() as folder:
        key = Path(folder) / "key.pem"
        subprocess.run(["openssl", "genpkey", *options, "-out", key], check=True, capture_output=True)
        asked = ["openssl", "req", "-x509", "-new", "-key", key, "-subj", "/CN=Root"]
        return subprocess.run(asked, check=True, capture_output=True).stdout


@cache
def dsa() -> bytes:
    """A self-signed CA with a DSA key."""
    with TemporaryDirectory() as folder:
        parameters = Path(folder) / "parameters.pem"
        asked = ["openssl", "genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:2048"]
        subprocess.run([*asked, "-out", parameters], check=True, capture_output=True)
        return by_openssl("-paramfile", str(parameters))


def test_case_25_what_is_no_ca(sender):
    spoiled = {
        "not_ca": [make.leaf().pem, make.root(ca=False, path_length=None).pem, make.root(ca=None).pem],
        "old_version": [pem(raw.spoiled(ROOT, version=None, extensions=None))],
        "key_usage_without_cert_sign": [make.root(key_usage=("digital_signature",)).pem],
    }

    for code, contents in spoiled.items():
        for content in contents:
            assert code in codes(sender.refused("", content))


def test_case_26_weak_keys(sender):
    numbers = [make.rsa_key(2048, name).private_numbers() for name in ("a", "b")]
    sharing = [numbers[0].p * numbers[0].q, numbers[0].p * numbers[1].q]
    explicit = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit")
    spoiled = {
        "weak_key": [make.root(key=make.rsa_key(1024)).pem, with_modulus(EVEN)],
        "roca_key": [with_modulus(ROCA)],
        "close_primes": [with_modulus(CLOSE_PRIMES)],
        "shared_prime": [b"".join(with_modulus(each) for each in sharing)],
        "explicit_curve": [by_openssl(*explicit)],
        "curve_not_allowed": [make.root(key=make.ec_key("p192", ec.SECP192R1())).pem],
        "key_type_not_allowed": [dsa()],
    }

    for code, contents in spoiled.items():
        for content in contents:
            assert code in codes(sender.refused("", content)), code


def test_case_26_rsa_exponent_of_one(sender):
    key = make.rsa_key(2048)
    spki = raw.parts(make.root(key=key))["key"].replace(b"\x02\x03\x01\x00\x01", b"\x02\x03\x00\x00\x01")

    sender.refused(("certificate_unreadable", "weak_key"), pem(raw.spoiled(make.root(key=key), key=spki)))


def test_case_27_weak_digest_below_the_root_and_on_a_root_itself(sender):
    top = make.root(key=make.rsa_key(3072))
    for digest in (hashes.SHA1(), hashes.MD5()):
        weak = make.weakly_signed(make.policy_ca(top), top, digest)
        assert "weak_signature" in codes(sender.refused("", top.pem + weak.pem))

    sender.taken("weak_self_signature", content=make.weakly_signed(top, top, hashes.SHA1()).pem)


def test_case_28_dates(sender):
    reversed_dates = raw.validity("260101000000Z", "250101000000Z")
    assert "expired" in codes(sender.refused("", make.root(not_before=NOW - 9 * DAY, not_after=NOW - DAY).pem))
    assert "dates_reversed" in codes(sender.refused("", pem(raw.spoiled(ROOT, validity=reversed_dates))))

    tomorrow = make.root("Tomorrow", not_before=NOW + DAY)
    for_ever = make.root("For ever", not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    sender.taken("not_yet_valid", "never_expires", content=tomorrow.pem + for_ever.pem)


BROKEN = {
    "trailing bytes": pem(ROOT.der + b"\x00"),
    "BER": pem(b"\x30\x80" + ROOT.der[4:] + b"\x00\x00"),
    "bad base64": ROOT.pem.replace(b"MII", b"M*I", 1),
    "no END": ROOT.pem.rpartition(b"-----END")[0],
    "nothing in it": pem(b""),
}


@pytest.mark.parametrize("block", BROKEN.values(), ids=BROKEN.keys())
def test_case_29_one_broken_block_among_good_ones(sender, block):
    made = sender.refused(("certificate_unreadable", "pem_"), bundle() + block)

    said = made.findings.first().sentence
    assert "Block 4" in said or "line" in said.lower()
    assert not Certificate.objects.exists()


def test_case_30_what_ordinary_tools_write_is_taken(sender):
    text = b"Subject: CN=Somebody else entirely\n"
    windows = b"\xef\xbb\xbf" + bundle().replace(b"\n", b"\r\n")

    for number, content in enumerate((windows, text + bundle().rstrip()), start=1):
        made = sender.taken(content=content)
        page = sender.cast.alder.verifier.client().get(f"/p/alder-birch/submissions/{number}/").content.decode()
        assert made.places.count() == 3
        assert "Somebody else entirely" not in page


NAMES = {
    "NUL": ("Alder\x00Root", "suspicious_name"),
    "direction": ("Alder \u202etooR", "suspicious_name"),
    "zero width": ("Alder\u200bRoot", "suspicious_name"),
    "ANSI": ("Alder\x1b[2J", "suspicious_name"),
    "line feed": ("Alder\nRoot", "suspicious_name"),
    "markup": ("<script>alert(1)</script>", "active_text_in_name"),
    "formula": ('=HYPERLINK("http://evil.example")', "active_text_in_name"),
}


def test_case_31_names_that_are_not_plain_are_shown_escaped(sender):
    roots = {which: make.root(name, key=make.ec_key(which)) for which, (name, _) in NAMES.items()}

    made = sender.taken(content=b"".join(one.pem for one in roots.values()))

    for which, (_, code) in NAMES.items():
        assert made.findings.filter(code=code, certificate_sha256=roots[which].sha256).exists(), which
    for person in (sender.cast.alder.verifier, sender.cast.birch.verifier):
        page = person.client().get("/p/alder-birch/submissions/1/").content.decode()
        assert not [which for which, (name, _) in NAMES.items() if name in page]
        assert not set(page) & set("\x00\x1b\u202e\u200b")


def test_case_31_names_without_end_are_refused(sender):
    unit = NameOID.ORGANIZATIONAL_UNIT_NAME
    many = x509.Name([x509.NameAttribute(unit, f"unit {number}") for number in range(500)])
    long = raw.spoiled(ROOT, subject=_utf8_name("x" * 65_536), issuer=_utf8_name("x" * 65_536))

    for content in (make.root(subject=many).pem, pem(long)):
        assert "oversized_name" in codes(sender.refused("", content))


def _utf8_name(common_name: str) -> bytes:
    attribute = raw.element(raw.SEQUENCE, bytes.fromhex("0603550403"), raw.element(0x0C, common_name.encode()))
    return raw.element(raw.SEQUENCE, raw.element(0x31, attribute))


def test_case_32_twins_are_told(sender):
    top, shared = make.root(), make.ec_key("one key")
    twins = [top, make.root(key=make.ec_key("another"))]
    renamed = [make.root(name, key=shared) for name in ("One", "Two")]
    numbered = [make.policy_ca(top, f"Policy {number}", serial=77) for number in range(2)]

    content = b"".join(one.pem for one in (*twins, *renamed, *numbered))

    sender.taken("subject_reused", "key_reused", "serial_reused", content=content)


def test_case_33_attackers_hierarchy_with_identical_names(sender):
    real = hierarchy()
    names = [one.certificate.subject for one in real.cas]
    top = make.root(subject=names[0], key=make.ec_key("fake root"))
    policy = make.policy_ca(top, subject=names[1], key=make.ec_key("fake policy"))

    assert "signature_does_not_verify" in codes(sender.refused("", real.root.pem + policy.pem))

    # Whole, it is a hierarchy of its own: the call is about its own fingerprint, which nobody at Alder reads out.
    sender.taken(content=bundle())
    sender.taken(content=top.pem + policy.pem)
    assert (
        request_about(sender.cast, top.sha256).fingerprint != request_about(sender.cast, real.root.sha256).fingerprint
    )


def test_case_34_sets_that_take_others_for_ever(sender):
    loop = [one for one in mesh(2) if one.certificate.subject != one.certificate.issuer]
    assert "chain_loop" in codes(sender.refused("", b"".join(one.pem for one in loop)))
    assert "too_many_certificates" in codes(sender.refused("", ROOT.pem * 1200))


@pytest.mark.parametrize(
    ("made", "code"), [(mesh, "cross_signed"), (chain, "no_name_constraints")], ids=["mesh", "chain"]
)
def test_case_34_mesh_of_twelve_and_chain_of_120_are_judged_in_time(sender, made, code):
    content = b"".join(one.pem for one in made(12 if made is mesh else 120))

    # The suite's limit on a test is the limit on the time.
    sender.taken(code, content=content)


def test_case_35_anchor_of_another_partner(sender, cast):
    sender.taken()
    other = make_partnership(cast.cedar, cast.birch)
    holder = openpgp.make_holder("Cedar")
    key_makers.proven_key(cast.cedar, holder)

    sender.taken("anchor_of_another_partner", holder=holder, partnership=other, actor=cast.cedar.verifier.actor)


def _critical() -> tuple[x509.UnrecognizedExtension, bool]:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00"), True


def _twice() -> bytes:
    both = [x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.2.3.{last}"), b"\x05\x00") for last in (4, 5)]
    extensions = raw.parts(made := make.root(extensions=[(one, False) for one in both]))["extensions"]
    return raw.spoiled(made, extensions=extensions.replace(b"\x06\x03\x2a\x03\x05", b"\x06\x03\x2a\x03\x04"))


def test_case_36_extensions_and_path_length(sender):
    top = make.root(path_length=0)

    assert "unknown_critical_extension" in codes(sender.refused("", make.root(extensions=(_critical(),)).pem))
    sender.refused("certificate_unreadable", pem(_twice()))
    assert "path_length_exceeded" in codes(sender.refused("", top.pem + make.policy_ca(top).pem))
