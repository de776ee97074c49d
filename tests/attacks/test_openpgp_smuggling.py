"""Content that no signature covers, put where a careless reader would take it."""

import pytest

from tests.makers import openpgp as make
from tests.makers.openpgp_raw import RawKey, literal, one_pass
from tests.moments import EVERYTHING_VALID
from trust.pki.openpgp import armor, verify
from trust.pki.openpgp.packets import Tag, encode
from trust.pki.openpgp.verdicts import Verdict

GENUINE = b"-----BEGIN CERTIFICATE-----\nR0VOVUlORQ==\n-----END CERTIFICATE-----\n"
SMUGGLED = b"-----BEGIN CERTIFICATE-----\nU01VR0dMRUQ=\n-----END CERTIFICATE-----\n"
ESCAPED = b"\n".join(b"- " + line if line.startswith(b"-") else line for line in SMUGGLED.split(b"\n"))


@pytest.fixture
def alder():
    return make.make_holder("Alder")


def check(content, signature, *holders):
    ring = [holder.ring_key() for holder in holders]
    report = verify.check(content=content, signature=signature, ring=ring, now=EVERYTHING_VALID)
    # Whatever else happens, the smuggled certificate comes out nowhere.
    assert b"U01VR0dMRUQ" not in (report.content or b"")
    assert report.is_good == (report.content is not None)
    return report.verdict


@pytest.mark.parametrize("position", [0, 30, -1])
def test_one_changed_byte_makes_a_detached_signature_bad(alder, position):
    changed = bytearray(GENUINE)
    changed[position] ^= 1

    assert check(bytes(changed), alder.sign_detached(GENUINE), alder) is Verdict.BAD


def test_one_changed_byte_makes_a_clearsigned_file_bad(alder):
    assert check(alder.clearsign(GENUINE).replace(b"R0VO", b"R0VP"), None, alder) is Verdict.BAD


def test_one_changed_byte_makes_an_inline_message_bad(alder):
    message = alder.sign_inline(GENUINE, "-z", "0").replace(b"R0VO", b"R0VP")

    assert check(message, None, alder) is Verdict.BAD


@pytest.mark.parametrize(
    ("signature", "verdict"),
    [
        (b"", Verdict.MISSING),
        (b"  \n", Verdict.MISSING),
        (None, Verdict.MISSING),
        (b"<!doctype html><title>404 Not Found</title>", Verdict.NOT_A_SIGNATURE),
        (b"\x30\x82\x05\x00\x06\x09\x2a\x86\x48", Verdict.NOT_A_SIGNATURE),
        (b"-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n", Verdict.NOT_A_SIGNATURE),
        (b"\x00" * 100, Verdict.NOT_A_SIGNATURE),
        (b"\xff" * 100, Verdict.NOT_A_SIGNATURE),
    ],
    ids=["empty", "blank", "none", "HTML", "CMS", "CMS in PEM", "zeros", "ones"],
)
def test_no_signature_is_never_a_good_one(alder, signature, verdict):
    assert check(GENUINE, signature, alder) is verdict


def test_a_certificate_before_a_clearsigned_file_is_refused(alder):
    assert check(SMUGGLED + alder.clearsign(GENUINE), None, alder) is Verdict.UNSIGNED_CONTENT


def test_a_certificate_after_a_clearsigned_file_is_refused(alder):
    assert check(alder.clearsign(GENUINE) + SMUGGLED, None, alder) is Verdict.UNSIGNED_CONTENT


def test_a_certificate_among_the_headers_is_refused(alder):
    signed = alder.clearsign(GENUINE)

    for header in (b"Comment: " + SMUGGLED.split(b"\n")[1] + b"\n", SMUGGLED, ESCAPED):
        changed = signed.replace(b"Hash: SHA256\n", b"Hash: SHA256\n" + header)
        assert check(changed, None, alder) is Verdict.UNSIGNED_CONTENT


def test_a_certificate_in_the_signature_blocks_headers_comes_out_nowhere(alder):
    signed = alder.clearsign(GENUINE)
    begin = b"-----BEGIN PGP SIGNATURE-----\n"

    hidden = signed.replace(begin, begin + b"Comment: U01VR0dMRUQ=\n")
    broken = signed.replace(begin, begin + SMUGGLED)

    assert check(hidden, None, alder) is Verdict.GOOD
    assert check(broken, None, alder) is not Verdict.GOOD


@pytest.mark.parametrize("padding", [5_000, 19_999, 20_001, 40_000])
def test_a_certificate_behind_an_overlong_line_is_refused(alder, padding):
    # gpg 2.2.40 cuts lines at 20,000 columns: what stands behind is shown to a reader of the file, and not signed.
    smuggled = b" " * padding + b"\r" + SMUGGLED.replace(b"\n", b"\r")
    lines = alder.clearsign(GENUINE).split(b"\n")
    lines[4] += smuggled

    assert check(b"\n".join(lines), None, alder) in (Verdict.UNSIGNED_CONTENT, Verdict.TOO_LARGE)


@pytest.mark.parametrize("control", [b"\x0c", b"\x00", b"\x1b[2K"])
def test_a_certificate_behind_a_control_character_is_refused(alder, control):
    lines = alder.clearsign(GENUINE).split(b"\n")
    lines[4] += control + SMUGGLED.replace(b"\n", b" ")

    assert check(b"\n".join(lines), None, alder) is Verdict.UNSIGNED_CONTENT


def test_a_private_header_that_changes_the_escaping_is_refused(alder):
    signed = alder.clearsign(GENUINE, "--not-dash-escaped")

    assert check(signed, None, alder) is not Verdict.GOOD


def test_two_clearsigned_messages_in_one_file_are_refused(alder):
    assert check(alder.clearsign(GENUINE) + alder.clearsign(SMUGGLED), None, alder) is Verdict.UNSIGNED_CONTENT


def test_two_inline_messages_in_one_file_are_refused(alder):
    both = alder.sign_inline(GENUINE, "-z", "0") + alder.sign_inline(SMUGGLED, "-z", "0")

    assert check(both, None, alder) is not Verdict.GOOD


@pytest.mark.parametrize("place", ["before", "after", "inside"])
def test_an_unsigned_literal_beside_a_signed_message_is_refused(alder, place):
    key = RawKey()
    head, tail = one_pass(key) + literal(GENUINE), encode(Tag.SIGNATURE, key.signature(GENUINE))
    message = {
        "before": literal(SMUGGLED) + head + tail,
        "after": head + tail + literal(SMUGGLED),
        "inside": head + literal(SMUGGLED) + tail,
    }[place]

    assert check(message, None, key) is Verdict.UNSIGNED_CONTENT


def test_a_signature_file_that_is_a_whole_message_is_refused(alder):
    message = alder.sign_inline(SMUGGLED, "-z", "0")

    for signature in (message, armor.encode(armor.SIGNATURE, message), armor.encode(armor.MESSAGE, message)):
        assert check(GENUINE, signature, alder) is Verdict.NOT_A_SIGNATURE


@pytest.mark.parametrize("extra", [literal(SMUGGLED), encode(Tag.MARKER, b"PGP"), encode(60, b"x"), b"\xc2\xe1ab\x01c"])
def test_a_signature_file_with_something_else_in_it_is_refused(alder, extra):
    signature = alder.sign_detached(GENUINE, armored=False)

    for data in (signature + extra, extra + signature):
        assert check(GENUINE, data, alder) is Verdict.NOT_A_SIGNATURE


def test_bytes_behind_the_signature_packet_are_refused(alder):
    assert check(GENUINE, alder.sign_detached(GENUINE, armored=False) + b"hello", alder) is Verdict.NOT_A_SIGNATURE


def test_blanks_at_line_ends_which_no_signature_covers_are_not_passed_on(alder):
    signed = alder.clearsign(GENUINE).replace(b"R0VOVUlORQ==\n", b"R0VOVUlORQ== \t \n")

    report = verify.check(content=signed, signature=None, ring=[alder.ring_key()], now=EVERYTHING_VALID)

    assert report.is_good
    assert report.content == GENUINE
