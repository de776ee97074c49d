"""Signatures by keys that must not count: strangers, expired, revoked, borrowed and adopted ones."""

import itertools

import pytest

from tests.makers import openpgp as make
from tests.makers.openpgp_raw import A_DAY_AGO, CERTIFY, RawKey
from tests.moments import EVERYTHING_VALID
from trust.pki.openpgp import keys, verify
from trust.pki.openpgp.ring import RingKey
from trust.pki.openpgp.verdicts import Verdict

CONTENT = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def check(signature, *holders, content=CONTENT):
    ring = [holder.ring_key() for holder in holders]
    return verify.check(content=content, signature=signature, ring=ring, now=EVERYTHING_VALID)


def assert_refused(report, *verdicts):
    assert report.verdict in verdicts
    assert report.content is None


def test_a_stranger_with_the_partners_user_id_is_unknown_and_known_by_fingerprint():
    alder, impostor = make.make_holder("Alder"), make.make_holder("Alder", fresh=True)

    report = check(impostor.sign_detached(CONTENT), alder)

    assert_refused(report, Verdict.UNKNOWN_KEY)
    assert report.signer_hint == impostor.fingerprint
    assert not any("Alder" in line for line in report.status_lines)


def test_another_partners_registered_key_is_unknown_in_this_partners_ring():
    alder, birch = make.make_holder("Alder"), make.make_holder("Birch")

    assert_refused(check(birch.sign_detached(CONTENT), alder), Verdict.UNKNOWN_KEY)
    assert_refused(check(birch.sign_detached(CONTENT, "--local-user", alder.fingerprint), birch, alder),
                   Verdict.MULTIPLE_SIGNATURES)  # fmt: skip


@pytest.mark.parametrize("signed_at", ["20250105T000000", "20250120T000000"])
def test_an_expired_key_is_refused_also_for_a_date_in_its_lifetime(signed_at):
    expired = make.expired_holder()

    assert_refused(check(expired.sign_detached(CONTENT, at=signed_at), expired), Verdict.KEY_EXPIRED)


def test_a_revoked_key_is_refused_whatever_the_date_in_the_signature():
    revoked, before = make.sign_then_revoke(CONTENT)

    assert_refused(check(before, revoked), Verdict.KEY_REVOKED)


def test_a_revoked_subkey_is_refused_for_signatures_made_before():
    alder = make.make_holder("Alder", fresh=True)
    alder.add_subkey()
    signature = alder.sign_detached(CONTENT)
    assert check(signature, alder).is_good

    make.gpg("--command-fd", "0", "--edit-key", alder.fingerprint, data=b"key 1\nrevkey\ny\n1\n\ny\nsave\n")
    alder._cache.clear()

    assert_refused(check(signature, alder), Verdict.KEY_REVOKED)


@pytest.mark.parametrize("flags", [CERTIFY, 0x20, 0x0C], ids=["certify", "authenticate", "encrypt"])
def test_a_component_that_may_not_sign_is_refused(flags):
    key, subkey = RawKey(), RawKey()
    bound = key.bound(subkey.body, flags=flags, back_signer=subkey)

    report = check(subkey.sign_detached(CONTENT), _Ring(key, bound))

    assert_refused(report, Verdict.KEY_CANNOT_SIGN)


def test_a_signing_subkey_without_back_signature_is_refused():
    key, subkey = RawKey(), RawKey()

    report = check(subkey.sign_detached(CONTENT), _Ring(key, key.bound(subkey.body)))

    assert_refused(report, Verdict.KEY_CANNOT_SIGN)


def test_good_and_unknown_signatures_in_one_file_get_one_verdict_in_both_orders():
    alder, stranger = make.make_holder("Alder"), make.make_holder("Stranger")

    for order in itertools.permutations([alder, stranger]):
        assert_refused(check(make.signed_by(CONTENT, *order), alder), Verdict.MULTIPLE_SIGNATURES)


def test_good_and_revoked_signatures_in_one_file_are_refused_in_both_orders():
    alder = make.make_holder("Alder")
    revoked, before = make.sign_then_revoke(CONTENT)
    from trust.pki.openpgp import armor

    parts = [alder.sign_detached(CONTENT, armored=False), armor.decode(before).data]
    for order in itertools.permutations(parts):
        assert_refused(check(b"".join(order), alder, revoked), Verdict.MULTIPLE_SIGNATURES)


def test_good_and_bad_signatures_in_one_file_are_refused():
    alder = make.make_holder("Alder")
    both = alder.sign_detached(CONTENT, armored=False) + alder.sign_detached(b"other", armored=False)

    assert_refused(check(both, alder), Verdict.MULTIPLE_SIGNATURES)


class TestAdoptedSubkey:
    """Mallory registers a key that claims Alder's signing subkey, without Alder's subkey agreeing."""

    def made(self):
        alder, subkey, mallory = RawKey(), RawKey(), RawKey()
        alder_block = alder.public_block(
            alder.bound(subkey.body, back_signer=subkey), user_ids=(b"Alder <a@alder.example>",)
        )
        adopting = mallory.public_block(mallory.bound(subkey.body))
        return alder, subkey, mallory, alder_block, adopting

    def test_the_adopting_key_is_refused_and_the_subkey_not_counted_as_its_own(self):
        _alder, subkey, _mallory, _block, adopting = self.made()

        facts = keys.read_public_key(adopting, now=EVERYTHING_VALID)

        assert facts.is_refused
        assert "key_subkey_not_confirmed" in [finding.code for finding in facts.findings]
        assert subkey.fingerprint not in facts.subkey_fingerprints

    def test_a_forged_back_signature_does_not_help(self):
        _alder, subkey, mallory, _block, _adopting = self.made()
        forged = mallory.public_block(mallory.bound(subkey.body, back_signer=mallory))

        facts = keys.read_public_key(forged, now=EVERYTHING_VALID)

        assert facts.is_refused
        assert facts.subkey_fingerprints == ()

    def test_alders_uploads_keep_working_and_mallory_gains_nothing(self):
        alder, subkey, mallory, block, adopting = self.made()
        signature = subkey.sign_detached(CONTENT)

        alders = verify.check(
            content=CONTENT, signature=signature, ring=[RingKey(alder.fingerprint, block)], now=EVERYTHING_VALID
        )
        mallorys = verify.check(
            content=CONTENT, signature=signature, ring=[RingKey(mallory.fingerprint, adopting)], now=EVERYTHING_VALID
        )

        assert alders.is_good
        assert alders.primary_fingerprint == alder.fingerprint
        assert_refused(mallorys, Verdict.KEY_CANNOT_SIGN)


class _Ring:
    """A raw key with more packets, as a holder whose ring key is asked for."""

    def __init__(self, key, *more):
        self.key, self.more = key, more

    def ring_key(self):
        return self.key.ring_key(*self.more, made_at=A_DAY_AGO)
