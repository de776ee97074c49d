"""Signatures that can be forged, or whose dates cannot be."""

from datetime import timedelta

import pytest

from tests.makers import openpgp as make
from tests.makers.openpgp_raw import RawKey, subpacket
from tests.moments import EVERYTHING_VALID
from trust.pki.openpgp import keys, verify
from trust.pki.openpgp.errors import NotReadable
from trust.pki.openpgp.verdicts import Verdict

CONTENT = b"trust these"


def check(content, signature, holder):
    report = verify.check(content=content, signature=signature, ring=[holder.ring_key()], now=EVERYTHING_VALID)
    assert (report.content is None) == (not report.is_good)
    return report.verdict


@pytest.mark.parametrize("digest", [1, 2])
def test_md5_and_sha1_signatures_are_refused(digest):
    key = RawKey()

    assert check(CONTENT, key.sign_detached(CONTENT, digest=digest), key) is Verdict.WEAK_DIGEST


@pytest.mark.parametrize("form", ["detached", "clearsigned", "inline"])
def test_gpgs_own_sha1_signatures_are_refused_in_every_form(form):
    alder = make.make_holder("Alder")
    sha1 = ("--digest-algo", "SHA1")
    content, signature = {
        "detached": lambda: (CONTENT, alder.sign_detached(CONTENT, *sha1)),
        "clearsigned": lambda: (alder.clearsign(CONTENT, *sha1), None),
        "inline": lambda: (alder.sign_inline(CONTENT, *sha1), None),
    }[form]()

    assert check(content, signature, alder) in (Verdict.WEAK_DIGEST, Verdict.UNSIGNED_CONTENT)


@pytest.mark.parametrize("algorithm", ["rsa1024", "dsa2048"])
def test_weak_keys_are_refused_even_if_one_was_registered(algorithm):
    weak = make.make_holder("Alder", algorithm=algorithm)

    assert check(CONTENT, weak.sign_detached(CONTENT, "--digest-algo", "SHA256"), weak) is Verdict.WEAK_KEY


def test_a_key_held_together_by_sha1_is_refused_at_registration_and_at_the_check():
    key = RawKey()
    block = key.public_block(digest=2)

    with pytest.raises(NotReadable):
        keys.read_public_key(block, now=EVERYTHING_VALID)
    signature = key.sign_detached(CONTENT)
    report = verify.check(content=CONTENT, signature=signature, ring=[key.ring_key(digest=2)], now=EVERYTHING_VALID)
    assert not report.is_good


def test_a_signature_two_days_ahead_is_refused():
    key = RawKey()
    signature = key.sign_detached(CONTENT, made_at=EVERYTHING_VALID + timedelta(days=2))

    assert check(CONTENT, signature, key) is Verdict.FROM_THE_FUTURE


def test_an_expired_signature_is_refused():
    key = RawKey(created_at=EVERYTHING_VALID - timedelta(days=30))
    hour = subpacket(3, (3600).to_bytes(4, "big"))
    signature = key.sign_detached(CONTENT, made_at=EVERYTHING_VALID - timedelta(days=20), hashed=hour)

    assert check(CONTENT, signature, key) is Verdict.SIGNATURE_EXPIRED


def test_a_signature_older_than_its_key_is_refused():
    key = RawKey()
    signature = key.sign_detached(CONTENT, made_at=EVERYTHING_VALID - timedelta(days=20))

    assert check(CONTENT, signature, key) is Verdict.KEY_CANNOT_SIGN


def test_a_text_mode_signature_over_an_archive_is_refused():
    # Text mode does not cover line ends: the archive could be changed and still verify.
    alder = make.make_holder("Alder")
    archive = b"ustar\r\nmember\r\n"
    signature = alder.sign_detached(archive, "--textmode")

    assert check(archive, signature, alder) is Verdict.WRONG_TYPE
    assert check(archive.replace(b"\r\n", b"\n"), signature, alder) is Verdict.WRONG_TYPE
    assert check(alder.sign_inline(archive, "--textmode"), None, alder) is Verdict.WRONG_TYPE
