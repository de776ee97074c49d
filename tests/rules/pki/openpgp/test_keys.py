"""Reading an uploaded public key: its facts, and what is said against it."""

from datetime import timedelta

import pytest

from tests.makers import openpgp as make
from tests.makers.openpgp_raw import CERTIFY, RawKey, notation
from tests.moments import EVERYTHING_VALID
from trust.pki import limits
from trust.pki.openpgp import armor, challenge, components, keys, packets
from trust.pki.openpgp.errors import NotReadable, SecretKeyFound, TooLarge, ToolMissing
from trust.pki.openpgp.ring import RingKey
from trust.pki.openpgp.verdicts import Verdict

NOW = EVERYTHING_VALID


def codes(facts):
    return [finding.code for finding in facts.findings]


class TestFacts:
    @pytest.mark.parametrize(
        ("algorithm", "name", "bits", "curve"),
        [
            ("ed25519", "Ed25519", 255, "Ed25519"),
            ("nistp256", "NIST P-256", 256, "NIST P-256"),
            ("nistp384", "NIST P-384", 384, "NIST P-384"),
            ("rsa3072", "RSA", 3072, None),
        ],
    )
    def test_of_a_key_in_force(self, algorithm, name, bits, curve):
        alder = make.make_holder("Alder", algorithm=algorithm)

        facts = keys.read_public_key(alder.public_block(), now=NOW)

        assert (facts.fingerprint, facts.version) == (alder.fingerprint, 4)
        assert (facts.algorithm, facts.bits, facts.curve) == (name, bits, curve)
        assert facts.created_at == NOW - timedelta(days=1)
        assert facts.expires_at is not None
        assert facts.can_sign_now
        assert not facts.revoked
        assert facts.claimed_user_ids == ("Alder CA signing <pki@alder.example>",)
        assert codes(facts) == []

    def test_the_stored_block_reads_as_the_same_key(self):
        alder = make.make_holder("Alder")

        facts = keys.read_public_key(alder.public_block(), now=NOW)
        again = keys.read_public_key(facts.public_block, now=NOW)

        assert again == facts

    def test_a_binary_export_reads_the_same(self):
        alder = make.make_holder("Alder")
        block = alder.public_block()

        assert keys.read_public_key(armor.decode(block).data, now=NOW) == keys.read_public_key(block, now=NOW)

    @pytest.mark.parametrize("algorithm", ["ed25519", "nistp256/ecdsa", "rsa3072"])
    def test_a_signing_subkey_that_signed_back_is_a_component(self, algorithm):
        alder = make.make_holder("Alder", fresh=True)
        subkey = alder.add_subkey(algorithm)

        facts = keys.read_public_key(alder.public_block(), now=NOW)

        assert facts.subkey_fingerprints == (subkey,)
        assert codes(facts) == []

    def test_an_encryption_subkey_is_no_component(self):
        alder = make.make_holder("Alder", fresh=True)
        alder.add_subkey("cv25519", "encr")

        facts = keys.read_public_key(alder.public_block(), now=NOW)

        assert facts.subkey_fingerprints == ()
        assert codes(facts) == []

    def test_what_strangers_certified_is_dropped(self):
        alder, stranger = make.make_holder("Alder", fresh=True), make.make_holder("Stranger", usage="sign,cert")
        make.gpg("--local-user", stranger.fingerprint, "--quick-sign-key", alder.fingerprint)

        facts = keys.read_public_key(alder.public_block(), now=NOW)

        kept = packets.walk(armor.decode(facts.public_block).data, at_most=100)
        assert [packet.tag for packet in kept] == [6, 13, 2]

    def test_user_ids_are_shown_escaped(self):
        key = RawKey()

        facts = keys.read_public_key(key.public_block(user_ids=("Zoë <z@x.example>".encode(),)), now=NOW)

        assert facts.claimed_user_ids == ("Zo<U+00EB> <z@x.example>",)


class TestFindings:
    @pytest.mark.parametrize(
        ("make_key", "code", "severity"),
        [
            (lambda: make.make_holder("Alder", expires="0"), "key_no_expiry", "warning"),
            (lambda: make.make_holder("Alder", expires="9y"), "key_lives_long", "warning"),
            (lambda: make.make_holder("Alder", expires="10d"), "key_expires_soon", "warning"),
            (lambda: make.make_holder("Alder", algorithm="rsa2048"), "key_rsa_short", "warning"),
            (lambda: make.make_holder("Alder", algorithm="rsa1024"), "key_weak_algorithm", "refuse"),
            (lambda: make.make_holder("Alder", algorithm="dsa2048"), "key_weak_algorithm", "refuse"),
            (lambda: make.make_holder("Alder", algorithm="secp256k1"), "key_weak_algorithm", "refuse"),
            (lambda: make.make_holder("Alder", algorithm="brainpoolP256r1"), "key_weak_algorithm", "refuse"),
            (lambda: make.make_holder("Alder", usage="cert"), "key_cannot_sign", "refuse"),
            (make.expired_holder, "key_expired", "refuse"),
            (make.revoked_holder, "key_revoked", "refuse"),
        ],
    )
    def test_name_what_is_wrong(self, make_key, code, severity):
        holder = make_key()

        facts = keys.read_public_key(holder.public_block(), now=NOW)

        assert (code, severity) in [(finding.code, finding.severity) for finding in facts.findings]
        assert facts.is_refused == (severity == "refuse")
        assert all(finding.fix for finding in facts.findings)

    def test_a_key_from_the_future_is_refused(self):
        key = RawKey(created_at=NOW + timedelta(days=2))

        with pytest.raises(NotReadable):
            keys.read_public_key(key.public_block(), now=NOW)

    def test_a_key_that_has_expired_at_now_cannot_sign(self):
        alder = make.make_holder("Alder")

        facts = keys.read_public_key(alder.public_block(), now=NOW + timedelta(days=500))

        assert codes(facts) == ["key_expired"]
        assert not facts.can_sign_now

    @pytest.mark.parametrize("user_id", [b"a\nb", b"a\x1b[2Jb", "a\u202eb".encode(), "a\u200bb".encode(), b"a\xff\x00"])
    def test_control_characters_in_a_user_id_are_refused(self, user_id):
        facts = keys.read_public_key(RawKey().public_block(user_ids=(user_id,)), now=NOW)

        assert "key_user_id_characters" in codes(facts)
        assert all(" " <= char <= "~" for char in facts.claimed_user_ids[0])

    def test_a_certify_only_key_cannot_sign(self):
        facts = keys.read_public_key(RawKey().public_block(flags=CERTIFY), now=NOW)

        assert codes(facts) == ["key_cannot_sign"]


class TestRefusals:
    def test_a_missing_gpg_fails_closed(self, monkeypatch):
        block = make.make_holder("Alder").public_block()
        monkeypatch.setenv("PATH", "/nowhere")

        with pytest.raises(ToolMissing):
            keys.read_public_key(block, now=NOW)

    def test_two_keys_in_one_block(self):
        blocks = [armor.decode(make.make_holder(name).public_block()).data for name in ("Alder", "Stranger")]

        with pytest.raises(NotReadable, match="2 keys") as refused:
            keys.read_public_key(armor.encode(armor.PUBLIC_KEY, b"".join(blocks)), now=NOW)
        assert refused.value.code == "openpgp_several_keys"

    @pytest.mark.parametrize(
        "upload",
        [b"", b"hello", b"<html>404</html>", b"\x30\x82\x01\x00", b"-----BEGIN CERTIFICATE-----\nMIIB\n", b"\xff" * 99],
    )
    def test_what_is_no_key(self, upload):
        with pytest.raises(NotReadable):
            keys.read_public_key(upload, now=NOW)

    def test_a_signature_is_no_key(self):
        with pytest.raises(NotReadable):
            keys.read_public_key(make.make_holder("Alder").sign_detached(b"x"), now=NOW)

    def test_a_version_6_key(self):
        import pysequoia

        made = pysequoia.Tsk.generate("v6 <v6@x.example>", profile=pysequoia.Profile.RFC9580)

        with pytest.raises(NotReadable) as refused:
            keys.read_public_key(str(made.extract_certificate()).encode(), now=NOW)
        assert refused.value.code == "openpgp_key_version"

    def test_a_huge_upload(self):
        with pytest.raises(TooLarge):
            keys.read_public_key(b"\x99" * (limits.KEY_BYTES_TAKEN + 1), now=NOW)

    def test_a_key_that_stays_large_when_stripped(self):
        key = RawKey()
        block = key.public_block(user_ids=tuple(b"user %d " % number + b"x" * 1900 for number in range(40)))

        with pytest.raises(TooLarge):
            keys.read_public_key(block, now=NOW)

    def test_weak_self_signatures(self):
        with pytest.raises(NotReadable) as refused:
            keys.read_public_key(RawKey().public_block(digest=2), now=NOW)
        assert refused.value.code == "key_weak_self_signature"

    def test_no_user_id(self):
        with pytest.raises(NotReadable) as refused:
            keys.read_public_key(RawKey().public_block(user_ids=()), now=NOW)
        assert refused.value.code == "openpgp_no_user_id"


class TestSecretKeys:
    def test_a_private_key_block_is_found_with_its_line(self):
        alder = make.make_holder("Alder")

        with pytest.raises(SecretKeyFound) as found:
            keys.read_public_key(b"my key:\n\n" + alder.secret_block(), now=NOW)
        assert (found.value.kind, found.value.line) == ("OpenPGP private key", 3)
        assert found.value.fingerprint == alder.fingerprint
        assert alder.secret_block().splitlines()[3] not in str(found.value).encode()

    @pytest.mark.parametrize("algorithm", ["nistp256", "rsa3072"])
    def test_the_exposed_key_is_named_whatever_its_algorithm(self, algorithm):
        alder = make.make_holder("Alder", algorithm=algorithm)

        with pytest.raises(SecretKeyFound) as found:
            keys.read_public_key(alder.secret_block(), now=NOW)
        assert found.value.fingerprint == alder.fingerprint

    def test_a_private_key_under_a_public_label_is_found(self):
        secret = armor.decode(make.make_holder("Alder").secret_block()).data

        for upload in (secret, armor.encode(armor.PUBLIC_KEY, secret)):
            with pytest.raises(SecretKeyFound):
                keys.read_public_key(upload, now=NOW)

    @pytest.mark.parametrize("label", [b"PRIVATE KEY", b"EC PRIVATE KEY", b"ENCRYPTED PRIVATE KEY"])
    def test_pem_private_keys_are_found_as_well(self, label):
        with pytest.raises(SecretKeyFound):
            keys.read_public_key(b"-----BEGIN " + label + b"-----\nAAAA\n", now=NOW)


class TestRevocation:
    def test_a_certificate_revokes_the_stored_key(self):
        alder = make.make_holder("Alder", fresh=True)
        stored = keys.read_public_key(alder.public_block(), now=NOW)

        facts = keys.with_revocation(stored.public_block, alder.revocation_certificate(), now=NOW)

        assert facts.revoked
        assert facts.fingerprint == alder.fingerprint
        assert keys.read_public_key(facts.public_block, now=NOW).revoked

    def test_an_export_of_the_revoked_key_revokes_it_too(self):
        alder = make.make_holder("Alder", fresh=True)
        stored = keys.read_public_key(alder.public_block(), now=NOW)
        alder.revoke()

        assert keys.with_revocation(stored.public_block, alder.public_block(), now=NOW).revoked

    @pytest.mark.parametrize("of_whom", ["somebody else", "nobody", "not one"])
    def test_anything_else_does_not(self, of_whom):
        alder, other = make.make_holder("Alder"), make.make_holder("Stranger", fresh=True)
        other.revoke()
        upload = {
            "somebody else": other.revocation_certificate(),
            "nobody": alder.public_block(),
            "not one": alder.sign_detached(b"x"),
        }[of_whom]

        with pytest.raises(NotReadable):
            keys.with_revocation(alder.public_block(), upload, now=NOW)


class TestChallenge:
    TEXT = challenge.challenge_text(
        organization="Alder", key="9CAD ... E07B", nonce="ab" * 16, issued_at=NOW, expires_at=NOW + timedelta(hours=1)
    )

    def judged(self, answer, holder):
        return challenge.judge_answer(answer, text=self.TEXT, ring=[holder.ring_key()], now=NOW)

    def test_the_signed_text_proves_possession(self):
        alder = make.make_holder("Alder")

        assert self.judged(alder.clearsign(self.TEXT.encode()), alder).is_good

    def test_the_signed_text_of_a_windows_editor_does_as_well(self):
        alder = make.make_holder("Alder")
        text = self.TEXT.replace("\n", "\r\n").encode()

        assert self.judged(alder.clearsign(text), alder).is_good

    @pytest.mark.parametrize("change", ["another text", "text before", "another key", "unsigned"])
    def test_anything_else_does_not(self, change):
        alder, other = make.make_holder("Alder"), make.make_holder("Stranger")
        text = self.TEXT.encode()
        answer = {
            "another text": alder.clearsign(text.replace(b"Nonce: ab", b"Nonce: ac")),
            "text before": alder.clearsign(b"I agree to everything.\n" + text),
            "another key": other.clearsign(text),
            "unsigned": text,
        }[change]

        report = self.judged(answer, alder)

        assert report.verdict is not Verdict.GOOD
        assert report.content is None


class TestComponents:
    def test_a_back_signature_by_another_key_does_not_count(self):
        mallory, victim, other = RawKey(), RawKey(), RawKey()
        block = armor.decode(mallory.public_block(mallory.bound(victim.body, back_signer=other))).data

        read = components.read(packets.walk(block, at_most=10))

        assert not read.subkeys[0].signed_back
        assert read.components == (read.primary,)

    def test_a_genuine_back_signature_counts(self):
        key, subkey = RawKey(), RawKey()
        block = armor.decode(key.public_block(key.bound(subkey.body, back_signer=subkey))).data

        assert components.read(packets.walk(block, at_most=10)).subkeys[0].signed_back


def test_a_notation_in_a_self_signature_changes_nothing():
    key = RawKey()
    plain = keys.read_public_key(key.public_block(), now=NOW)
    noted = keys.read_public_key(key.public_block(unhashed=notation(b"a@b", b"x" * 500)), now=NOW)

    assert noted.findings == plain.findings
    assert RingKey(noted.fingerprint, noted.public_block)
