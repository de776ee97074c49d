"""Between a call and a publication: a key that is revoked meanwhile, and two people who press at the same moment (cases 46, 60)."""

import threading
from collections.abc import Callable

import pytest
from django.db import connections

from portal import errors
from portal.audit.models import Event
from tests.makers import calls, certificates, notices
from tests.makers import stores as rows
from tests.makers import submissions as make
from trust.keys import ending
from trust.keys.models import OpenPgpKey
from trust.notices.models import Notice
from trust.stores import proposals, services
from trust.stores.models import StoreDraft, StoreVersion, TrustStore
from trust.submissions.models import Submission

REASON = "The root was verified by phone today."


def heard(cast) -> Submission:
    sent = make.submit(cast)
    calls.recorded(cast, make.request_about(cast, make.hierarchy().root.sha256))
    sent.refresh_from_db()
    return sent


def revoke_key(cast, now) -> None:
    ending.revoke_key(key=OpenPgpKey.objects.get(), reason="Stolen laptop.", actor=cast.alder.officer.actor, now=now)


def approve(sent: Submission, person, now):
    return services.approve_and_publish(submission=sent, actor=person.actor, now=now, reason=REASON)


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Do all at the same moment, each with a connection of its own; return what came of each: "done" or the refusal's code."""
    together, outcomes = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        together.wait()
        try:
            act()
            outcomes.append("done")
        except errors.Refusal as refusal:
            outcomes.append(refusal.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sorted(outcomes)


def published() -> list[int]:
    """Return the numbers of the versions, which are as many as the log tells of and end at the current one."""
    numbers = sorted(StoreVersion.objects.values_list("number", flat=True))
    assert Event.objects.filter(kind="store.published").count() == len(numbers)
    assert {store.current_number for store in TrustStore.objects.all()} <= {0, *numbers[-1:]}
    return numbers


@pytest.mark.django_db
class TestAKeyRevokedBeforePublishing:
    def test_case_46_stops_the_approval(self, cast, now):
        sent = heard(cast)
        revoke_key(cast, now)

        with pytest.raises(errors.Conflict):
            approve(sent, cast.birch.officer, now)

        sent.refresh_from_db()
        assert (sent.state, sent.refusal_code) == ("refused", "key_lost")
        assert published() == []

    def test_stops_a_proposal_that_a_second_person_was_to_publish(self, cast, now):
        holder = make.signer(cast)
        first = make.submit(cast, holder=holder)
        calls.recorded(cast, make.request_about(cast, make.hierarchy().root.sha256))
        first.refresh_from_db()
        approve(first, cast.birch.officer, now)
        bundle = make.hierarchy().bundle + certificates.issuing_ca(make.hierarchy().policy, "Second").pem
        second = make.submit(cast, bundle, holder=holder)
        proposals.propose_submission(submission=second, actor=cast.birch.officer.actor, now=now, reason=REASON)
        revoke_key(cast, now)

        with pytest.raises(errors.Conflict):
            approve(second, cast.birch.second_officer, now)

        assert published() == [1]
        assert not StoreDraft.objects.filter(state=StoreDraft.State.PUBLISHED).exists()


@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    def test_case_60_two_approvals_make_one_version(self, cast, now):
        sent = heard(cast)
        both = (cast.birch.officer, cast.birch.second_officer)

        outcomes = at_once(*(lambda person=person: approve(sent, person, now) for person in both))

        assert outcomes.count("done") == 1
        assert published() == [1]

    def test_an_approval_and_the_revocation_of_its_key_end_in_one_order_or_the_other(self, cast, now):
        """Published first, the partner's people are told and look again; revoked first, nothing is published."""
        sent = heard(cast)

        outcomes = at_once(lambda: approve(sent, cast.birch.officer, now), lambda: revoke_key(cast, now))

        sent.refresh_from_db()
        assert "done" in outcomes
        assert OpenPgpKey.objects.get().state == OpenPgpKey.State.REVOKED
        expected = {"accepted": [1], "refused": []}
        assert published() == expected[sent.state]

    def test_an_approval_and_a_notice_both_happen(self, cast, now):
        """The approval adds a CA while the notice removes another: neither undoes the other."""
        rows.published(cast)
        store = TrustStore.objects.get()
        added = certificates.root("Another Root")
        waiting = rows.submission(cast, *rows.whole(), added, state="waiting_for_approval")
        removed = rows.hierarchy().issuing.sha256

        outcomes = at_once(
            lambda: approve(waiting, cast.birch.officer, now),
            lambda: services.withdraw_certificates(
                store=store, certificates=[removed], actor=cast.birch.second_officer.actor, now=now, reason="Stolen."
            ),
        )

        numbers = published()
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) == 1 + outcomes.count("done")
        left = set(StoreVersion.objects.latest("number").entries.values_list("certificate_id", flat=True))
        if outcomes == ["done", "done"]:
            assert added.sha256 in left
            assert removed not in left

    def test_one_notice_sent_twice_is_one_notice(self, cast, now):
        rows.published(cast)
        alder = notices.make_signer(cast)
        content, signature = alder.signed(alder.members())

        def send() -> None:
            from trust.notices import services as notices_services

            notices_services.submit(actor=cast.alder.officer.actor, now=now, content=content, signature=signature)

        at_once(send, send, send)

        assert Notice.objects.count() == 1
        assert Event.objects.filter(kind="notice.received").count() == 1
