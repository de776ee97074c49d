"""Abuse cases 1 to 19: signatures that must not count. The number is the case's in the project's list of abuse."""

import itertools
import zlib
from datetime import timedelta

import pytest

from tests.makers import certificates as make
from tests.makers import keys as key_makers
from tests.makers import openpgp
from tests.makers.openpgp_raw import A_DAY_AGO, CERTIFY, RawKey, literal, notation, one_pass, subpacket
from tests.makers.packages import guide_members, tarred
from tests.makers.sending import Sender, bundle, stranger
from tests.makers.submissions import hierarchy
from tests.moments import EVERYTHING_VALID as NOW
from trust.certificates.models import Certificate
from trust.keys import services as keys
from trust.pki import limits
from trust.pki.openpgp import armor
from trust.pki.openpgp.packets import Tag, encode

pytestmark = pytest.mark.django_db
AUTHENTICATE, ENCRYPT = 0x20, 0x0C
SMUGGLED = make.root("Mallory Root CA")


@pytest.fixture
def sender(cast):
    return Sender(cast)


def together(*signatures: bytes) -> bytes:
    """One signature file with all of them."""
    return b"".join(armor.decode(each).data for each in signatures)


def test_case_01_payload_changed_by_one_byte_after_signing(sender):
    signature = sender.holder.sign_detached(bundle())

    for position in (0, 40, -2):
        changed = bytearray(bundle())
        changed[position] ^= 1
        sender.refused("signature_bad", bytes(changed), signature=signature)


def test_case_02_no_signature_or_something_else_in_its_place(sender):
    sender.refused("signature_missing", signature=None)
    sender.turned_away("empty_signature", signature=b" \n")
    sender.refused("signature_not_a_signature", signature=b"<!doctype html><title>404 Not Found</title>")
    sender.refused("signature_not_a_signature", signature=b"-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n")


def test_case_03_unregistered_key_with_the_partners_user_id(sender):
    impostor = stranger("Alder")

    made = sender.refused("signature_unknown_key", holder=impostor)

    assert made.signature_report["claimed_issuer"] == impostor.fingerprint
    assert made.signer_fingerprint == ""
    assert "Alder CA signing" not in str(made.signature_report)


def test_case_04_another_partners_registered_key(sender, cast):
    _, birch = key_makers.proven_key(cast.birch)

    sender.refused("signature_unknown_key", holder=birch)


def test_case_05_another_partners_key_that_claims_to_be_ours(sender, cast):
    _, cedar = key_makers.proven_key(cast.cedar, stranger("Alder"))

    made = sender.refused("signature_unknown_key", holder=cedar)

    assert "Alder CA signing" not in str(made.signature_report)


def test_case_06_expired_key_also_with_a_date_in_its_lifetime(sender):
    expired = sender.holds(openpgp.expired_holder())

    for signed_at in ("20250105T000000", "20250120T000000"):
        sender.refused("signature_key_expired", signature=expired.sign_detached(bundle(), at=signed_at))


def test_case_07_revoked_key_also_for_a_signature_made_before(sender, cast):
    revoked, before = openpgp.sign_then_revoke(bundle())
    sender.holds(revoked)

    sender.refused("signature_key_revoked", signature=before)

    keys.revoke_key(key=sender.key, reason="The laptop was stolen.", actor=cast.alder.officer.actor, now=NOW)
    made = sender.refused("signature_unknown_key", signature=before)
    assert made.findings.first().sentence == "The key that made this signature was revoked."


@pytest.mark.parametrize("flags", [CERTIFY, AUTHENTICATE, ENCRYPT], ids=["certify", "authenticate", "encrypt"])
def test_case_08_component_that_may_not_sign(sender, flags):
    key, subkey = RawKey(), RawKey()
    bound = key.bound(subkey.body, flags=flags, back_signer=subkey)
    sender.holds(key, key.public_block(bound))

    sender.refused("signature_key_cannot_sign", holder=subkey)


def test_case_08_signing_subkey_without_back_signature(sender):
    key, subkey = RawKey(), RawKey()
    sender.holds(key, key.public_block(key.bound(subkey.body)))

    sender.refused("signature_key_cannot_sign", holder=subkey)


def test_case_09_weak_digests_and_keys(sender, cast):
    key = sender.holds(RawKey())
    for digest in (1, 2):
        sender.refused("signature_weak_digest", signature=key.sign_detached(bundle(), digest=digest))

    weak = sender.holds(openpgp.make_holder("Alder", algorithm="rsa1024"))
    sender.refused("signature_weak_key", signature=weak.sign_detached(bundle(), "--digest-algo", "SHA256"))

    sha1 = RawKey()
    sender.holds(sha1, sha1.public_block(digest=2))
    sender.refused("signature_", holder=sha1)


def test_case_10_signature_from_the_future_expired_or_older_than_its_key(sender):
    key = sender.holds(RawKey())
    hour = subpacket(3, (3600).to_bytes(4, "big"))
    dated = {
        "signature_from_the_future": {"made_at": NOW + timedelta(days=2)},
        "signature_signature_expired": {"made_at": NOW - timedelta(hours=5), "hashed": hour},
        "signature_key_cannot_sign": {"made_at": A_DAY_AGO - timedelta(days=20)},
    }

    for code, how in dated.items():
        sender.refused(code, signature=key.sign_detached(bundle(), **how))


def test_case_11_good_and_unknown_signatures_in_both_orders(sender):
    other = openpgp.make_holder("Stranger")

    for order in itertools.permutations([sender.holder, other]):
        sender.refused("signature_multiple_signatures", signature=openpgp.signed_by(bundle(), *order))


def test_case_12_good_beside_bad_and_good_beside_revoked(sender):
    good, bad = sender.holder.sign_detached(bundle()), sender.holder.sign_detached(b"other")
    _, revoked = openpgp.sign_then_revoke(bundle())

    for pair in ((good, bad), (good, revoked)):
        for order in itertools.permutations(pair):
            sender.refused("signature_multiple_signatures", signature=together(*order))


def _in_an_overlong_line(signed: bytes) -> bytes:
    lines = signed.split(b"\n")
    lines[4] += b" " * 20_001 + b"\r" + SMUGGLED.pem.replace(b"\n", b"\r")
    return b"\n".join(lines)


@pytest.mark.parametrize(
    "hide",
    [
        pytest.param(lambda signed: SMUGGLED.pem + signed, id="before"),
        pytest.param(lambda signed: signed + SMUGGLED.pem, id="after"),
        pytest.param(lambda signed: signed.replace(b"\n\n", b"\n" + SMUGGLED.pem + b"\n", 1), id="among the headers"),
        pytest.param(_in_an_overlong_line, id="in an overlong line"),
    ],
)
def test_case_13_unsigned_certificate_in_a_clearsigned_file(sender, hide):
    content = hide(sender.holder.clearsign(bundle()))

    sender.refused(("signature_unsigned_content", "signature_too_large"), content, signature=None)

    assert not Certificate.objects.filter(pk=SMUGGLED.sha256).exists()


def test_case_14_two_signed_messages_in_one_file(sender):
    sign = sender.holder
    clear = sign.clearsign(bundle()) + sign.clearsign(SMUGGLED.pem)
    inline = sign.sign_inline(bundle(), "-z", "0") + sign.sign_inline(SMUGGLED.pem, "-z", "0")

    for content in (clear, inline):
        sender.refused("signature_", content, signature=None)


def _forged(fingerprint: str) -> bytes:
    upper = fingerprint.upper().encode()
    good = b"\n[GNUPG:] GOODSIG " + upper[-16:] + b" Alder\n"
    return good + b"[GNUPG:] VALIDSIG " + upper + b" 2026-01-01 1767225600 0 4 0 22 8 00 " + upper + b"\n"


def test_case_15_forged_status_lines(sender):
    forged, mallory = _forged(sender.holder.fingerprint), RawKey()
    areas = [notation(forged + b"@x", b"y"), notation(b"a@x.example", forged), subpacket(28, forged)]
    named = one_pass(mallory) + literal(bundle(), name=forged[:250])
    message = named + encode(Tag.SIGNATURE, mallory.signature(bundle()))

    made = [
        sender.refused("signature_unknown_key", signature=mallory.sign_detached(bundle(), hashed=area))
        for area in (*areas, subpacket(26, forged))
    ]
    made.append(sender.refused("signature_", message, signature=None))

    for submission in made:
        lines = submission.signature_report["status_lines"]
        assert all(" " <= character <= "~" for line in lines for character in line)
        assert submission.signature_report["primary_fingerprint"] is None


def test_case_16_signature_file_with_something_else_in_it(sender):
    signature = sender.holder.sign_detached(bundle(), armored=False)
    message = sender.holder.sign_inline(SMUGGLED.pem, "-z", "0")

    extra = literal(SMUGGLED.pem)
    for data in (signature + extra, extra + signature, signature + b"hello", armor.encode(armor.SIGNATURE, message)):
        sender.refused("signature_not_a_signature", signature=data)


def test_case_17_text_mode_signature_over_an_archive(sender):
    archive = tarred(guide_members(hierarchy()))
    signature = sender.holder.sign_detached(archive, "--textmode")

    sender.refused("signature_wrong_type", archive, signature=signature, file_name="package.tar")
    # What text mode does not cover was changed: the archive is not even one any more.
    changed = archive.replace(b"\n", b"\r\n")
    sender.refused(("signature_wrong_type", "not_fully_scanned"), changed, signature=signature)


def _compressed(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return encode(Tag.COMPRESSED, b"\x01" + packer.compress(data) + packer.flush())


def test_case_18_bomb_forty_layers_and_symmetric_encryption(sender):
    key = sender.holds(RawKey())
    zeros = literal(b"\0" * (limits.SIGNED_BYTES + limits.MIB))
    nested = one_pass(key) + literal(bundle()) + encode(Tag.SIGNATURE, key.signature(bundle()))
    for _ in range(40):
        nested = _compressed(nested)
    sealed = openpgp.gpg("--passphrase", "secret", "--symmetric", data=bundle())

    for content in (_compressed(one_pass(key) + zeros), nested, sealed, armor.encode(armor.MESSAGE, sealed)):
        made = sender.refused(("signature_", "encrypted_", "not_fully_scanned"), content, signature=None)
        assert bytes(made.content) == b""


def test_case_19_two_hundred_signature_packets(sender):
    one = sender.holder.sign_detached(bundle(), armored=False)

    sender.refused("signature_multiple_signatures", signature=one * 200)
