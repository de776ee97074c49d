"""``trustx notice`` with a real gpg against the portal itself: what it signs is taken, and what it answers counts."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
from trustx import cli, notices
from trustx.stops import Exit

from notifications.acknowledgements import rules as acknowledgements
from notifications.acknowledgements.models import NoticeAnswer
from portal.organizations import services as organizations
from tests.makers import notices as make
from tests.makers import openpgp, stores
from trust.notices import document, rules
from trust.notices.models import Notice
from trust.verifications.models import VerificationRequest

ISSUING = stores.hierarchy("Alder").issuing


class Desk:
    """One company's desk with its token and its gpg. ``said`` is the last line that the command printed."""

    def __init__(self, folder: Path, url: str, company, scopes: list[str], now, capsys) -> None:
        _, secret = organizations.create_api_token(
            name="Desk", scopes=scopes, lifetime=timedelta(days=1), actor=company.admin.actor, now=now
        )
        self.folder, self._capsys = folder, capsys
        self._reach = ["--portal", url, "--token-file", str(folder / f"{company.organization.slug}.token")]
        (folder / f"{company.organization.slug}.token").write_text(secret)

    def __call__(self, command: str, *options: object, network: bool = True) -> int:
        code = cli.main(["notice", command, *map(str, options), *(self._reach if network else [])])
        self.printed = self._capsys.readouterr().out
        lines = self.printed.strip().splitlines()
        self.said = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
        return code


@pytest.fixture
def exchange(cast, tmp_path, monkeypatch):
    """Alder's published store, and Alder's key that Birch verified."""
    monkeypatch.setenv("GNUPGHOME", str(openpgp.home()))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "issuing.pem").write_bytes(ISSUING.pem)
    stores.published(cast)
    return make.make_signer(cast)


@pytest.fixture
def alder(cast, exchange, live_server, tmp_path, now, capsys):
    desk = Desk(tmp_path, live_server.url, cast.alder, ["notices"], now, capsys)
    desk.key = exchange.holder.fingerprint
    return desk


@pytest.fixture
def birch(cast, exchange, live_server, tmp_path, now, capsys):
    desk = Desk(tmp_path, live_server.url, cast.birch, ["acknowledge"], now, capsys)
    desk.key = make.make_signer(cast, name="Birch", sender=cast.birch).holder.fingerprint
    return desk


REVOKE = ["--kind", "ca_revocation", "--issuer", "alder", "--partner", "birch", "--certificate", "issuing.pem",
          "--reason", "keyCompromise", "--effective", "+4h"]  # fmt: skip


class TestWords:
    def test_are_those_of_the_portal(self):
        assert set(notices.KINDS) == document.KINDS
        assert set(notices.REASONS) == set(rules.REASONS)
        assert set(notices.REVOCATIONS) == rules.REVOCATIONS
        assert (notices.FORMAT, notices.ACKNOWLEDGEMENT) == (document.FORMAT, acknowledgements.FORMAT)
        assert notices.DISTRESS_LASTS_AT_MOST == rules.DISTRESS_LASTS

    def test_are_written_as_the_portal_writes_them(self, now):
        members = {"summary": "Ünïcode \u20ac \U0001f600", "details": [1, True, {"b": "2", "a": "1"}]}
        made = notices.compose("maintenance", issuer="alder", partner="birch", now=now, members=members)

        assert notices.canonical(made) == document.canonical(made)


@pytest.mark.django_db(transaction=True)
class TestSign:
    def test_composes_signs_and_sends_in_one_command(self, alder):
        assert alder("sign", *REVOKE, "--summary", "HSM lost.", "--key", alder.key, "--send") == Exit.OK

        notice = Notice.objects.get()
        assert (alder.said["outcome"], alder.said["notice"]) == ("accepted", notice.label)
        assert (notice.certificate_id, notice.says["summary"]) == (ISSUING.sha256, "HSM lost.")
        # What was sent lies on the disk as well, with its signature.
        (kept,) = alder.folder.glob("notice-*.json")
        assert kept.read_bytes() == bytes(notice.content)
        assert (alder.folder / f"{kept.name}.asc").read_bytes() == bytes(notice.signature)

    def test_signs_offline_what_was_written_before_and_sends_later(self, alder):
        assert alder("write", *REVOKE, "--out", "n.json", network=False) == Exit.OK
        written = Path("n.json").read_bytes()
        assert alder("sign", "n.json", "--key", alder.key) == Exit.OK

        assert alder("send", "n.json", "--signature", "n.json.asc") == Exit.OK
        assert bytes(Notice.objects.get().content) == written

    def test_sending_again_changes_nothing_and_says_so(self, alder):
        alder("sign", *REVOKE, "--key", alder.key, "--out", "n.json", "--send")
        first = alder.said["answer"]

        assert alder("send", "n.json", "--signature", "n.json.asc") == Exit.OK
        assert (alder.said["replayed"], alder.said["answer"]) == (True, first)
        assert Notice.objects.count() == 1

    def test_takes_a_file_and_lets_options_win(self, alder):
        draft = {"event_type": "maintenance", "issuer": "alder", "partner": "cedar", "summary": "HSM firmware"}
        Path("draft.json").write_text(json.dumps(draft))
        moments = ["--set", "starts_at=2031-01-01T00:00:00Z", "--set", "ends_at=2031-01-01T02:00:00Z"]
        more = [*moments, "--effective", "+30d"]

        assert (
            alder("sign", "--from", "draft.json", "--partner", "birch", *more, "--key", alder.key, "--send") == Exit.OK
        )
        assert Notice.objects.get().says["summary"] == "HSM firmware"

    def test_says_that_nothing_happens_while_the_key_is_not_verified(self, alder):
        VerificationRequest.objects.filter(fingerprint=alder.key).delete()

        assert alder("sign", *REVOKE, "--key", alder.key, "--send") == Exit.NOT_ACTED_ON
        assert alder.said["outcome"] == "shown_only"
        assert "by phone" in alder.said["said"]

    def test_says_what_the_portal_refuses_field_by_field(self, alder):
        REST = ["--kind", "key_replacement", "--issuer", "alder", "--partner", "birch", "--key", alder.key, "--send"]

        assert alder("sign", *REST) == Exit.REFUSED
        assert "new_key_fingerprint" in alder.said["said"]
        assert alder.said["problem"]["code"] == "notice_schema"
        assert not Notice.objects.exists()

    def test_is_refused_without_the_scope(self, birch):
        assert birch("sign", *REVOKE, "--key", birch.key, "--send") == Exit.NO_ACCESS
        assert not Notice.objects.exists()


class TestUsage:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b'{"issuer":"a","issuer":"b"}', "twice"),
            (b'{"details": 1.5}', "1.5"),
            (b"[]", "object"),
            (b"\xff", "UTF-8"),
            (b'{"details": NaN}', "NaN"),
            (b'{"details": 99999999999999999}', "2^53"),
            (b'{"event_type": "party"}', "no kind"),
            (b"[" * 100_000, "JSON"),
        ],
    )
    def test_refuses_a_draft_that_could_be_read_in_two_ways(self, tmp_path, capsys, content, words):
        (tmp_path / "draft.json").write_bytes(content)

        code = cli.main(["notice", "write", "--from", str(tmp_path / "draft.json"), "--out", str(tmp_path / "out")])

        assert code == Exit.USAGE
        assert words in capsys.readouterr().out
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("when", ["tomorrow", "2026-11-24T02:18:00", "+4x", "+99999999999d", ""])
    def test_refuses_a_moment_without_a_zone(self, now, when):
        with pytest.raises(Exception, match="time zone"):
            notices.moment(when, now)

    def test_knows_moments(self, now):
        assert notices.moment("+4h", now) - now == timedelta(hours=4)
        assert notices.stamp(notices.moment("2026-11-24T03:18:00+01:00", now)) == "2026-11-24T02:18:00Z"

    def test_does_not_follow_a_link_where_it_writes(self, tmp_path, capsys, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "secret").write_text("keep me")
        (tmp_path / "out.json").symlink_to("secret")

        code = cli.main(
            ["notice", "write", "--kind", "maintenance", "--issuer", "a", "--partner", "b", "--out", "out.json"]
        )

        assert code == Exit.NOT_WRITTEN
        assert (tmp_path / "secret").read_text() == "keep me"


@pytest.mark.django_db(transaction=True)
class TestAnswer:
    @pytest.fixture
    def label(self, exchange):
        return exchange.send().notice.label

    def test_is_signed_and_bound_to_the_bytes_of_the_notice(self, birch, label):
        assert birch("acknowledge", label, "--key", birch.key, "--out", "a.json") == Exit.OK

        given = NoticeAnswer.objects.get(answer="acknowledged")
        said = json.loads(Path("a.json").read_text())
        assert (given.document_sha256, birch.said["first"]) == (
            hashlib.sha256(Path("a.json").read_bytes()).hexdigest(),
            True,
        )
        assert said["payload_sha256"] == Notice.objects.get().payload_sha256

    def test_tells_who_was_first(self, birch, label):
        birch("acknowledge", label, "--unsigned")

        assert birch("acknowledge", label, "--key", birch.key) == Exit.OK
        assert birch.said["first"] is False
        assert "was first" in birch.said["said"]

    def test_done_carries_its_evidence(self, birch, label):
        Path("log").write_text("v2 runs everywhere")

        code = birch(
            "acknowledge", label, "--answer", "done", "--message", "v2 runs.", "--evidence", "log", "--key", birch.key
        )

        assert code == Exit.OK
        digest = hashlib.sha256(b"v2 runs everywhere").hexdigest()
        assert NoticeAnswer.objects.get(answer="done").evidence_sha256 == digest

    def test_checks_the_partners_signature_first_where_it_is_pinned(self, birch, exchange, label):
        Path("alder.asc").write_bytes(exchange.holder.public_block())
        other = openpgp.make_holder("Mallory").fingerprint
        pins = ["--partner-keys", "alder.asc", "--partner-fingerprint"]

        assert birch("acknowledge", label, "--key", birch.key, *pins, other) == Exit.NOT_COVERED
        assert not NoticeAnswer.objects.filter(answer="acknowledged").exists()
        assert birch("acknowledge", label, "--key", birch.key, *pins, exchange.holder.fingerprint) == Exit.OK
        assert birch.said["signed_by"] == exchange.holder.fingerprint

    def test_is_not_given_to_a_notice_whose_digest_is_of_other_bytes(self, birch, label):
        Notice.objects.update(payload_sha256="0" * 64)

        assert birch("acknowledge", label, "--key", birch.key) == Exit.REFUSED
        assert not NoticeAnswer.objects.filter(answer="acknowledged").exists()

    def test_needs_a_notice_that_is_there(self, birch, label):
        assert birch("acknowledge", "AL-1999-001", "--key", birch.key) == Exit.NO_ACCESS

    def test_shows_the_night_page_and_what_the_partner_signed(self, birch, exchange, label):
        Path("alder.asc").write_bytes(exchange.holder.public_block())

        pins = ["--partner-keys", "alder.asc", "--partner-fingerprint", exchange.holder.fingerprint]

        assert birch("show", label, *pins) == Exit.OK
        assert f"Notice      {label}" in birch.printed
        assert f"Checked here: {exchange.holder.fingerprint} signed exactly this:" in birch.printed
        assert ISSUING.sha256 in birch.printed.rpartition("Checked here")[2]
        assert birch("show", label, "--json") == Exit.OK
        assert json.loads(birch.printed)["label"] == label


@pytest.mark.django_db(transaction=True)
class TestDistress:
    def test_is_prepared_offline_and_handed_in_without_a_token(self, alder, live_server):
        made = ["--certificate", "issuing.pem", "--issuer", "alder", "--partner", "birch", "--key", alder.key]
        assert alder("distress", *made, "--out", "safe", network=False) == Exit.OK
        assert "notice hand-in" in Path("safe/READ-ME-FIRST.txt").read_text()
        assert Path("safe").stat().st_mode & 0o777 == 0o700
        assert not Notice.objects.exists()

        files = ["safe/notice.json", "--signature", "safe/notice.json.asc", "--portal", live_server.url]
        assert alder("hand-in", *files, network=False) == Exit.OK
        notice = Notice.objects.get()
        assert (notice.distress, notice.state, notice.certificate_id) == (True, "executed", ISSUING.sha256)
        assert alder("hand-in", *files, network=False) == Exit.OK
        assert alder.said["replayed"] is True
        assert Notice.objects.count() == 1

    def test_does_not_last_for_ever(self, alder):
        made = ["--certificate", "issuing.pem", "--issuer", "alder", "--partner", "birch", "--key", alder.key]

        assert alder("distress", *made, "--out", "safe", "--days", "500", network=False) == Exit.USAGE
        assert not Path("safe").exists()


class TestARevocationOfAnUnknownCa:
    def test_is_taken_and_says_that_nothing_is_done_for_the_partner(self, alder, tmp_path):
        members = ["--set", "certificate_serial=0A1B2C", "--set", "certificate_issuer=CN=Unheard of,O=Alder"]
        revoke = ["--kind", "certificate_revocation", "--issuer", "alder", "--partner", "birch",
                  "--reason", "keyCompromise", "--effective", "now", "--out", "leaf.json"]  # fmt: skip

        assert alder("sign", *revoke, *members, "--key", alder.key, "--send") == Exit.OK

        assert "changes no trust store" in alder.said["said"]
        assert "certificate_issuer_sha256" in alder.said["fix"]
