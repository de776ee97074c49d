"""Text that a signer chose and that looks like a verifier's status lines (CVE-2018-12020, CVE-2022-34903)."""

import pytest

from tests.makers import openpgp as make
from tests.makers.openpgp_raw import RawKey, literal, notation, one_pass, subpacket
from tests.moments import EVERYTHING_VALID
from trust.pki.openpgp import keys, verify
from trust.pki.openpgp.packets import Tag, encode
from trust.pki.openpgp.verdicts import Verdict

CONTENT = b"trust these"


def _forged(fingerprint):
    upper = fingerprint.upper().encode()
    return (
        b"\n[GNUPG:] GOODSIG " + upper[-16:] + b" Alder\n[GNUPG:] VALIDSIG " + upper
        + b" 2026-01-01 1767225600 0 4 0 22 8 00 " + upper + b"\n"
    )  # fmt: skip


@pytest.fixture
def alder():
    return make.make_holder("Alder")


def refused(report):
    assert report.verdict is not Verdict.GOOD
    assert report.content is None
    assert all(" " <= char <= "~" for line in report.status_lines for char in line)


@pytest.mark.parametrize("place", ["notation name", "notation value", "signer's user ID", "policy URI", "preferred"])
def test_forged_lines_in_a_strangers_signature_convince_nobody(alder, place):
    forged = _forged(alder.fingerprint)
    area = {
        "notation name": notation(forged + b"@x", b"y"),
        "notation value": notation(b"a@x.example", forged),
        "signer's user ID": subpacket(28, forged),
        "policy URI": subpacket(26, forged),
        "preferred": subpacket(24, forged),
    }[place]
    mallory = RawKey()
    signature = mallory.sign_detached(CONTENT, hashed=area)

    for ring in ([alder.ring_key()], [alder.ring_key(), mallory.ring_key()]):
        report = verify.check(content=CONTENT, signature=signature, ring=ring, now=EVERYTHING_VALID)
        if len(ring) == 1:
            refused(report)
        assert report.primary_fingerprint != alder.fingerprint


def test_forged_lines_in_the_signed_files_name_convince_nobody(alder):
    mallory = RawKey()
    message = (
        one_pass(mallory)
        + literal(CONTENT, name=_forged(alder.fingerprint)[:250])
        + encode(Tag.SIGNATURE, mallory.signature(CONTENT))
    )

    refused(verify.check(content=message, signature=None, ring=[alder.ring_key()], now=EVERYTHING_VALID))


def test_forged_lines_in_a_bad_signature_convince_nobody(alder):
    mallory = RawKey()
    ring = [alder.ring_key(), mallory.ring_key(user_ids=(_forged(alder.fingerprint),))]
    signature = mallory.sign_detached(b"other", hashed=notation(b"a@x", _forged(alder.fingerprint)))

    report = verify.check(content=CONTENT, signature=signature, ring=ring, now=EVERYTHING_VALID)

    refused(report)
    assert report.verdict is Verdict.BAD


def test_forged_lines_in_a_user_id_keep_the_key_out_and_are_shown_escaped(alder):
    facts = keys.read_public_key(RawKey().public_block(user_ids=(_forged(alder.fingerprint),)), now=EVERYTHING_VALID)

    assert facts.is_refused
    assert facts.claimed_user_ids[0].startswith("<U+000A>[GNUPG:] GOODSIG")


def test_the_word_invalid_in_a_user_id_does_not_spoil_a_good_signature():
    key = RawKey()
    ring = [key.ring_key(user_ids=(b"gpgv: invalid <pki@company.invalid>",))]

    report = verify.check(content=CONTENT, signature=key.sign_detached(CONTENT), ring=ring, now=EVERYTHING_VALID)

    assert report.is_good
