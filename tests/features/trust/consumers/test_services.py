"""Registering consumers, and giving and taking their tokens."""

from datetime import timedelta
from functools import partial

import pytest

from portal import errors
from portal.audit.models import Event
from tests.makers import consumers as make
from tests.makers import metrics, notices
from tests.makers import stores as make_stores
from trust.consumers import queries, rules, services, watching
from trust.consumers.lanes import lanes_of
from trust.consumers.models import Consumer, ConsumerToken, PullRecord
from trust.consumers.recording import record_pulls
from trust.notices import document, life
from trust.stores.serve.access import by_secret
from trust.stores.serve.pulls import Pull

HOUR = timedelta(hours=1)


@pytest.fixture
def consumer(cast):
    make_stores.published(cast)
    return make.registered(cast)


class TestRegister:
    def test_gives_a_token_that_opens_the_named_stores_and_is_not_stored(self, cast, now, consumer):
        _, secret = consumer
        other = make_stores.empty_store(cast)

        found = by_secret(secret, now)

        assert secret.startswith("txc_")
        assert found.opens(make.store_of(cast).pk)
        assert not found.opens(other.pk)
        assert secret not in str(ConsumerToken.objects.values())
        assert secret not in str(list(Event.objects.values()))

    def test_is_told_of_who_was_first_by_a_moment(self, cast, now, consumer, monkeypatch):
        """A second click, or a colleague: nobody had the name when it was looked up, and somebody has it when it is written."""
        looked, really = [], services._named
        monkeypatch.setattr(services, "_named", lambda *of: really(*of) if looked else looked.append("nobody yet"))
        before = Event.objects.count()

        with pytest.raises(errors.Conflict, match="There is a consumer called payments-gw already") as told:
            make.registered(cast)

        assert told.value.code == "name_taken"
        assert "rotate it on its page" in told.value.fix
        assert Event.objects.count() == before

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", "Payments GW!"),
            ("name", ""),
            ("name", "new"),
            ("name", "x" * 81),
            ("interval", timedelta(seconds=1)),
            ("interval", timedelta(days=60)),
            ("stores", []),
            ("owner", "x" * 121),
            ("lifetime", timedelta(days=400)),
            ("lifetime", timedelta(0)),
        ],
    )
    def test_names_the_field_that_is_wrong(self, cast, now, consumer, field, value):
        fields = {"name": "other", "stores": [make.store_of(cast)]} | {field: value}

        with pytest.raises(errors.Invalid) as refused:
            services.register(**fields, actor=cast.birch.admin.actor, now=now)

        assert field in refused.value.fields
        assert Consumer.objects.count() == 1

    def test_refuses_a_store_of_somebody_else(self, cast, now, consumer):
        with pytest.raises(errors.NotFound):
            services.register(name="spy", stores=[make.store_of(cast)], actor=cast.alder.admin.actor, now=now)

    @pytest.mark.parametrize("who", ["verifier", "responder", "viewer"])
    def test_is_for_admins_and_officers(self, cast, now, consumer, who):
        with pytest.raises(errors.NotAllowed):
            services.register(name="other", stores=[make.store_of(cast)], actor=getattr(cast.birch, who).actor, now=now)

    def test_needs_a_fresh_second_factor(self, cast, now, consumer):
        with pytest.raises(errors.StepUpRequired):
            services.register(
                name="other", stores=[make.store_of(cast)], actor=cast.birch.admin.actor_without_step_up, now=now
            )


class TestRotateToken:
    def test_lets_both_tokens_work_for_the_overlap_and_no_longer(self, cast, now, consumer):
        made, old = consumer
        new = services.rotate_token(consumer=made, actor=cast.birch.admin.actor, now=now, overlap=HOUR)

        assert by_secret(old, now + HOUR / 2)
        assert not by_secret(old, now + HOUR)
        assert by_secret(new, now + HOUR)

    def test_does_not_lengthen_the_life_of_an_older_token(self, cast, now, consumer):
        made, old = consumer
        ConsumerToken.objects.update(expires_at=now + HOUR / 4)

        services.rotate_token(consumer=made, actor=cast.birch.admin.actor, now=now, overlap=HOUR)

        assert not by_secret(old, now + HOUR / 2)

    def test_is_refused_for_a_consumer_that_is_switched_off(self, cast, now, consumer):
        made, secret = consumer
        services.retire(consumer=made, actor=cast.birch.admin.actor, now=now)

        with pytest.raises(errors.Conflict):
            services.rotate_token(consumer=made, actor=cast.birch.admin.actor, now=now)
        assert not by_secret(secret, now)


class TestSwitchOn:
    @pytest.fixture
    def off(self, cast, now, consumer):
        made, secret = consumer
        store = make.store_of(cast)
        record_pulls([Pull(made.pk, store.pk, made.tokens.first().pk, now - 3 * HOUR, 1, 1, "trustx")])
        services.retire(consumer=made, actor=cast.birch.admin.actor, now=now)
        return made, secret

    def test_makes_a_new_token_and_leaves_the_old_ones_revoked(self, cast, now, off):
        made, old = off
        # Made by whoever rotated in the moment in which it was switched off.
        ConsumerToken.objects.create(
            consumer=made, name="late", hint="txc_late", digest="d", created_at=now, expires_at=now + HOUR
        )

        new = services.switch_on(consumer=made, actor=cast.birch.admin.actor, now=now)

        assert by_secret(new, now).opens(make.store_of(cast).pk)
        assert not by_secret(old, now)
        assert made.tokens.filter(revoked_at=None).count() == 1
        event = Event.objects.get(kind="consumer.switched_on")
        assert event.data == {"consumer": "payments-gw", "hint": made.tokens.get(revoked_at=None).hint}
        assert new not in str(event.data)

    def test_counts_it_again_and_keeps_what_it_pulled(self, cast, now, off):
        made, _ = off
        store = make.store_of(cast)
        assert queries.adoption(store, now)["all"] == 0

        services.switch_on(consumer=made, actor=cast.birch.admin.actor, now=now)

        assert queries.adoption(store, now)["silent"] == 1
        assert queries.standings([made], now)[0].pull.runs == 1

    def test_tells_of_its_first_pull_and_not_that_it_is_silent(self, cast, now, off):
        made, _ = off
        services.switch_on(consumer=made, actor=cast.birch.admin.actor, now=now)

        assert watching.watch(now=now) == watching.watch(now=now + HOUR) == 0
        PullRecord.objects.update(pulled_at=now + HOUR)
        watching.watch(now=now + HOUR)

        assert list(Event.objects.filter(kind__contains="consumer.").values_list("kind", flat=True).order_by("pk"))[
            -2:
        ] == ["consumer.switched_on", "consumer.pulls_again"]

    def test_is_refused_for_one_that_is_switched_on(self, cast, now, consumer):
        made, secret = consumer

        with pytest.raises(errors.Conflict):
            services.switch_on(consumer=made, actor=cast.birch.admin.actor, now=now)
        assert by_secret(secret, now)

    def test_needs_the_right_the_second_factor_and_the_own_organization(self, cast, now, off):
        made, _ = off
        for actor, refusal in [
            (cast.birch.verifier.actor, errors.NotAllowed),
            (cast.birch.admin.actor_without_step_up, errors.StepUpRequired),
            (cast.alder.admin.actor, errors.NotFound),
        ]:
            with pytest.raises(refusal):
                services.switch_on(consumer=made, actor=actor, now=now)
        made.refresh_from_db()
        assert made.retired_at == now

    def test_is_a_page_with_a_button_and_shows_the_token_once(self, cast, now, off):
        made, _ = off
        browser, path = cast.birch.admin.client(), "/consumers/payments-gw/switch-on/"

        assert path in browser.get("/consumers/payments-gw/").content.decode()
        assert path not in cast.birch.viewer.client().get("/consumers/payments-gw/").content.decode()
        assert "The tokens that it had stay revoked." in browser.get(path).content.decode()
        made.refresh_from_db()
        assert made.retired_at, "looking changes nothing"
        done = browser.post(path, {"lifetime": "30"}).content.decode()

        made.refresh_from_db()
        token = made.tokens.first()
        assert made.retired_at is None
        assert token.hint in done
        assert token.expires_at - token.created_at == timedelta(days=30)
        assert browser.get(path).headers["location"] == "/consumers/payments-gw/"
        again = browser.post(path, {"lifetime": "30"})
        assert again.status_code == 400
        assert "This consumer is switched on already." in again.content.decode()

    def test_is_offered_over_the_api(self, cast, now, off):
        browser, path = cast.birch.admin.client(), "/api/v1/consumers/payments-gw/switch-on"

        strange = cast.cedar.admin.client().post(path, {}, content_type="application/json")
        done = browser.post(path, {"lifetime_days": 7}, content_type="application/json")
        again = browser.post(path, {}, content_type="application/json")

        assert strange.status_code == 404
        assert done.status_code == 201
        assert by_secret(done.json()["secret"], now)
        assert (again.status_code, again.json()["code"]) == (409, "consumer_switched_on")
        assert browser.get("/api/v1/consumers/payments-gw").json()["retired_at"] is None


class TestRecordPulls:
    def pull(self, cast, made, at, number=1):
        token = made.tokens.first()
        return Pull(made.pk, make.store_of(cast).pk, token.pk, at, number, 1, "curl/8")

    def test_keeps_the_newest_of_late_batches(self, cast, now, consumer):
        made, _ = consumer
        record_pulls([self.pull(cast, made, now, number=2)])
        record_pulls([self.pull(cast, made, now - HOUR, number=1)])

        pull = PullRecord.objects.get()
        assert (pull.version_number, pull.pulled_at, pull.pull_count) == (2, now, 2)

    def test_observes_the_interval(self, cast, now, consumer):
        made, _ = consumer
        for step in range(4):
            record_pulls([self.pull(cast, made, now + step * HOUR)])

        assert PullRecord.objects.get().observed_seconds == pytest.approx(3600)

    def test_of_who_only_asked_is_that_it_is_there_and_not_what_it_runs(self, cast, now, consumer):
        made, _ = consumer
        pull = partial(Pull, made.pk, make.store_of(cast).pk, None, count=1, user_agent="")

        record_pulls([pull(at=now, number=0)])
        assert not PullRecord.objects.exists()

        record_pulls([pull(at=now, number=1)])
        record_pulls([pull(at=now + HOUR, number=0)])
        record = PullRecord.objects.get()
        assert (record.version_number, record.pulled_at, record.pull_count) == (1, now + HOUR, 2)

    def test_takes_a_few_statements_for_many_pulls(self, cast, now, consumer, django_assert_max_num_queries):
        made = [make.registered(cast, f"service-{number}")[0] for number in range(20)]

        pulls = [self.pull(cast, each, now) for each in made]
        with django_assert_max_num_queries(10):
            record_pulls(pulls)

        assert PullRecord.objects.count() == 20

    def test_says_which_withdrawn_certificates_a_late_consumer_still_trusts(self, cast, now, consumer):
        made, _ = consumer
        issuing = make_stores.hierarchy().issuing
        record_pulls([self.pull(cast, made, now)])
        make_stores.services.withdraw_certificates(
            store=make.store_of(cast),
            certificates=[issuing.sha256],
            actor=cast.birch.officer.actor,
            now=now,
            reason="Stolen.",
        )

        standing = queries.standings([made], now)[0]

        assert standing.state is rules.State.BEHIND
        assert standing.still_trusts == (issuing.sha256,)
        assert standing.leftover == "a withdrawn CA"

    def test_tells_what_a_notice_took_away_from_what_was_withdrawn(self, cast, now, consumer):
        made, _ = consumer
        tiers, store = make_stores.hierarchy(), make.store_of(cast)
        record_pulls([self.pull(cast, made, now)])
        notices.make_signer(cast).send(effective_date=document.stamp(now))
        life.sweep(now=now)
        make_stores.services.withdraw_certificates(
            store=store, certificates=[tiers.policy.sha256], actor=cast.birch.officer.actor, now=now, reason="Unused."
        )

        (standing,) = queries.standings([made], now)

        assert set(standing.still_trusts) == {tiers.issuing.sha256, tiers.policy.sha256}
        assert standing.revoked == (tiers.issuing.sha256,)
        assert standing.leftover == "1 revoked and 1 withdrawn CAs"
        assert "still trusts 1 revoked and 1 withdrawn CAs" in (
            cast.birch.officer.client().get("/trust-stores/alder-prod/consumers/").content.decode()
        )


@pytest.mark.parametrize(
    ("revoked", "withdrawn", "says"),
    [
        (0, 0, ""),
        (1, 0, "a revoked CA"),
        (0, 1, "a withdrawn CA"),
        (2, 0, "2 revoked CAs"),
        (3, 2, "3 revoked and 2 withdrawn CAs"),
    ],
)
def test_what_a_service_still_trusts_is_counted_by_why_it_left(revoked, withdrawn, says):
    assert rules.leftover(revoked=revoked, withdrawn=withdrawn) == says


class TestLanes:
    def test_put_the_late_ones_on_top_and_those_that_never_pulled_last(self, cast, now, consumer):
        made, _ = consumer
        other, _ = make.registered(cast, "ledger-sync")
        make.registered(cast, "edge-eu-1")
        store = make.store_of(cast)
        make_stores.published(cast, *make_stores.whole("Other"))
        store.refresh_from_db()
        for each, number in [(made, 1), (other, 2)]:
            token = each.tokens.first()
            record_pulls([Pull(each.pk, store.pk, token.pk, now, number, 1, "")])

        found = lanes_of(store, now)

        assert [(lane.number, lane.count, lane.late) for lane in found] == [
            (1, 1, True),
            (2, 1, False),
            (None, 1, False),
        ]
        assert queries.counts_of([store], now) == {store.pk: (1, 3)}
        assert queries.adoption(store, now)["behind"] == 1


class TestFetchedAndNotTaken:
    """The agent pulled the current version, and its service would not load it: pulled is not run."""

    @pytest.fixture
    def stuck(self, cast, now, consumer):
        made, _ = consumer
        store = make.store_of(cast)
        make_stores.services.withdraw_certificates(
            store=store,
            certificates=[make_stores.hierarchy().issuing.sha256],
            actor=cast.birch.officer.actor,
            now=now,
            reason="Stolen.",
        )
        store.refresh_from_db()
        record_pulls([Pull(made.pk, store.pk, made.tokens.first().pk, now, 2, 1, "trustx")])
        self.report(made, store, now, "fetched")
        return made, store

    def report(self, made, store, now, stage):
        services.report_adoption(
            consumer=made, store=store, number=2, stage=stage, proof="the check refused it", now=now
        )

    def test_counts_as_behind_and_still_trusts_what_left(self, now, stuck):
        made, store = stuck

        (standing,) = queries.standings([made], now)

        assert (standing.state, standing.pull.runs) == (rules.State.BEHIND, 1)
        assert (standing.still_trusts, standing.notice) == ((make_stores.hierarchy().issuing.sha256,), "")
        assert [(lane.number, lane.late, lane.standings[0].consumer) for lane in lanes_of(store, now)] == [
            (1, True, made)
        ]
        assert queries.counts_of([store], now) == {store.pk: (0, 1)}
        shown = {state: metrics.value(now, "consumers", state=state) for state in ("current", "behind")}
        assert shown == {"current": 0, "behind": 1}

    def test_holds_up_the_notice_that_took_the_certificate_away(self, cast, now, consumer):
        """Adopted means that the services have really moved."""
        made, _ = consumer
        notice = notices.make_signer(cast).send(effective_date=document.stamp(now)).notice
        store = make.store_of(cast)
        record_pulls([Pull(made.pk, store.pk, made.tokens.first().pk, now, 2, 1, "trustx")])
        self.report(made, store, now, "fetched")

        life.sweep(now=now)
        notice.refresh_from_db()
        assert notice.state == "executed"
        (standing,) = queries.standings([made], now)
        assert standing.still_trusts
        assert standing.notice == notice.label
        page = cast.birch.admin.client().get("/consumers/payments-gw/").content.decode()
        assert "payments-gw still trusts a revoked CA." in page
        self.report(made, store, now, "loaded")
        life.sweep(now=now)
        notice.refresh_from_db()
        assert notice.state == "adopted"

    def test_is_current_once_it_was_loaded(self, now, stuck):
        made, store = stuck

        self.report(made, store, now, "loaded")

        assert queries.standings([made], now)[0].state is rules.State.CURRENT
        assert queries.counts_of([store], now) == {store.pk: (1, 1)}

    def test_shows_a_pull_that_was_not_written_down(self, cast, now, stuck):
        made, store = stuck
        PullRecord.objects.update(version_number=1, pulled_at=now - 3 * HOUR)

        self.report(made, store, now, "loaded")

        assert queries.standings([made], now)[0].state is rules.State.CURRENT

    def test_is_said_on_the_page_and_over_the_api(self, cast, stuck):
        browser = cast.birch.admin.client()

        page = browser.get("/consumers/payments-gw/").content.decode()
        (standing,) = browser.get("/api/v1/consumers/payments-gw").json()["standings"]

        assert "It fetched v2 and does not run it." in page
        assert "look on its machine why it did not load" in page
        assert "force a pull" not in page, "it pulled already"
        assert (standing["runs"], standing["reported"]["stage"]) == (1, "fetched")
        assert standing["reported"]["proof"] == "the check refused it"


class TestApi:
    def test_registers_a_consumer_and_takes_its_report(self, cast, consumer, client):
        browser = cast.birch.admin.client()
        made = browser.post(
            "/api/v1/consumers", {"name": "edge-eu-1", "stores": ["alder-prod"]}, content_type="application/json"
        )
        headers = {"Authorization": f"Bearer {made.json()['secret']}"}
        report = {"version": 1, "stage": "loaded", "proof": "nginx -t"}
        path = "/api/v1/trust-stores/alder-prod/adoption/report"

        answers = [
            client.post(path, each, content_type="application/json", headers=headers).status_code
            for each in (report, report | {"version": 2}, report | {"stage": "guessed"})
        ]

        assert made.status_code == 201
        assert answers == [204, 400, 400]
        assert browser.get("/api/v1/consumers/edge-eu-1").json()["standings"][0]["state"] == "current"
        assert client.post(path, report, content_type="application/json").status_code == 401

    def test_compares_versions_and_checks_chains(self, cast, consumer):
        make_stores.published(cast, *make_stores.whole("Other"))
        tiers = make_stores.hierarchy("Other")
        browser = cast.birch.viewer.client()
        chain = (tiers.leaf.pem + tiers.issuing.pem + tiers.policy.pem).decode()
        check = "/api/v1/trust-stores/alder-prod/check-chain"

        difference = browser.get("/api/v1/trust-stores/alder-prod/compare/1...2").json()
        now_is = browser.post(check, {"chain": chain}, content_type="application/json").json()
        before = browser.post(f"{check}?version=1", {"chain": chain}, content_type="application/json").json()

        assert len(difference["added"]) == 3
        assert difference["removed"] == []
        assert (now_is["accepted"], now_is["decided_by"]) == (True, tiers.root.sha256)
        assert not before["accepted"]
