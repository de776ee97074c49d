"""What a renewal announces: said step by step, laid out when it can be approved, and trusted by two people or not at all."""

import pytest

from notifications.acknowledgements import services as acknowledgements
from notifications.acknowledgements.rules import Answer
from portal import errors
from portal.audit.models import Event
from portal.dashboard import needs
from tests.makers import certificates as make
from tests.makers import notices, stores
from tests.makers.submissions import submit
from trust.notices import additions, life
from trust.notices.additions import Step
from trust.notices.rules import State
from trust.stores import proposals
from trust.stores.models import StoreDraft, StoreEntry, StoreVersion
from trust.stores.services import approve_and_publish
from trust.submissions import deciding
from trust.submissions.models import Submission

REASON = "The issuing CA is renewed."
ROOT, POLICY, ISSUING = stores.whole()


@pytest.fixture(scope="module")
def new():
    """Another certificate for the issuing CA, below the root that Birch trusts."""
    return make.issuing_ca(
        stores.hierarchy("Alder").policy,
        subject=make.name("Alder Issuing CA 2", "Alder Inc", "Automation"),
        key=make.ec_key("Alder issuing 2"),
    )


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


@pytest.fixture
def renewal(alder, new):
    return alder.send(kind="ca_renewal", certificate_sha256=ISSUING.sha256, new_certificate_sha256=new.sha256).notice


def submitted(cast, new, state="waiting_for_approval") -> Submission:
    return stores.submission(cast, ROOT, POLICY, new, state=state)


def step(notice) -> Step:
    (found,) = additions.of(notice)
    return found.step


def prepared() -> StoreDraft:
    return StoreDraft.objects.get(state="waiting")


def trusted(digest) -> bool:
    return StoreEntry.objects.filter(certificate=digest).exists()


def page(person, notice) -> str:
    return person.client().get(f"/notices/{notice.label}/").content.decode()


class TestOf:
    def test_waits_for_its_sender_while_nobody_submitted_it(self, renewal):
        assert step(renewal) is Step.SUBMIT

    @pytest.mark.parametrize(
        ("state", "waits_for"),
        [
            ("waiting_for_call", Step.CALL),
            ("waiting_for_approval", Step.APPROVE),
            ("quarantined", Step.MISMATCH),
            ("accepted", Step.RESTORE),
            ("refused", Step.SUBMIT),
            ("withdrawn", Step.SUBMIT),
        ],
    )
    def test_says_where_a_submission_of_it_stands(self, cast, renewal, new, state, waits_for):
        submitted(cast, new, state)

        assert step(renewal) is waits_for

    def test_is_done_when_a_current_version_holds_it(self, cast, renewal, new):
        stores.published(cast, ROOT, POLICY, new)

        assert step(renewal) is Step.TRUSTED

    def test_follows_a_link_from_the_old_serial_to_the_new(self, cast, alder, new):
        link = {"old_serial": ISSUING.facts.serial, "new_serial": new.facts.serial}
        notice = alder.send(kind="ca_renewal", certificate_sha256=ISSUING.sha256, replaces=[link]).notice
        assert step(notice) is Step.SUBMIT

        submitted(cast, new)

        (found,) = additions.of(notice)
        assert (found.step, found.sha256) == (Step.APPROVE, new.sha256)

    def test_names_one_certificate_once(self, cast, alder, new):
        submitted(cast, new)
        link = {"old_serial": ISSUING.facts.serial, "new_serial": new.facts.serial}

        notice = alder.send(
            kind="ca_renewal",
            certificate_sha256=ISSUING.sha256,
            new_certificate_sha256=new.sha256,
            replaces=[link],
        ).notice

        assert len(additions.of(notice)) == 1

    def test_follows_the_new_root_of_a_new_hierarchy(self, cast, alder):
        root = stores.hierarchy("Alder Next").root
        notice = alder.send(kind="ca_rollover", new_root_sha256=root.sha256).notice
        stores.submission(cast, root, state="waiting_for_call", verify=False)

        assert step(notice) is Step.CALL


class TestPrepare:
    def test_lays_out_what_waits_for_approval_and_trusts_nothing(self, cast, now, renewal, new):
        made = submitted(cast, new)

        life.sweep(now=now)

        draft = prepared()
        assert (draft.submission_id, draft.notice_label, draft.proposed_by) == (made.pk, renewal.label, None)
        assert not trusted(new.sha256)
        assert StoreVersion.objects.count() == 1
        event = Event.objects.get(kind="store.prepared")
        assert (event.data["notice"], event.organization_id) == (renewal.label, cast.birch.organization.pk)

    def test_happens_once(self, cast, now, renewal, new):
        submitted(cast, new)

        assert [life.sweep(now=now), life.sweep(now=now)] == [1, 0]
        assert StoreDraft.objects.count() == 1

    @pytest.mark.parametrize("state", ["waiting_for_call", "quarantined", "refused"])
    def test_waits_for_the_call(self, cast, now, renewal, new, state):
        submitted(cast, new, state)

        life.sweep(now=now)

        assert not StoreDraft.objects.exists()

    def test_is_not_for_what_no_notice_named(self, cast, now, alder, new):
        submitted(cast, new)

        life.sweep(now=now)

        assert not StoreDraft.objects.exists()

    def test_is_not_for_a_key_that_nobody_verified(self, cast, now, new):
        stores.published(cast)
        signer = notices.make_signer(cast, verified=False)
        signer.send(kind="ca_renewal", certificate_sha256=ISSUING.sha256, new_certificate_sha256=new.sha256)
        submitted(cast, new)

        life.sweep(now=now)

        assert not StoreDraft.objects.exists()

    def test_of_one_that_cannot_be_laid_out_holds_up_no_other(self, cast, now, alder, renewal, new, monkeypatch):
        other = make.issuing_ca(stores.hierarchy("Alder").policy, "Other")
        alder.send(kind="ca_renewal", certificate_sha256=ISSUING.sha256, new_certificate_sha256=other.sha256)
        made = [submitted(cast, new), submitted(cast, other)]
        announcing, asked = additions._announcing, []

        def failing_first(submission):
            asked.append(submission)
            if len(asked) == 1:
                raise AttributeError("a mistake of ours")
            return announcing(submission)

        monkeypatch.setattr(additions, "_announcing", failing_first)

        life.sweep(now=now)

        assert {each.pk for each in asked} == {each.pk for each in made}
        assert prepared().submission == asked[1]

    def test_is_not_for_a_rehearsal(self, cast, now, alder, new):
        alder.send(
            kind="ca_renewal", certificate_sha256=ISSUING.sha256, new_certificate_sha256=new.sha256, rehearsal=True
        )
        submitted(cast, new)

        life.sweep(now=now)

        assert not StoreDraft.objects.exists()

    def test_is_not_done_again_when_an_officer_withdrew_it(self, cast, now, renewal, new):
        submitted(cast, new)
        life.sweep(now=now)
        proposals.withdraw_draft(draft=prepared(), actor=cast.birch.officer.actor, now=now)

        life.sweep(now=now)

        assert not StoreDraft.objects.filter(state="waiting").exists()

    def test_ends_with_its_notice(self, cast, now, alder, renewal, new):
        submitted(cast, new)
        life.sweep(now=now)
        alder.send(kind="withdrawal", withdraws=renewal.message_id)

        life.sweep(now=now)

        assert StoreDraft.objects.get().state == "withdrawn"
        assert not trusted(new.sha256)

    def test_ends_with_its_submission(self, cast, now, renewal, new):
        made = submitted(cast, new)
        life.sweep(now=now)

        deciding.decline(submission=made, actor=cast.birch.officer.actor, now=now, reason="The CA below it is unknown.")

        assert StoreDraft.objects.get().state == "over"


class TestTwoPeople:
    def sent(self, cast, alder, new) -> Submission:
        """Return a bundle that is really signed; its root was verified before, so that it waits for its approval."""
        made = submit(cast, b"".join(each.pem for each in (ROOT, POLICY, new)), holder=alder.holder)
        assert made.state == "waiting_for_approval"
        return made

    def test_one_cannot_publish_what_was_prepared(self, cast, now, alder, renewal, new):
        self.sent(cast, alder, new)
        life.sweep(now=now)

        with pytest.raises(errors.NotAllowed) as refused:
            proposals.publish_draft(draft=prepared(), actor=cast.birch.officer.actor, now=now)

        assert refused.value.code == "second_person_required"
        assert not trusted(new.sha256)

    def test_one_takes_it_over_and_another_publishes(self, cast, now, alder, renewal, new):
        made = self.sent(cast, alder, new)
        life.sweep(now=now)
        draft = proposals.propose_submission(
            submission=made, actor=cast.birch.officer.actor, now=now, reason="I compared it."
        )
        assert draft.proposed_by == cast.birch.officer.user
        with pytest.raises(errors.NotAllowed):
            approve_and_publish(submission=made, actor=cast.birch.officer.actor, now=now, reason=REASON)

        proposals.publish_draft(draft=draft, actor=cast.birch.second_officer.actor, now=now)

        assert trusted(new.sha256)
        version = StoreVersion.objects.get(number=2)
        assert (version.first_person, version.published_by) == (
            cast.birch.officer.user,
            cast.birch.second_officer.user,
        )
        draft.refresh_from_db()
        assert draft.state == "published"

    def test_is_taken_over_once(self, cast, now, alder, renewal, new):
        made = self.sent(cast, alder, new)
        life.sweep(now=now)
        proposals.propose_submission(submission=made, actor=cast.birch.officer.actor, now=now, reason=REASON)

        with pytest.raises(errors.Conflict):
            proposals.propose_submission(submission=made, actor=cast.birch.second_officer.actor, now=now, reason=REASON)


class TestAdopted:
    def test_only_when_what_it_named_is_trusted(self, cast, now, renewal, new):
        at = renewal.effective_at
        life.sweep(now=at)
        life.sweep(now=at)
        renewal.refresh_from_db()
        assert renewal.state == State.EXECUTED

        stores.published(cast, ROOT, POLICY, new, now=at)
        life.sweep(now=at)

        renewal.refresh_from_db()
        assert renewal.state == State.ADOPTED


class TestPages:
    def test_say_to_each_side_who_submits(self, cast, renewal):
        assert "Waiting for Alder to submit" in page(cast.birch.officer, renewal)
        theirs = page(cast.alder.officer, renewal)
        assert "Submit the certificate" in theirs
        assert 'href="/p/alder-birch/submissions/new/"' in theirs

    def test_lead_to_the_approval(self, cast, now, renewal, new):
        made = submitted(cast, new)
        life.sweep(now=now)

        mine = page(cast.birch.officer, renewal)

        assert f'href="/p/alder-birch/submissions/{made.number}/approve/"' in mine
        assert "Waiting for approval" in page(cast.alder.officer, renewal)
        approval = cast.birch.officer.client().get(f"/p/alder-birch/submissions/{made.number}/approve/")
        assert f"Prepared because of notice {renewal.label}" in approval.content.decode()
        assert "Send for approval" in approval.content.decode()
        listed = cast.birch.officer.client().get("/trust-stores/").content.decode()
        assert f"Prepared because of notice {renewal.label}" in listed

    def test_offer_no_removal_of_what_is_renewed(self, cast, renewal):
        mine = page(cast.birch.officer, renewal)

        assert f"/notices/{renewal.label}/remove/" not in mine
        assert "revoked CA" not in mine

    def test_lead_to_the_call(self, cast, renewal, new):
        submitted(cast, new, "waiting_for_call")

        assert 'href="/p/alder-birch/verifications/"' in page(cast.birch.officer, renewal)

    def test_of_home_say_what_is_waiting(self, cast, now, renewal, new):
        acknowledgements.answer(notice=renewal, actor=cast.birch.officer.actor, now=now, answer=Answer.ACKNOWLEDGED)
        made = submitted(cast, new)
        life.sweep(now=now)

        said = {each.title: each for each in needs.of(cast.birch.officer.actor, now)}

        assert f"Notice {renewal.label} announced it." in said[f"Approve submission {made.number} of Alder"].sentence
        assert sum("ubmission" in title for title in said) == 1
        assert f"Approve submission {made.number}." in said[f"Finish: {renewal.title}"].sentence

    def test_of_the_api_say_it_too(self, cast, renewal, new):
        made = submitted(cast, new)

        answer = cast.birch.officer.client().get(f"/api/v1/notices/{renewal.label}").json()

        assert answer["additions"] == [
            {"sha256": new.sha256, "serial": None, "waits_for": "approve", "submission": made.number}
        ]
