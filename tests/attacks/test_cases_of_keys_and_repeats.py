"""Abuse cases 7, 20 to 24 and 43: hostile keys, bundles sent again, private keys, and a call about what has changed."""

import gzip
import logging
from datetime import timedelta

import pytest
from django.db import connection

from portal import errors
from portal.audit.models import Event
from portal.counting.models import Tally
from portal.dashboard import needs
from portal.dashboard.desk import Desk
from portal.dashboard.grounds import versions_signed_by_revoked_keys
from tests.makers import calls, openpgp, stores
from tests.makers import certificates as make
from tests.makers.openpgp_raw import RawKey
from tests.makers.packages import guide_members, tarred, with_manifest, zipped
from tests.makers.sending import LEFT_BY_A_REFUSAL, Sender, everything
from tests.makers.submissions import hierarchy, request_about
from tests.moments import EVERYTHING_VALID as NOW
from trust.keys import services as keys
from trust.keys.models import OpenPgpKey
from trust.pki import limits
from trust.pki.openpgp.packets import Tag, encode
from trust.submissions import services
from trust.submissions.models import Submission
from trust.verifications import services as verifications
from trust.verifications.models import ItemKind, VerificationRequest

pytestmark = pytest.mark.django_db
REASON = "We sent the wrong one, a new one follows."


@pytest.fixture
def sender(cast):
    return Sender(cast)


def photo(size: int) -> bytes:
    return encode(Tag.USER_ATTRIBUTE, b"\xff" + (size + 1).to_bytes(4, "big") + b"\x01" + b"x" * size)


class TestCase20HostileKeys:
    @pytest.mark.parametrize("padding", ["certifications", "photo"])
    def test_case_20_what_others_put_on_a_key_is_stripped(self, cast, padding):
        key, other = RawKey(), RawKey()
        more = {
            "certifications": encode(Tag.SIGNATURE, other.signature(b"x", kind=0x10, made_at=key.created_at)) * 3000,
            "photo": photo(300_000),
        }[padding]

        taken = keys.upload_key(block=key.public_block(more), actor=cast.alder.officer.actor, now=NOW).key

        assert len(taken.block) < limits.KIB
        assert taken.state == OpenPgpKey.State.UPLOADED

    @pytest.mark.parametrize("wrong", ["no user ID", "future", "secret"])
    def test_case_20_what_is_no_usable_public_key_is_refused(self, cast, wrong):
        block = {
            "no user ID": lambda: RawKey().public_block(user_ids=()),
            "future": lambda: RawKey(created_at=NOW + timedelta(days=2)).public_block(),
            "secret": lambda: openpgp.make_holder("Alder").secret_block(),
        }[wrong]()
        before = everything(but=LEFT_BY_A_REFUSAL)

        with pytest.raises(errors.Invalid) as refusal:
            keys.upload_key(block=block, actor=cast.alder.officer.actor, now=NOW)

        assert everything(but=LEFT_BY_A_REFUSAL) == before
        if wrong == "secret":
            assert "revoke" in refusal.value.fix.lower()


class TestCase21AdoptedSubkey:
    def test_case_21_another_tenant_registers_a_key_that_adopts_our_subkey(self, sender, cast):
        ours, subkey, mallory = RawKey(), RawKey(), RawKey()
        sender.holds(ours, ours.public_block(ours.bound(subkey.body, back_signer=subkey)))
        before = everything()

        for adopting in (mallory.bound(subkey.body), mallory.bound(subkey.body, back_signer=mallory)):
            with pytest.raises(errors.Invalid) as refusal:
                block = mallory.public_block(adopting)
                keys.upload_key(block=block, actor=cast.cedar.officer.actor, now=NOW)
            assert refusal.value.code == "key_subkey_not_confirmed"

        assert everything() == before
        assert sender.taken(holder=subkey).signer_fingerprint == ours.fingerprint


class TestCase22TheSameUploadTwice:
    # At the same moment: test_bundle_twice_at_once.py.
    def test_case_22_the_same_upload_twice_is_one_submission(self, sender):
        first = sender.taken()

        refusal = sender.turned_away("already_submitted")

        assert refusal.extra["number"] == first.number


class TestCase23Rollback:
    def package(self, sequence: int) -> bytes:
        return with_manifest(guide_members() | {"policy-document.md": b"# %d" % sequence}, sequence=sequence)

    def test_case_23_older_package_after_a_newer_one_is_never_silently_the_newest(self, sender):
        sender.taken(content=self.package(8), file_name="package.zip")

        older = sender.taken("rollback", content=self.package(7), file_name="package.zip")

        assert older.findings.get(code="rollback").severity == "problem"

    def test_case_23_older_signature_after_a_newer_one(self, sender):
        old = sender.holder.sign_detached(hierarchy("Old").bundle, at=NOW - timedelta(hours=2))
        sender.taken(content=hierarchy("New").bundle)

        sender.taken("older_than_newest", content=hierarchy("Old").bundle, signature=old)


KEY = hierarchy().policy.key_pem()
HIDDEN = {
    "in the bundle": hierarchy().bundle + KEY,
    "in a text file of the package": zipped(guide_members(hierarchy()) | {"README.txt": b"remember:\n" + KEY}),
    "in an archive of the package": tarred({"package.tar.gz": gzip.compress(tarred({"key.txt": KEY}))}),
}


def _stored() -> str:
    with connection.cursor() as cursor:
        found = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found.extend(str([bytes(one) if isinstance(one, memoryview) else one for one in row]) for row in cursor)
    return "\n".join(found)


@pytest.mark.parametrize("content", HIDDEN.values(), ids=HIDDEN.keys())
def test_case_24_private_key_in_the_upload(sender, caplog, content):
    caplog.set_level(logging.DEBUG)

    made = sender.refused("private_key", content)

    stored = _stored() + caplog.text
    assert not any(line in stored for line in KEY.decode().splitlines()[1:-1])
    assert "revoke" in made.findings.first().fix


class TestCase43StaleVoiceStep:
    def call(self, cast, sender):
        made = sender.taken()
        return made, calls.typing(cast, request_about(cast, hierarchy().root.sha256))

    def test_case_43_bundle_withdrawn_while_the_page_was_open(self, cast, sender):
        made, call = self.call(cast, sender)
        services.withdraw(submission=made, actor=cast.alder.officer.actor, now=NOW, reason=REASON)
        before = everything()

        with pytest.raises(errors.Conflict):
            calls.type_groups(cast, call)

        assert everything() == before

    def test_case_43_call_about_the_old_root_says_nothing_about_the_new_one(self, cast, sender):
        _, call = self.call(cast, sender)
        twin = make.root(subject=hierarchy().root.certificate.subject, key=make.ec_key("twin of the root"))
        replaced = sender.taken(content=twin.pem)
        calls.type_groups(cast, call)
        for reader in (cast.birch.verifier, cast.alder.verifier):
            verifications.read_back_done(verification=call, actor=reader.actor, now=NOW)

        replaced.refresh_from_db()
        assert replaced.state == Submission.State.WAITING_FOR_CALL
        assert request_about(cast, twin.sha256).state == VerificationRequest.State.WAITING
        with pytest.raises(errors.Conflict):
            services.accept(submission=replaced, actor=cast.birch.officer.actor, now=NOW, reason="It was read to me.")

    def test_case_43_record_that_is_not_the_one_that_was_shown(self, cast, sender):
        sender.taken()
        call = calls.recorded(cast, request_about(cast, hierarchy().root.sha256))
        before = everything(but=(Tally,))

        with pytest.raises(errors.Conflict):
            verifications.approve(
                request=call.request,
                actor=cast.birch.officer.actor,
                now=NOW,
                reason="The record is complete and clean.",
                record_sha256="0" * 64,
            )

        assert everything(but=(Tally,)) == before
        assert not Event.objects.filter(kind="verification.approved").exists()
        assert call.request.item_kind == ItemKind.CERTIFICATE


class TestCase07KeyRevokedAfterwards:
    def test_case_07_versions_that_rest_on_a_revoked_key_are_put_before_a_person(self, cast):
        version = stores.published(cast)
        fingerprint = version.entries.first().signer_fingerprint
        key, _ = OpenPgpKey.objects.get_or_create(
            fingerprint=fingerprint,
            organization=cast.alder.organization,
            defaults={"version": 4, "state": "proven", "key_created_at": NOW, "created_at": NOW, "proven_at": NOW},
        )
        officer = cast.birch.officer.actor
        assert list(versions_signed_by_revoked_keys(Desk(officer, NOW))) == []

        keys.revoke_key(key=key, reason="The laptop was stolen.", actor=cast.alder.officer.actor, now=NOW)

        (need,) = versions_signed_by_revoked_keys(Desk(officer, NOW))
        assert need.title == f"Review {version.store.name} v1: its OpenPGP key was revoked"
        assert "Alder signed 3 certificates" in need.sentence
        assert need.title in [each.title for each in needs.of(officer, NOW)]
        assert cast.birch.officer.client().get(need.url).status_code == 200
        for other in (cast.birch.viewer, cast.alder.officer, cast.cedar.officer):
            assert list(versions_signed_by_revoked_keys(Desk(other.actor, NOW))) == []
