"""A signature is good, bad or missing, and the report says which, why, and what to do."""

from datetime import timedelta

import gnupg
import pytest

from tests.makers import openpgp as make
from tests.makers.openpgp_raw import RawKey
from tests.moments import EVERYTHING_VALID
from trust.pki.openpgp import armor, gpgv, second_reader, verify
from trust.pki.openpgp.errors import RingBroken, ToolMissing
from trust.pki.openpgp.ring import RingKey
from trust.pki.openpgp.verdicts import WORDS, Verdict

CONTENT = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n- dash\nFrom me\ntrailing  \n\nlast"
CLEAR = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n- dash\nFrom me\ntrailing\n\nlast\n"


def check(content, signature=None, *holders, now=EVERYTHING_VALID):
    ring = [holder.ring_key() for holder in holders]
    return verify.check(content=content, signature=signature, ring=ring, now=now)


@pytest.fixture(params=["ed25519", "nistp256", "rsa3072"])
def alder(request):
    return make.make_holder("Alder", algorithm=request.param)


class TestGoodSignatures:
    @pytest.mark.parametrize("armored", [True, False])
    def test_detached(self, alder, armored):
        report = check(CONTENT, alder.sign_detached(CONTENT, armored=armored), alder)

        assert report.verdict is Verdict.GOOD
        assert report.content == CONTENT
        assert report.primary_fingerprint == report.signing_fingerprint == report.signer_hint == alder.fingerprint
        assert report.created_at == EVERYTHING_VALID
        assert report.digest_algorithm in ("SHA256", "SHA512")
        assert [name.split()[0] for name in report.tool_versions] == ["gpgv", "pysequoia"]
        assert any("VALIDSIG" in line for line in report.status_lines)

    def test_clearsigned(self, alder):
        report = check(alder.clearsign(CONTENT), None, alder)

        assert (report.verdict, report.form, report.content) == (Verdict.GOOD, "clearsigned", CLEAR)

    def test_clearsigned_with_windows_line_ends(self, alder):
        report = check(alder.clearsign(CONTENT).replace(b"\n", b"\r\n"), None, alder)

        assert (report.verdict, report.content) == (Verdict.GOOD, CLEAR)

    @pytest.mark.parametrize(
        "options", [(), ("-z", "0"), ("--compress-algo", "zlib"), ("--compress-algo", "bzip2")], ids=str
    )
    @pytest.mark.parametrize("armored", [True, False])
    def test_inline(self, options, armored):
        alder = make.make_holder("Alder")

        report = check(alder.sign_inline(CONTENT, *options, armored=armored), None, alder)

        assert (report.verdict, report.form, report.content) == (Verdict.GOOD, "inline", CONTENT)

    def test_inline_in_the_older_order(self):
        from tests.makers.openpgp_raw import literal
        from trust.pki.openpgp.packets import Tag, encode

        key = RawKey()
        message = encode(Tag.SIGNATURE, key.signature(CONTENT)) + literal(CONTENT)

        report = check(message, None, key)

        assert (report.verdict, report.content) == (Verdict.GOOD, CONTENT)

    def test_by_a_subkey_names_both_fingerprints(self):
        alder = make.make_holder("Alder", fresh=True)
        subkey = alder.add_subkey()

        report = check(CONTENT, alder.sign_detached(CONTENT), alder)

        assert report.verdict is Verdict.GOOD
        assert (report.primary_fingerprint, report.signing_fingerprint) == (alder.fingerprint, subkey)

    def test_counts_with_other_keys_in_the_ring_in_any_order(self):
        alder, following = make.make_holder("Alder"), make.make_holder("Alder next")
        signature = alder.sign_detached(CONTENT)

        for holders in ((alder, following), (following, alder)):
            assert check(CONTENT, signature, *holders).primary_fingerprint == alder.fingerprint

    def test_of_an_old_date_is_still_good(self):
        alder = make.make_holder("Old", made_at="20260101T000000", expires="5y")

        report = check(CONTENT, alder.sign_detached(CONTENT, at="20260102T000000"), alder)

        assert report.verdict is Verdict.GOOD

    def test_within_the_clock_skew_is_good(self):
        alder = make.make_holder("Alder")
        signature = alder.sign_detached(CONTENT)

        assert check(CONTENT, signature, alder, now=EVERYTHING_VALID - timedelta(minutes=4)).is_good


class TestRefusals:
    def test_every_verdict_has_words(self):
        assert set(WORDS) == set(Verdict)
        assert all(sentence and (fix or verdict is Verdict.GOOD) for verdict, (sentence, fix) in WORDS.items())

    def test_a_refused_signature_carries_no_content(self):
        alder = make.make_holder("Alder")

        report = check(CONTENT + b"x", alder.sign_detached(CONTENT), alder)

        assert report.verdict is Verdict.BAD
        assert report.content is None

    def test_an_unknown_key_is_named_as_a_hint_only(self):
        alder, stranger = make.make_holder("Alder"), make.make_holder("Stranger")

        report = check(CONTENT, stranger.sign_detached(CONTENT), alder)

        assert report.verdict is Verdict.UNKNOWN_KEY
        assert report.signer_hint == stranger.fingerprint
        assert report.primary_fingerprint is None

    def test_an_empty_ring_knows_nobody(self):
        assert check(CONTENT, make.make_holder("Alder").sign_detached(CONTENT)).verdict is Verdict.UNKNOWN_KEY

    def test_a_key_that_expires_before_now_is_expired(self):
        alder = make.make_holder("Alder")
        signature = alder.sign_detached(CONTENT)

        report = check(CONTENT, signature, alder, now=EVERYTHING_VALID + timedelta(days=400))

        assert report.verdict is Verdict.KEY_EXPIRED

    def test_a_signature_without_its_issuers_full_fingerprint_is_refused(self):
        key = RawKey()

        assert check(CONTENT, key.sign_detached(CONTENT, name_issuer=False), key).verdict is Verdict.NO_ISSUER

    @pytest.mark.parametrize("version", [2, 3, 5, 6])
    def test_other_versions_are_refused(self, version):
        key = RawKey()

        report = check(CONTENT, key.sign_detached(CONTENT, version=version), key)

        assert report.verdict is Verdict.UNSUPPORTED_VERSION

    @pytest.mark.parametrize("kind", [0x02, 0x10, 0x20, 0x40])
    def test_other_types_are_refused(self, kind):
        key = RawKey()

        assert check(CONTENT, key.sign_detached(CONTENT, kind=kind), key).verdict is Verdict.WRONG_TYPE

    def test_a_critical_notation_that_nobody_knows_is_refused(self):
        from tests.makers.openpgp_raw import subpacket

        key = RawKey()
        critical = subpacket(20, b"\0\0\0\0\0\x01\0\x01ab", critical=True)

        report = check(CONTENT, key.sign_detached(CONTENT, hashed=critical), key)

        assert report.verdict is Verdict.BAD

    def test_a_stored_key_that_is_another_key_stops_everything(self):
        alder, other = make.make_holder("Alder"), make.make_holder("Stranger")
        ring = [RingKey(alder.fingerprint, other.public_block())]

        with pytest.raises(RingBroken):
            verify.check(content=CONTENT, signature=alder.sign_detached(CONTENT), ring=ring, now=EVERYTHING_VALID)

    def test_a_second_reader_that_disagrees_refuses(self, monkeypatch):
        alder = make.make_holder("Alder")
        monkeypatch.setattr(second_reader, "_same_signer", _disagree)

        report = check(CONTENT, alder.sign_detached(CONTENT), alder)

        assert report.verdict is Verdict.DISAGREEMENT
        assert report.content is None
        assert report.status_lines


def _disagree(*_arguments):
    raise second_reader.Disagreement("The second verifier names another key as the signer.")


class TestTools:
    def test_a_missing_gpgv_fails_closed(self, monkeypatch):
        alder = make.make_holder("Alder")
        signature = alder.sign_detached(CONTENT)
        monkeypatch.setenv("PATH", "/nowhere")

        with pytest.raises(ToolMissing):
            check(CONTENT, signature, alder)

    def test_a_gpgv_that_hits_its_limit_is_no_verdict(self, monkeypatch):
        alder = make.make_holder("Alder")
        monkeypatch.setattr(gpgv.limits, "TOOL_WALL_SECONDS", 0.0001)

        assert check(CONTENT, alder.sign_detached(CONTENT), alder).verdict is Verdict.TOO_LARGE


class TestWhyStatusLinesAreJudged:
    """What the obvious implementation accepts, so that nobody simplifies ours into it."""

    def believed(self, holder, signature, content):
        home = gnupg.GPG(gnupghome=str(make.home()))
        path = make.home() / "signed-content"
        path.write_bytes(content)
        signature_path = make.home() / "signature"
        signature_path.write_bytes(signature)
        with signature_path.open("rb") as handle:
            return home.verify_file(handle, str(path))

    @pytest.mark.parametrize("case", ["expired", "revoked"])
    def test_exit_status_and_python_gnupgs_status_accept_what_we_refuse(self, case):
        if case == "expired":
            holder = make.expired_holder()
            signature = holder.sign_detached(CONTENT, at="20250105T000000")
        else:
            holder, signature = make.sign_then_revoke(CONTENT)

        report = check(CONTENT, signature, holder)
        seen = self.believed(holder, signature, CONTENT)
        ring = armor.decode(holder.public_block()).data
        run = gpgv.run(ring=ring, signed=armor.decode(signature).data, content=CONTENT)

        assert report.verdict in (Verdict.KEY_EXPIRED, Verdict.KEY_REVOKED)
        assert run.returncode == 0
        assert seen.status == "signature valid"

    def test_python_gnupg_calls_text_around_a_clearsigned_file_valid(self):
        alder = make.make_holder("Alder")
        smuggled = b"trust this as well\n" + alder.clearsign(CONTENT)

        seen = gnupg.GPG(gnupghome=str(make.home())).verify(smuggled)

        assert seen.valid
        assert check(smuggled, None, alder).verdict is Verdict.UNSIGNED_CONTENT
