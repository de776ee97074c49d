"""The officer's approval of a real signed submission publishes the next version, or nothing moves."""

import hashlib

import pytest

from portal import errors
from portal.audit.models import Event
from tests.makers import calls, certificate_parts, certificates, consumers
from tests.makers import stores as make_stores
from tests.makers import submissions as make
from trust.consumers.recording import record_pulls
from trust.keys.models import OpenPgpKey
from trust.pki import bounded
from trust.pki.examination import examine
from trust.stores import proposals, queries, services
from trust.stores.models import StoreDraft, StoreVersion
from trust.stores.serve.pulls import Pull
from trust.submissions import services as submissions
from trust.submissions import standing
from trust.submissions.models import Submission
from trust.verifications.models import VerificationRequest

REASON = "The root was verified by phone today."


@pytest.fixture
def heard(cast):
    """Return a submission whose anchor Birch's verifier has heard."""
    return heard_of(cast, make.submit(cast))


def heard_of(cast, sent: Submission) -> Submission:
    calls.recorded(cast, make.request_about(cast, make.hierarchy().root.sha256))
    sent.refresh_from_db()
    return sent


@pytest.fixture
def taken_unread(cast, monkeypatch):
    """Return a heard submission with a root that OpenSSL refuses, taken as before intake asked OpenSSL."""
    with monkeypatch.context() as before:
        before.setattr("trust.pki.ca_rules.check_reader", lambda certificates: ())
        before.setattr(bounded, "examine", examine)
        unread = certificate_parts.named(certificates.root(), 26)
        sent = make.submit(cast, certificates.pem("CERTIFICATE", unread))
    calls.recorded(cast, make.request_about(cast, hashlib.sha256(unread).hexdigest()))
    sent.refresh_from_db()
    return sent


def address(submission) -> str:
    return f"/p/{submission.partnership.slug}/submissions/{submission.number}/approve/"


class TestApproveAndPublish:
    def test_publishes_the_first_version_of_the_partners_store(self, cast, now, heard):
        done = services.approve_and_publish(submission=heard, actor=cast.birch.officer.actor, now=now, reason=REASON)

        heard.refresh_from_db()
        assert (done.outcome, done.version.number, str(done.version)) == ("published", 1, "alder-prod v1")
        assert heard.state == Submission.State.ACCEPTED
        assert done.version.first_person == cast.birch.verifier.user
        assert done.version.entries.filter(role="anchor").get().verification_id

    def test_leaves_everything_as_it_was_when_publishing_fails(self, cast, now, heard, monkeypatch):
        monkeypatch.setattr("trust.stores.formats.pem.END", "-----END NOTHING-----")

        with pytest.raises(errors.Unavailable) as refused:
            services.approve_and_publish(submission=heard, actor=cast.birch.officer.actor, now=now, reason=REASON)

        heard.refresh_from_db()
        assert refused.value.code == "artifact_unreadable"
        assert heard.state == Submission.State.WAITING_FOR_APPROVAL
        assert not StoreVersion.objects.exists()

    def test_names_a_certificate_that_openssl_does_not_take_and_moves_nothing(self, cast, now, taken_unread):
        with pytest.raises(errors.Conflict) as refused:
            services.approve_and_publish(
                submission=taken_unread, actor=cast.birch.officer.actor, now=now, reason=REASON
            )

        (root,) = taken_unread.places.all()
        assert refused.value.code == "openssl_refuses"
        assert refused.value.extra == {"certificates": [root.certificate_id]}
        assert root.certificate_id in refused.value.sentence
        assert "the subject holds a value of the kind VisibleString" in refused.value.sentence
        assert f"Decline submission {taken_unread.number}, and ask Alder" in refused.value.fix
        taken_unread.refresh_from_db()
        assert taken_unread.state == Submission.State.WAITING_FOR_APPROVAL
        assert VerificationRequest.objects.get(fingerprint=root.certificate_id).state == "recorded"
        assert not StoreVersion.objects.exists()
        assert not Event.objects.filter(kind__in=["store.published", "submission.accepted"]).exists()

    def test_is_not_for_who_made_the_call(self, cast, now, heard):
        cast.birch.verifier.membership.role = "officer"
        cast.birch.verifier.membership.save()

        with pytest.raises(errors.NotAllowed):
            services.approve_and_publish(submission=heard, actor=cast.birch.verifier.actor, now=now, reason=REASON)

        assert not StoreVersion.objects.exists()

    @pytest.mark.parametrize("who", ["verifier", "admin", "responder", "viewer"])
    def test_is_for_security_officers(self, cast, now, heard, who):
        with pytest.raises(errors.NotAllowed):
            services.approve_and_publish(submission=heard, actor=getattr(cast.birch, who).actor, now=now, reason=REASON)

    def test_is_not_there_for_the_sender_and_strangers(self, cast, now, heard):
        for company in (cast.alder, cast.cedar):
            with pytest.raises(errors.NotFound):
                services.approve_and_publish(submission=heard, actor=company.officer.actor, now=now, reason=REASON)

    def test_needs_a_proposal_when_nobody_called_about_what_it_adds(self, cast, now):
        holder = make.signer(cast)
        first = heard_of(cast, make.submit(cast, holder=holder))
        services.approve_and_publish(submission=first, actor=cast.birch.officer.actor, now=now, reason=REASON)
        bundle = make.hierarchy().bundle + certificates.issuing_ca(make.hierarchy().policy, "Second").pem
        act = {"submission": make.submit(cast, bundle, holder=holder), "now": now, "reason": REASON}

        with pytest.raises(errors.NotAllowed) as refused:
            services.approve_and_publish(**act, actor=cast.birch.officer.actor)
        proposals.propose_submission(**act, actor=cast.birch.officer.actor)
        with pytest.raises(errors.NotAllowed):
            services.approve_and_publish(**act, actor=cast.birch.officer.actor)
        done = services.approve_and_publish(**act, actor=cast.birch.second_officer.actor)

        assert refused.value.code == "second_person_required"
        assert (done.version.number, done.version.adds) == (2, 1)
        assert StoreDraft.objects.get().state == StoreDraft.State.PUBLISHED


class TestApprovePage:
    def test_shows_the_effect_and_publishes(self, cast, heard):
        officer = cast.birch.officer.client()
        page = officer.get(address(heard)).content.decode()
        sent = officer.post(address(heard), {"act": "publish", "reason": REASON})

        assert "Approve and publish alder-prod v1" in page
        assert sent["Location"] == "/trust-stores/alder-prod/v1/"
        assert officer.get(sent["Location"]).status_code == 200
        assert officer.get("/trust-stores/alder-prod/").status_code == 200
        assert queries.get(cast.birch.organization, "alder-prod").current_number == 1

    def test_says_which_certificate_openssl_does_not_take_and_what_to_do(self, cast, taken_unread):
        officer = cast.birch.officer.client()

        answer = officer.post(address(taken_unread), {"act": "publish", "reason": REASON})
        declined = officer.post(
            address(taken_unread).replace("/approve/", "/decline/"), {"reason": "OpenSSL does not take the root."}
        )

        page = answer.content.decode()
        assert answer.status_code == 400
        assert "does not take CN=Alder Root CA: the subject holds a value of the kind VisibleString" in page
        assert f"Decline submission {taken_unread.number}, and ask Alder" in page
        taken_unread.refresh_from_db()
        assert (declined.status_code, taken_unread.state) == (302, Submission.State.REFUSED)

    def test_says_which_services_have_not_taken_the_last_version(self, cast, now):
        make_stores.published(cast)
        one, other = (consumers.registered(cast, name, now=now)[0] for name in ("payments-gw", "recon-batch"))
        store = consumers.store_of(cast)
        record_pulls([Pull(one.pk, store.pk, None, now, 1, 1, "")])
        officer, waiting = (
            cast.birch.officer.client(),
            make.submit(cast, b"".join(each.pem for each in make_stores.whole("Other"))),
        )

        page = " ".join(officer.get(address(waiting)).content.decode().split())
        assert "Affects 2 services: they get v2 at their next pull." in page
        assert "1 of 2 services</a> is not known to run v1 now." in page

        record_pulls([Pull(other.pk, store.pk, None, now, 1, 1, "")])
        assert "not known to run" not in officer.get(address(waiting)).content.decode()

    def test_says_who_can_to_who_cannot(self, cast, heard):
        page = cast.birch.viewer.client().get(address(heard)).content.decode()

        assert "You cannot approve this." in page
        assert "Approve and publish" not in page

    def test_asks_for_a_fresh_second_factor(self, cast, heard):
        answer = cast.birch.officer.client(stepped_up=False).post(address(heard), {"act": "publish", "reason": REASON})

        assert "reauthenticate" in answer["Location"]
        assert not StoreVersion.objects.exists()

    def test_names_the_reason_when_there_is_none(self, cast, heard):
        answer = cast.birch.officer.client().post(address(heard), {"act": "publish", "reason": ""})

        assert answer.status_code == 400
        assert "id_reason" in answer.content.decode()

    def test_is_not_there_for_the_sender_and_strangers(self, cast, heard):
        for company in (cast.alder, cast.cedar):
            assert company.officer.client().get(address(heard)).status_code == 404

    def test_does_not_show_fingerprints_before_the_call(self, cast):
        waiting = make.submit(cast)

        page = cast.birch.officer.client().get(address(waiting)).content.decode()

        for made in (make.hierarchy().root, make.hierarchy().issuing):
            spaced = " ".join(made.sha256.upper()[at : at + 4] for at in range(0, 64, 4))
            assert made.sha256 not in page
            assert spaced[:9] not in page


class TestAfterwards:
    def test_the_submission_leads_to_its_version_and_the_partner_reads_the_name_only(self, cast, now, heard):
        services.approve_and_publish(submission=heard, actor=cast.birch.officer.actor, now=now, reason=REASON)
        page = f"/p/{heard.partnership.slug}/submissions/{heard.number}/"

        mine = cast.birch.viewer.client().get(page).content.decode()
        theirs = cast.alder.viewer.client().get(page).content.decode()

        assert 'href="/trust-stores/alder-prod/v1/"' in mine
        assert "Open alder-prod v1" in mine
        assert "In alder-prod v1 since" in theirs
        assert "/trust-stores/" not in theirs.partition("<main")[2]

    @pytest.mark.parametrize("how", ["declined", "withdrawn", "quarantined", "key lost"])
    def test_a_proposal_ends_with_its_submission_and_cannot_be_published_or_made_again(self, cast, now, heard, how):
        proposed = proposals.propose_submission(
            submission=heard, actor=cast.birch.officer.actor, now=now, reason=REASON
        )
        birch = cast.birch.organization
        assert queries.waiting_drafts(birch).count() == 1

        _end(cast, heard, how, now)

        ended = StoreDraft.objects.get(pk=proposed.pk)
        assert (ended.state, ended.decided_at, ended.decided_by, ended.published) == ("over", now, None, None)
        event = Event.objects.get(kind="store.proposal_over")
        assert (event.data["store"], event.data["submission"]) == ("alder-prod", heard.number)
        assert queries.waiting_drafts(birch).count() == 0
        assert "Waiting for approval" not in cast.birch.second_officer.client().get("/trust-stores/").content.decode()
        with pytest.raises(errors.Conflict, match="no longer open"):
            proposals.publish_draft(draft=proposed, actor=cast.birch.second_officer.actor, now=now)
        with pytest.raises(errors.Conflict, match="The submission is"):
            proposals.propose_submission(
                submission=heard, actor=cast.birch.second_officer.actor, now=now, reason=REASON
            )

    def test_a_proposal_is_closed_once_however_it_is_closed_second(self, cast, now, heard):
        seen = proposals.propose_submission(submission=heard, actor=cast.birch.officer.actor, now=now, reason=REASON)
        submissions.withdraw(submission=heard, actor=cast.alder.officer.actor, now=now, reason="A new root comes.")
        before = Event.objects.count()

        # Whoever looked before it ended holds it as waiting still.
        assert seen.state == "waiting"
        with pytest.raises(errors.Conflict, match="no longer open"):
            proposals.withdraw_draft(draft=seen, actor=cast.birch.second_officer.actor, now=now)

        assert StoreDraft.objects.get(pk=seen.pk).state == "over"
        assert Event.objects.count() == before


def _end(cast, submission, how, now):
    match how:
        case "declined":
            officer = cast.birch.second_officer.actor
            submissions.decline(submission=submission, actor=officer, now=now, reason="Not as agreed.")
        case "withdrawn":
            owner = cast.alder.officer.actor
            submissions.withdraw(submission=submission, actor=owner, now=now, reason="A new root comes.")
        case "quarantined":
            _, fingerprint = standing.items(submission)[-1]
            request = VerificationRequest.objects.get(fingerprint=fingerprint)
            VerificationRequest.objects.filter(pk=request.pk).update(state="quarantined", approved_at=None)
            request.refresh_from_db()
            submissions.follow_verification(request=request, actor=cast.birch.verifier.actor, now=now)
        case "key lost":
            key = OpenPgpKey.objects.get(fingerprint=submission.signer_fingerprint)
            submissions.follow_key(key=key, actor=cast.alder.officer.actor, now=now)
