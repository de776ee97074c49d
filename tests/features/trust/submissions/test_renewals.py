"""A root that was renewed with its name and key: when it needs no call, when it needs one all the same, and what it stands on."""

from datetime import timedelta

import pytest
from cryptography import x509

from portal import errors
from portal.audit.models import Event
from tests.makers import agreements, calls, stores
from tests.makers import certificates as make
from tests.makers.submissions import request_about, signer, submit
from tests.moments import EVERYTHING_VALID as NOW
from trust.stores import proposals
from trust.stores.models import StoreEntry, TrustStore
from trust.stores.services import NoticeGrounds, approve_and_publish, withdraw_certificates
from trust.submissions import services, standing
from trust.verifications.models import ItemKind, VerificationRequest

pytestmark = pytest.mark.django_db
REASON = "The same CA with later dates."
BEFORE = {"not_before": NOW - 900 * make.DAY, "lifetime": 18 * make.YEAR}


@pytest.fixture(scope="module")
def old():
    """The root that Birch verified by phone and trusts."""
    return make.root(**BEFORE)


@pytest.fixture(scope="module")
def new():
    """The same root, renewed."""
    return make.root()


@pytest.fixture(autouse=True)
def alder(cast):
    """Whoever holds Alder's key, which Birch has verified."""
    return signer(cast)


@pytest.fixture
def send(cast, alder):
    """Submit a bundle signed with that key."""
    return lambda content: submit(cast, content, holder=alder)


@pytest.fixture
def trusted(cast, old):
    """The version of Birch's store that holds the old root."""
    return stores.published(cast, old)


def waiting_for_approval(send, new):
    made = send(new.pem)
    assert made.state == "waiting_for_approval"
    return made


def propose_and_publish(cast, made):
    proposals.propose_submission(submission=made, actor=cast.birch.officer.actor, now=NOW, reason=REASON)
    approve_and_publish(submission=made, actor=cast.birch.second_officer.actor, now=NOW, reason=REASON)


class TestARenewedRoot:
    def test_waits_for_approval_and_asks_for_no_call(self, cast, send, trusted, new):
        made = send(new.pem)

        assert made.state == "waiting_for_approval"
        assert not VerificationRequest.objects.filter(fingerprint=new.sha256).exists()

    def test_is_published_on_the_call_about_the_one_before(self, cast, send, trusted, old, new):
        made = waiting_for_approval(send, new)

        propose_and_publish(cast, made)

        version = TrustStore.objects.get().versions.get(number=2)
        stands_on = dict(version.entries.values_list("certificate_id", "verification_id"))
        assert stands_on[new.sha256] == stands_on[old.sha256] is not None
        (accepted,) = Event.objects.filter(kind="submission.accepted")
        assert [each["certificate"] for each in accepted.data["renewed_without_call"]] == [new.sha256]

    def test_takes_two_people_of_today(self, cast, send, trusted, new):
        made = waiting_for_approval(send, new)

        with pytest.raises(errors.NotAllowed) as refused:
            approve_and_publish(submission=made, actor=cast.birch.officer.actor, now=NOW, reason=REASON)

        assert refused.value.code == "second_person_required"
        assert not StoreEntry.objects.filter(certificate=new.sha256).exists()

    def test_can_be_renewed_again_after_the_first_is_gone(self, cast, send, trusted, old, new):
        propose_and_publish(cast, waiting_for_approval(send, new))
        store = TrustStore.objects.get()
        withdraw_certificates(
            store=store, certificates=[old.sha256], actor=cast.birch.officer.actor, now=NOW, reason="Replaced."
        )

        third = make.root(not_before=NOW - timedelta(hours=1))
        made = send(third.pem)

        assert made.state == "waiting_for_approval"
        (renewal,) = standing.renewed(made, NOW).values()
        assert renewal.call.request.fingerprint == old.sha256

    def test_says_on_the_report_why_there_is_no_call(self, cast, send, trusted, new):
        made = waiting_for_approval(send, new)

        for part in ("", "approve/"):
            address = f"/p/alder-birch/submissions/{made.number}/{part}"
            page = cast.birch.officer.client().get(address).content.decode()

            assert "No call is needed: it has the name and key of the root" in page
            assert "Record of verification" in page
            assert "Every fingerprint of this bundle is verified already." not in page

    def test_says_in_the_api_why_there_is_no_call(self, cast, send, trusted, old, new):
        from trust.submissions.serializers import shown_to

        (place,) = shown_to(cast.birch.organization, waiting_for_approval(send, new), NOW)["certificates"]

        assert place["renewal"]["needs_call"] is False
        assert place["renewal"]["same_key_as"] == old.sha256
        assert "verified by phone" in place["renewal"]["sentence"]


class TestACallIsNeededAllTheSame:
    def needs_a_call(self, cast, send, new, words):
        made = send(new.pem)
        assert made.state == "waiting_for_call"
        assert request_about(cast, new.sha256).state == "waiting"
        if words:
            (renewal,) = standing.renewed(made, NOW).values()
            assert words in renewal.because
        else:
            assert standing.renewed(made, NOW) == {}

    def test_when_the_agreement_says_so(self, cast, send, trusted, new):
        agreements.in_force(cast, terms=agreements.make_values(verification__renewed_roots="call"))

        self.needs_a_call(cast, send, new, "Agreement 1.4")

    def test_when_the_name_differs(self, cast, send, trusted, new):
        other = make.root(subject=make.name("Alder Root CA", "Somebody"))

        self.needs_a_call(cast, send, other, "")

    def test_when_the_key_differs(self, cast, send, trusted):
        self.needs_a_call(cast, send, make.root(key=make.ec_key("another")), "")

    def test_when_it_may_sign_longer_chains(self, cast, send, trusted):
        self.needs_a_call(cast, send, make.root(path_length=None), "the path length grew from 2 to unlimited")

    def test_when_it_drops_allowed_names(self, cast, send, new):
        names = x509.NameConstraints([x509.DNSName("alder.example")], None)
        stores.published(cast, make.root(extensions=((names, True),), **BEFORE))

        self.needs_a_call(cast, send, new, "the allowed names changed from DNS:alder.example to none")

    def test_when_it_is_older_than_the_one_that_is_trusted(self, cast, send, trusted):
        self.needs_a_call(cast, send, make.root(not_before=NOW - 1000 * make.DAY), "")

    def test_when_the_verification_is_older_than_the_agreement_allows(self, cast, send, trusted, old, new):
        agreements.in_force(cast, terms=agreements.make_values(verification__max_age_days=30))
        VerificationRequest.objects.filter(fingerprint=old.sha256).update(approved_at=NOW - timedelta(days=30))

        self.needs_a_call(cast, send, new, "older than the agreement allows")

    def test_when_the_old_root_was_withdrawn_from_the_store(self, cast, send, old, new):
        other = make.root("Alder Root CA 2")
        version = stores.published(cast, old, other)
        withdraw_certificates(
            store=version.store, certificates=[old.sha256], actor=cast.birch.officer.actor, now=NOW, reason="Not used."
        )

        self.needs_a_call(cast, send, new, "")

    def test_when_a_notice_took_a_certificate_of_that_key_out_of_the_store(self, cast, send, old, new):
        middle = make.root(not_before=NOW - 500 * make.DAY, lifetime=18 * make.YEAR)
        version = stores.published(cast, old, middle)
        withdraw_certificates(
            store=version.store,
            certificates=[middle.sha256],
            actor=cast.birch.officer.actor,
            now=NOW,
            reason="The partner said so.",
            emergency_notice=NoticeGrounds("Notice 7", frozenset({middle.sha256}), key_verified=True),
        )

        self.needs_a_call(cast, send, new, "withdrawn because of Notice 7")

    def test_when_nobody_of_this_organization_verified_the_key(self, cast, send, old, new):
        stores.submission(cast, old, verify=False)

        self.needs_a_call(cast, send, new, "")

    def test_when_its_own_fingerprint_was_different_on_the_phone(self, cast, send, new, old):
        first = send(new.pem)
        calls.mismatched(cast, request_about(cast, new.sha256))
        stores.published(cast, old)

        again = send(new.pem)

        first.refresh_from_db()
        assert (first.state, again.state) == ("quarantined", "quarantined")


class TestGroundsThatMove:
    def test_the_approval_is_refused_once_the_old_root_is_no_longer_trusted(self, cast, send, old, new):
        other = make.root("Alder Root CA 2")
        version = stores.published(cast, old, other)
        made = waiting_for_approval(send, new)
        withdraw_certificates(
            store=version.store, certificates=[old.sha256], actor=cast.birch.officer.actor, now=NOW, reason="Not used."
        )

        with pytest.raises(errors.Conflict) as refused:
            services.accept(submission=made, actor=cast.birch.officer.actor, now=NOW, reason=REASON)

        assert refused.value.code == "anchor_not_verified"

    def test_the_call_is_asked_for_then(self, cast, send, old, new):
        version = stores.published(cast, old, make.root("Alder Root CA 2"))
        made = waiting_for_approval(send, new)
        withdraw_certificates(
            store=version.store, certificates=[old.sha256], actor=cast.birch.officer.actor, now=NOW, reason="Not used."
        )

        assert services.recheck_waiting(now=NOW) == 1

        made.refresh_from_db()
        assert made.state == "waiting_for_call"
        assert request_about(cast, new.sha256).state == "waiting"
        assert services.recheck_waiting(now=NOW) == 0


class TestTheAgeLimit:
    def old_verification(self, cast, kind, fingerprint):
        agreements.in_force(cast, terms=agreements.make_values(verification__max_age_days=30))
        VerificationRequest.objects.filter(item_kind=kind, fingerprint=fingerprint).update(
            approved_at=NOW - timedelta(days=30)
        )

    def test_a_root_verified_too_long_ago_is_called_about_again(self, cast, send, old):
        stores.verified(cast, ItemKind.CERTIFICATE, old.sha256)
        self.old_verification(cast, ItemKind.CERTIFICATE, old.sha256)

        made = send(old.pem)

        assert made.state == "waiting_for_call"
        requests = VerificationRequest.objects.filter(fingerprint=old.sha256).order_by("created_at", "state")
        assert sorted(each.state for each in requests) == ["expired", "waiting"]

    def test_a_key_verified_too_long_ago_is_called_about_again(self, cast, alder, send, trusted, new):
        self.old_verification(cast, ItemKind.OPENPGP_KEY, alder.fingerprint)

        made = send(new.pem)

        assert made.state == "waiting_for_call"
        states = VerificationRequest.objects.filter(fingerprint=alder.fingerprint).values_list("state", flat=True)
        assert sorted(states) == ["expired", "waiting"]

    def test_a_verification_that_ages_while_waiting_holds_up_the_approval(self, cast, send, old):
        made = send(old.pem)
        calls.recorded(cast, request_about(cast, old.sha256))
        self.old_verification(cast, ItemKind.OPENPGP_KEY, made.signer_fingerprint)

        with pytest.raises(errors.Conflict) as refused:
            services.accept(submission=made, actor=cast.birch.officer.actor, now=NOW, reason=REASON)

        assert refused.value.code == "key_not_verified"

    def test_what_was_withdrawn_is_not_restored_on_an_old_verification(self, cast, old):
        version = stores.published(cast, old, make.root("Alder Root CA 2"))
        withdraw_certificates(
            store=version.store, certificates=[old.sha256], actor=cast.birch.officer.actor, now=NOW, reason="Not used."
        )
        version.store.refresh_from_db()
        draft = proposals.restore(
            store=version.store, certificates=[old.sha256], actor=cast.birch.officer.actor, now=NOW, reason="Used."
        )
        self.old_verification(cast, ItemKind.CERTIFICATE, old.sha256)

        with pytest.raises(errors.Conflict) as refused:
            proposals.publish_draft(draft=draft, actor=cast.birch.second_officer.actor, now=NOW, reason=REASON)

        assert refused.value.code == "anchor_not_verified"


class TestTheWholePackage:
    @pytest.fixture
    def agreed(self, cast):
        agreements.in_force(cast, terms=agreements.make_values(verification__scope="package"))

    def test_is_heard_besides_each_root_where_that_is_agreed(self, cast, send, agreed, new):
        made = send(new.pem)

        calls.recorded(cast, request_about(cast, new.sha256))
        made.refresh_from_db()
        assert made.state == "waiting_for_call"

        calls.recorded(cast, request_about(cast, made.content_sha256, ItemKind.PACKAGE))
        made.refresh_from_db()
        assert made.state == "waiting_for_approval"

    def test_is_approved_with_the_submission(self, cast, send, agreed, new):
        made = send(new.pem)
        calls.recorded(cast, request_about(cast, new.sha256))
        calls.recorded(cast, request_about(cast, made.content_sha256, ItemKind.PACKAGE))

        services.accept(submission=made, actor=cast.birch.officer.actor, now=NOW, reason=REASON)

        assert request_about(cast, made.content_sha256, ItemKind.PACKAGE).state == "approved"

    def test_is_not_asked_for_where_only_roots_are(self, cast, send, new):
        send(new.pem)

        assert not VerificationRequest.objects.filter(item_kind=ItemKind.PACKAGE).exists()
