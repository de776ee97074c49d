"""From when whoever sent a CA can issue from it: once every service of the other side took it, where the agreement shares that."""

from datetime import timedelta

import pytest

from tests.makers import agreements
from tests.makers import consumers as make
from tests.makers import stores as make_stores
from trust.consumers import services as consumers
from trust.consumers import uptake
from trust.consumers.models import PullRecord
from trust.consumers.recording import record_pulls
from trust.stores import proposals, services
from trust.stores.serve.pulls import Pull
from trust.submissions.uptake import verdict

HOUR = timedelta(hours=1)
NAMES = ("payments-gw", "recon-batch")


@pytest.fixture
def store(cast, now):
    """Return a store whose v2 brought what Alder sent second, and that two services may pull."""
    make_stores.published(cast, now=now)
    make_stores.published(cast, *make_stores.whole("Other"), now=now)
    for name in NAMES:
        make.registered(cast, name, now=now)
    return make.store_of(cast)


@pytest.fixture
def pull(store, now):
    def pulled(name, number, at=None):
        consumer = store.consumers.get(name=name)
        record_pulls([Pull(consumer.pk, store.pk, None, at or now, number, 1, "")])

    return pulled


@pytest.fixture
def shared(cast):
    agreements.in_force(cast, terms=agreements.make_values(sharing__consumer_counts=True))


def sent(store):
    return store.versions.get(number=2).submission


def page_of(company, submission):
    address = f"/p/{submission.partnership.slug}/submissions/{submission.number}/"
    return company.viewer.client().get(address).content.decode()


def api_of(company, submission):
    return company.viewer.client().get(f"/api/v1/submissions/{submission.pk}").json()["uptake"]


class TestWhoSentACa:
    def test_may_use_it_once_every_service_took_it(self, cast, now, store, pull, shared):
        pull("payments-gw", 2)
        pull("recon-batch", 2)

        found = uptake.of_submission(sent(store), cast.alder.organization, now)

        assert (found.version, found.taken, found.total, found.complete, found.safe_from) == (2, 2, 2, True, now)
        assert "It is safe to issue from these CAs." in page_of(cast.alder, sent(store))
        assert api_of(cast.alder, sent(store))["complete"] is True

    def test_stays_sure_of_a_service_that_took_it_and_fell_silent(self, cast, now, store, pull, shared):
        pull("payments-gw", 2)
        pull("recon-batch", 2)

        assert uptake.of_submission(sent(store), cast.alder.organization, now + 9 * HOUR).complete

    def test_reads_by_when_the_last_promised_to_pull(self, cast, now, store, pull, shared):
        pull("payments-gw", 2)
        pull("recon-batch", 1)

        found = uptake.of_submission(sent(store), cast.alder.organization, now)

        assert not found.complete
        assert found.safe_from == now + make.FIVE_MINUTES
        page = uptake_words(found)
        assert page["heading"].startswith("It is safe to issue from these CAs from ")
        assert page["text"].startswith("1 of 2 registered services of Birch took alder-prod v2 or a later one.")

    @pytest.mark.parametrize("last", ["never pulled", "silent", "could not load it"])
    def test_reads_that_no_moment_can_be_said(self, cast, now, store, pull, shared, last):
        pull("payments-gw", 2)
        if last == "silent":
            pull("recon-batch", 1, now - HOUR)
        if last == "could not load it":
            pull("recon-batch", 2, now - HOUR)
            PullRecord.objects.filter(consumer__name="recon-batch").update(reported_stage="fetched", reported_number=2)

        found = uptake.of_submission(sent(store), cast.alder.organization, now)

        assert (found.taken, found.complete, found.safe_from) == (1, False, None)
        assert "no moment can be said. Ask Birch" in uptake_words(found)["text"]

    def test_does_not_wait_for_a_service_that_is_switched_off(self, cast, now, store, pull, shared):
        pull("payments-gw", 2)
        consumers.retire(consumer=store.consumers.get(name="recon-batch"), actor=cast.birch.admin.actor, now=now)

        assert uptake.of_submission(sent(store), cast.alder.organization, now).complete

    def test_is_sent_to_ask_where_nobody_is_registered(self, cast, now, store, shared):
        for each in store.consumers.all():
            consumers.retire(consumer=each, actor=cast.birch.admin.actor, now=now)

        found = uptake.of_submission(sent(store), cast.alder.organization, now)

        assert (found.total, found.complete, found.safe_from) == (0, False, None)
        assert "so nobody can be counted" in uptake_words(found)["text"]

    def test_is_warned_when_something_of_it_was_withdrawn(self, cast, now, store, pull, shared):
        removed(cast, now)
        for name in NAMES:
            pull(name, 3)

        found = uptake.of_submission(sent(store), cast.alder.organization, now)

        assert (found.held, found.complete, found.safe_from) == (False, False, None)
        assert uptake_words(found)["heading"] == "Do not issue from these CAs before you have asked."
        assert api_of(cast.alder, sent(store))["held"] is False

    def test_counts_only_who_took_it_since_it_was_brought_back(self, cast, now, store, pull, shared):
        removed(cast, now)
        brought_back(cast, now)
        pull("payments-gw", 3)
        pull("recon-batch", 4)

        found = uptake.of_submission(sent(store), cast.alder.organization, now)

        assert (found.version, found.taken, found.held, found.complete) == (4, 1, True, False)


class TestNumbers:
    @pytest.mark.parametrize("how", ["no agreement", "not shared"])
    def test_are_not_told_to_the_owner_unless_the_agreement_says_so(self, cast, now, store, pull, how):
        if how == "not shared":
            agreements.in_force(cast, terms=agreements.make_values(sharing__consumer_counts=False))
        pull("payments-gw", 2)
        removed(cast, now)

        found = uptake.of_submission(sent(store), cast.alder.organization, now)

        assert (found.total, found.taken, found.held, found.safe_from) == (None, None, None, None)
        page, api = page_of(cast.alder, sent(store)), api_of(cast.alder, sent(store))
        assert "Ask Birch before you issue from these CAs." in page
        assert "clause 1.2" in page
        assert "registered services" not in page
        assert api == {
            "store": "alder-prod", "version": 2, "services": None, "taken": None, "held": None, "complete": False,
            "safe_to_use_from": None,
        }  # fmt: skip

    def test_are_the_relying_sides_own_and_name_nobody(self, cast, now, store, pull):
        pull("payments-gw", 2)

        assert api_of(cast.birch, sent(store))["taken"] == 1
        assert 'id="use"' not in page_of(cast.birch, sent(store))

    def test_name_no_service(self, cast, store, pull, shared):
        pull("payments-gw", 2)

        for text in (page_of(cast.alder, sent(store)), str(api_of(cast.alder, sent(store)))):
            assert not any(name in text for name in NAMES)

    def test_are_nothing_before_a_bundle_is_accepted_and_for_strangers(self, cast, now, store, shared):
        waiting = make_stores.submission(cast, *make_stores.whole("Third"), state="waiting_for_call")

        assert api_of(cast.alder, waiting) is None
        assert cast.cedar.viewer.client().get(f"/api/v1/submissions/{sent(store).pk}").status_code == 404


def uptake_words(found):
    return verdict(found, "Birch")


def removed(cast, now):
    """Take what was sent second out of the store: v3."""
    services.withdraw_certificates(
        store=make.store_of(cast),
        certificates=[make_stores.hierarchy("Other").root.sha256],
        actor=cast.birch.officer.actor,
        now=now,
        reason="Out of use.",
    )


def brought_back(cast, now):
    """Bring it back: v4."""
    draft = proposals.restore(
        store=make.store_of(cast),
        certificates=[each.sha256 for each in make_stores.whole("Other")],
        actor=cast.birch.officer.actor,
        now=now,
        reason="It was a drill.",
    )
    proposals.publish_draft(draft=draft, actor=cast.birch.second_officer.actor, now=now)
