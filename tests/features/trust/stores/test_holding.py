"""A planned removal waits until services took up the newer CA, as the agreement in force says. Nothing urgent waits."""

from datetime import timedelta

import pytest

from portal import errors
from portal.audit.models import Event
from tests.makers import agreements
from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from tests.moments import EVERYTHING_VALID
from trust.agreements import waivers
from trust.consumers import services as consumers
from trust.consumers.models import PullRecord
from trust.consumers.recording import record_pulls
from trust.stores import holding, proposals, services
from trust.stores.models import StoreVersion
from trust.stores.serve.pulls import Pull

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PAGE = "/trust-stores/alder-prod/withdraw/"
API = "/api/v1/trust-stores/alder-prod/removals"


@pytest.fixture
def agree(cast):
    def signed(percent=90, at_most_days=14):
        waits = {"percent": percent, "at_most_days": at_most_days}
        return agreements.in_force(cast, terms=agreements.make_values(operations__removal_waits=waits))

    return signed


@pytest.fixture
def pull(now):
    def pulled(consumer, number, at=None):
        store = consumer.stores.get()
        record_pulls([Pull(consumer.pk, store.pk, None, at or now, number, 1, "")])

    return pulled


@pytest.fixture
def store(cast, now, pull):
    """Return a store whose v1 held the old CA and whose v2 added the new one; one of two services runs v2."""
    make.published(cast, now=now)
    one, other = (make_consumers.registered(cast, name, now=now)[0] for name in ("payments-gw", "recon-batch"))
    make.published(cast, *make.whole("Other"), now=now)
    pull(one, 2)
    pull(other, 1)
    return make_consumers.store_of(cast)


@pytest.fixture
def remove(cast, now, store):
    def removed(*made, at=now, **more):
        return services.withdraw_certificates(
            store=store,
            certificates=[each.sha256 for each in made or [make.hierarchy().root]],
            actor=cast.birch.officer.actor,
            now=at,
            reason="It was replaced.",
            **more,
        )

    return removed


class TestAPlannedRemoval:
    def test_waits_for_nobody_without_an_agreement_or_when_it_says_nothing(self, cast, remove):
        assert holding.of(make_consumers.store_of(cast), EVERYTHING_VALID) is None

        assert remove().removes == 3

    def test_waits_for_nobody_when_the_share_is_nothing(self, remove, agree):
        agree(percent=0)

        assert remove().removes == 3

    def test_is_refused_while_too_few_run_the_newer_ca(self, cast, now, remove, agree):
        agree(percent=90)
        before = Event.objects.count()

        with pytest.raises(errors.Conflict) as refused:
            remove()

        assert refused.value.code == "services_not_ready"
        said = refused.value.extra
        assert (said["version"], said["consumers"], said["taken_up"], said["needed"]) == (2, 2, 1, 2)
        assert (said["missing"], said["missing_count"], said["clause"]) == (["recon-batch"], 1, "Agreement 9.4")
        assert said["safe_to_remove_after"] == (now + timedelta(minutes=5)).isoformat()
        assert said["waits_until"] == (now + 14 * DAY).isoformat()
        assert "waiver of clause 9.4" in refused.value.fix
        assert "emergency" in refused.value.fix
        assert StoreVersion.objects.count() == 2
        assert Event.objects.count() == before

    def test_goes_once_the_share_is_reached(self, cast, now, remove, agree, pull, store):
        agree(percent=100)
        pull(store.consumers.get(name="recon-batch"), 2, now + HOUR)

        assert remove(at=now + HOUR).removes == 3

    def test_counts_what_is_loaded_and_not_what_is_fetched(self, cast, now, remove, agree, pull, store):
        agree(percent=100)
        late = store.consumers.get(name="recon-batch")
        pull(late, 2)
        report = {"consumer": late, "store": store, "number": 2, "proof": "", "now": now}
        consumers.report_adoption(stage="fetched", **report)

        with pytest.raises(errors.Conflict):
            remove()
        consumers.report_adoption(stage="loaded", **report)

        assert remove().removes == 3

    def test_does_not_wait_for_consumers_that_are_switched_off(self, cast, now, remove, agree, store):
        agree(percent=100)
        consumers.retire(consumer=store.consumers.get(name="recon-batch"), actor=cast.birch.admin.actor, now=now)

        assert remove().removes == 3

    def test_says_no_date_when_a_silent_consumer_is_missing_and_goes_after_the_longest_wait(self, now, remove, agree):
        agree(percent=90, at_most_days=7)

        with pytest.raises(errors.Conflict) as refused:
            remove(at=now + 7 * DAY - HOUR)
        assert refused.value.extra["safe_to_remove_after"] is None
        assert refused.value.extra["waits_until"] == (now + 7 * DAY).isoformat()

        assert remove(at=now + 7 * DAY).removes == 3

    def test_goes_under_a_waiver_of_the_clause(self, cast, now, remove, agree):
        agree()
        asked = waivers.propose(
            actor=cast.birch.officer.actor,
            partnership=cast.partnership,
            clause="9.4",
            concerns=cast.alder.organization,
            reason="The batch is rewritten.",
            owner="Mei Tanaka",
            expires_at=now + DAY,
            now=now,
        )
        with pytest.raises(errors.Conflict):
            remove()
        waivers.decide(actor=cast.alder.officer.actor, waiver=asked, agree=True, now=now)

        assert remove().removes == 3

    def test_of_what_is_new_itself_is_not_held(self, remove, agree):
        agree(percent=100)

        assert remove(make.hierarchy("Other").root).removes == 3

    def test_of_everything_is_not_held(self, cast, remove, agree):
        agree(percent=100)

        assert remove(make.hierarchy().root, make.hierarchy("Other").root, empty_store=True).withdrawal

    def test_is_held_on_the_way_through_earlier_contents_too(self, cast, now, agree, store, remove):
        remove(make.hierarchy().root)  # v3 holds only the newer CA
        make.published(cast, make.hierarchy("Third").root, now=now)  # v4 adds another
        agree(percent=100)

        with pytest.raises(errors.Conflict) as refused:
            services.withdraw_certificates(
                store=store,
                certificates=[make.hierarchy("Other").root.sha256],
                actor=cast.birch.officer.actor,
                now=now,
                reason="It was replaced.",
            )
        assert refused.value.code == "services_not_ready"
        # Going back to v3 takes away only what v4 added.
        again = proposals.publish_again(
            store=store, number=3, actor=cast.birch.officer.actor, now=now, reason="Too early."
        )
        assert isinstance(again, StoreVersion)


class TestWhatNeverWaits:
    def test_is_a_removal_that_a_signed_notice_asks_for(self, remove, agree):
        agree(percent=100)
        root = make.hierarchy().root
        notice = services.NoticeGrounds(label="N-1", digests=frozenset({root.sha256}), key_verified=True)

        assert remove(root, emergency_notice=notice).notice_label == "N-1"

    def test_is_an_emergency_and_the_version_and_the_log_say_so(self, cast, now, remove, agree):
        agree(percent=100)

        version = remove(emergency=True)

        assert version.emergency
        assert version.review_due_at == now + DAY
        assert Event.objects.filter(kind="store.published", data__emergency=True, data__version=3).exists()
        page = cast.birch.viewer.client().get("/trust-stores/alder-prod/v3/").content.decode()
        assert "It did not wait for services." in page


class TestThePage:
    def test_says_who_is_missing_and_offers_the_emergency(self, cast, remove, agree):
        agree()
        officer = cast.birch.officer.client()

        page = officer.get(PAGE).content.decode()

        for words in (
            "Agreement 9.4 holds planned removals",
            "1 of 2 services runs v2, and 2 must",
            "recon-batch",
            "emergency",
        ):
            assert words in " ".join(page.split()), words

    def test_says_why_there_is_no_earlier_date(self, cast, now, remove, agree):
        agree()
        officer = cast.birch.officer.client()
        assert "no earlier date is safe" not in officer.get(PAGE).content.decode()

        PullRecord.objects.filter(consumer__name="recon-batch").update(pulled_at=now - HOUR)

        page = officer.get(PAGE).content.decode()
        assert "silent or never pulled, so no earlier date is safe" in page
        assert "Safe to remove after" not in page

    def test_refuses_and_then_publishes_the_emergency(self, cast, remove, agree):
        agree()
        officer, root = cast.birch.officer.client(), make.hierarchy().root
        body = {"certificates": [root.sha256], "reason": "It was replaced."}

        refused = officer.post(PAGE, body)
        done = officer.post(PAGE, body | {"emergency": "on"})

        assert refused.status_code == 400
        assert "services run alder-prod v2" in refused.content.decode()
        assert done.status_code == 302
        assert StoreVersion.objects.get(number=3).emergency

    def test_offers_no_emergency_where_nothing_is_held(self, cast, remove):
        assert 'name="emergency"' not in cast.birch.officer.client().get(PAGE).content.decode()


class TestTheApi:
    def body(self, **more):
        return {"certificates": [make.hierarchy().root.sha256], "reason": "It was replaced."} | more

    def post(self, client, **more):
        return client.post(API, self.body(**more), content_type="application/json")

    def test_answers_with_a_problem_that_names_the_services(self, cast, remove, agree):
        agree()

        answer = self.post(cast.birch.officer.client())

        assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
        assert answer.json()["type"].endswith("#services_not_ready")
        assert answer.json()["missing"] == ["recon-batch"]
        assert answer.json()["fix"]
        assert StoreVersion.objects.count() == 2

    def test_publishes_an_emergency(self, cast, remove, agree):
        agree()

        answer = self.post(cast.birch.officer.client(), emergency=True)

        assert (answer.status_code, answer.json()["number"], answer.json()["emergency"]) == (201, 3, True)

    def test_is_an_officers_with_a_fresh_second_factor(self, cast, remove):
        assert self.post(cast.birch.viewer.client()).status_code == 403
        assert self.post(cast.birch.responder.client()).json()["code"] == "notice_required"
        assert self.post(cast.cedar.officer.client()).status_code == 404
        assert StoreVersion.objects.count() == 2
        assert self.post(cast.birch.officer.client()).status_code == 201
