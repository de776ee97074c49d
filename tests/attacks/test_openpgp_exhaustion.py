"""Uploads that want to be expensive: bombs, floods and hostile keys. Each is refused quickly."""

import time
import zlib
from datetime import timedelta

import pytest

from tests.makers import openpgp as make
from tests.makers.openpgp_raw import RawKey, literal, one_pass
from tests.moments import EVERYTHING_VALID
from trust.pki import limits
from trust.pki.openpgp import armor, keys, verify
from trust.pki.openpgp.errors import NotReadable, SecretKeyFound
from trust.pki.openpgp.packets import Tag, encode
from trust.pki.openpgp.verdicts import Verdict

CONTENT = b"trust these"


@pytest.fixture(autouse=True)
def quickly():
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 10


def check(content, signature=None):
    alder = make.make_holder("Alder")
    report = verify.check(content=content, signature=signature, ring=[alder.ring_key()], now=EVERYTHING_VALID)
    assert report.content is None
    return report.verdict


def _compressed(data, wbits=-15):
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return encode(Tag.COMPRESSED, (b"\x01" if wbits < 0 else b"\x02") + packer.compress(data) + packer.flush())


def test_a_compression_bomb_is_refused_at_its_limit():
    key = RawKey()
    inside = one_pass(key) + literal(b"\0" * (limits.SIGNED_BYTES + limits.MIB)) + encode(Tag.SIGNATURE, b"\x04")

    assert check(_compressed(inside)) is Verdict.TOO_LARGE


def test_nested_compression_is_refused():
    nested = make.make_holder("Alder").sign_inline(CONTENT)
    for _ in range(40):
        nested = _compressed(nested)

    assert check(nested) is Verdict.TOO_LARGE


def test_symmetric_encryption_is_refused_without_a_prompt():
    encrypted = make.gpg("--passphrase", "secret", "--symmetric", data=CONTENT)

    assert check(encrypted) is Verdict.NOT_A_SIGNATURE
    assert check(armor.encode(armor.MESSAGE, encrypted)) is Verdict.NOT_A_SIGNATURE


def test_200_signature_packets_are_refused_by_count():
    one = make.make_holder("Alder").sign_detached(CONTENT, armored=False)

    assert check(CONTENT, one * 200) is Verdict.MULTIPLE_SIGNATURES


def test_an_oversized_signature_is_refused_unread():
    assert check(CONTENT, b"\xc2" * (limits.SIGNATURE_BYTES + 1)) is Verdict.TOO_LARGE


def test_an_oversized_document_is_refused_unread():
    signature = make.make_holder("Alder").sign_detached(CONTENT)

    assert check(b"\0" * (limits.SIGNED_BYTES + 1), signature) is Verdict.TOO_LARGE


def test_a_huge_packet_length_is_refused():
    assert check(CONTENT, b"\xc2\xff\xff\xff\xff\xff" + b"\0" * 20) is Verdict.NOT_A_SIGNATURE


def test_3000_certifications_are_stripped():
    key, stranger = RawKey(), RawKey()
    foreign = encode(Tag.SIGNATURE, stranger.signature(b"x", kind=0x10, made_at=key.created_at))
    block = key.public_block(foreign * 3000)
    started = time.monotonic()

    facts = keys.read_public_key(block, now=EVERYTHING_VALID)

    assert time.monotonic() - started < 2
    assert len(facts.public_block) < limits.KIB


def test_a_300_kb_photo_is_stripped():
    key = RawKey()
    photo = encode(Tag.USER_ATTRIBUTE, b"\xff" + (300_001).to_bytes(4, "big") + b"\x01" + b"x" * 300_000)

    facts = keys.read_public_key(key.public_block(photo), now=EVERYTHING_VALID)

    assert len(facts.public_block) < limits.KIB


def test_a_key_from_the_future_or_without_a_user_id_is_refused():
    for block in (
        RawKey(created_at=EVERYTHING_VALID + timedelta(days=2)).public_block(),
        RawKey().public_block(user_ids=()),
    ):
        with pytest.raises(NotReadable):
            keys.read_public_key(block, now=EVERYTHING_VALID)


def test_a_secret_key_is_refused_with_the_advice_to_revoke():
    with pytest.raises(SecretKeyFound) as found:
        keys.read_public_key(make.make_holder("Alder").secret_block(), now=EVERYTHING_VALID)

    assert "revoke" in found.value.fix
