"""A revocation that takes effect before its certificate is in a store counts when the certificate would come in."""

import pytest

from tests.makers import calls, notices
from tests.makers import certificates as make
from tests.makers import submissions as bundles
from trust.notices import document
from trust.notices.models import DenyEntry, Notice
from trust.notices.rules import State
from trust.stores import compositions
from trust.stores.models import StoreEntry, TrustStore
from trust.stores.services import approve_and_publish
from trust.submissions.models import Submission

TIERS = bundles.hierarchy()
ROOT, POLICY, ISSUING = TIERS.root, TIERS.policy, TIERS.issuing


@pytest.fixture
def alder(cast):
    return notices.make_signer(cast)


def sent(cast, alder, *more) -> Submission:
    """A bundle that was verified by phone and waits for its approval."""
    submission = bundles.submit(cast, TIERS.bundle + b"".join(each.pem for each in more), holder=alder.holder)
    for root in (ROOT, *more):
        calls.recorded(cast, bundles.request_about(cast, root.sha256))
    submission.refresh_from_db()
    assert submission.state == Submission.State.WAITING_FOR_APPROVAL
    return submission


def revoke(alder, now, **members) -> Notice:
    """Alder revokes its issuing CA, or what a test says, at once."""
    named = {"certificate_sha256": ISSUING.sha256} if "kind" not in members else {}
    return alder.send(now=now, effective_date=document.stamp(now), **(named | members)).notice


def approve(cast, submission, now) -> None:
    approve_and_publish(submission=submission, actor=cast.birch.officer.actor, now=now, reason="Verified by phone.")


def trusted() -> set[str]:
    store = TrustStore.objects.get()
    rows = StoreEntry.objects.filter(version__store=store, version__number=store.current_number)
    return set(rows.values_list("certificate_id", flat=True))


class TestACaRevokedWhileItsBundleWaits:
    def test_does_not_come_in_with_the_approval(self, cast, alder, now):
        waiting = sent(cast, alder)
        notice = revoke(alder, now)
        assert notice.state == State.EXECUTED

        left_out = {each.sha256 for each in compositions.preview(waiting).left_out}
        approve(cast, waiting, now)

        assert left_out == {ISSUING.sha256}
        assert trusted() == {ROOT.sha256, POLICY.sha256}

    def test_takes_with_it_what_hangs_below(self, cast, alder, now):
        other = make.root("Another Root")
        waiting = sent(cast, alder, other)
        revoke(alder, now, certificate_sha256=ROOT.sha256)

        approve(cast, waiting, now)

        assert trusted() == {other.sha256}

    def test_does_not_come_in_when_nobody_knew_it_yet(self, cast, alder, now):
        assert not revoke(alder, now).matched

        approve(cast, sent(cast, alder), now)

        assert ISSUING.sha256 not in trusted()

    def test_says_so_to_whoever_approves(self, cast, alder, now):
        waiting = sent(cast, alder)
        revoke(alder, now)

        page = cast.birch.officer.client().get(f"/p/alder-birch/submissions/{waiting.number}/approve/")

        assert "left out: withdrawn or revoked earlier" in page.content.decode()

    @pytest.mark.parametrize("how", ["rehearsal", "later", "of another"])
    def test_comes_in_when_the_notice_says_nothing_of_it_yet(self, cast, now, how):
        signer = notices.make_signer(cast)
        waiting = sent(cast, signer)
        if how == "later":
            signer.send(now=now, certificate_sha256=ISSUING.sha256)
        else:
            members = {"rehearsal": {"rehearsal": True}, "of another": {"certificate_sha256": "ab" * 32}}.get(how, {})
            revoke(signer, now, **members)

        approve(cast, waiting, now)

        assert ISSUING.sha256 in trusted()


def test_a_service_certificate_revoked_before_the_first_store_is_on_its_deny_list(cast, alder, now):
    waiting = sent(cast, alder)
    revoke(
        alder,
        now,
        kind="certificate_revocation",
        certificate_serial="4f2a",
        certificate_issuer_sha256=ISSUING.sha256,
        revocation_reason="keyCompromise",
    )
    assert not DenyEntry.objects.exists()

    approve(cast, waiting, now)

    [denied] = DenyEntry.objects.filter(store=TrustStore.objects.get())
    assert (denied.issuer_sha256, denied.serial, denied.reason) == (ISSUING.sha256, "4f2a", "keyCompromise")
