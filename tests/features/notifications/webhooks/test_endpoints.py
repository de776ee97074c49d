"""Endpoints: added, proven by their test, rotated, paused, and seen by nobody else."""

from datetime import timedelta

import pytest
import standardwebhooks

from notifications.webhooks import outbound, queries, services
from notifications.webhooks.client import Answer
from notifications.webhooks.models import EndpointKey, WebhookEndpoint
from notifications.webhooks.rules import EndpointState, Outcome
from portal import errors
from portal.audit.models import Event
from tests.makers import listener as listeners


@pytest.fixture
def listener(settings):
    settings.WEBHOOK_ALLOWED_ADDRESSES = ["127.0.0.1/32"]
    with listeners.running() as running:
        yield running


def add(cast, now, url, *, scheme="ed25519", **fields) -> services.Added:
    defaults = {"name": "pager-bridge", "event_types": ["notice.*"]}
    return services.add_endpoint(actor=cast.birch.admin.actor, now=now, url=url, scheme=scheme, **(defaults | fields))


def prove(cast, now, endpoint):
    return services.send_test(actor=cast.birch.admin.actor, now=now, endpoint_id=endpoint.pk)


class TestAdd:
    def test_makes_an_endpoint_that_gets_nothing_before_its_test(self, cast, now, listener):
        endpoint = add(cast, now, listener.url("/echo")).endpoint

        assert endpoint.state == EndpointState.UNPROVEN
        assert queries.endpoints_for(cast.birch.organization, "notice.received") == []
        assert queries.paused_for(cast.birch.organization, "notice.received") == [endpoint]

    def test_keeps_secrets_sealed(self, cast, now, listener):
        added = add(cast, now, listener.url(), scheme="hmac", bearer_token="s3cret-token")

        stored = f"{EndpointKey.objects.get().__dict__} {WebhookEndpoint.objects.get().__dict__}"
        assert added.shown_once.startswith("whsec_")
        assert added.shown_once.removeprefix("whsec_") not in stored
        assert "s3cret-token" not in stored
        assert "s3cret-token" not in str(list(Event.objects.values_list("data", flat=True)))

    def test_gives_each_endpoint_a_key_of_its_own(self, cast, now, listener):
        first, second = add(cast, now, listener.url()), add(cast, now, listener.url(), name="other")

        assert first.shown_once != second.shown_once
        assert first.shown_once.startswith("whpk_")

    def test_refuses_an_address_inside(self, cast, now):
        with pytest.raises(errors.Invalid) as refused:
            add(cast, now, "https://169.254.169.254/latest/")

        assert "url" in refused.value.fields
        assert not WebhookEndpoint.objects.exists()

    @pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "ü", "a b"])
    def test_refuses_a_bearer_token_that_breaks_out_of_its_header(self, cast, now, listener, token):
        with pytest.raises(errors.Invalid):
            add(cast, now, listener.url(), bearer_token=token)

    def test_refuses_a_name_that_is_taken(self, cast, now, listener):
        add(cast, now, listener.url())

        with pytest.raises(errors.Conflict):
            add(cast, now, listener.url())

    def test_is_for_those_who_manage_delivery(self, cast, now, listener):
        with pytest.raises(errors.NotAllowed):
            services.add_endpoint(
                actor=cast.birch.verifier.actor, now=now, name="x", url=listener.url(), event_types=["*"]
            )


class TestTest:
    def test_proves_an_endpoint_that_answers_the_challenge(self, cast, now, listener):
        endpoint = add(cast, now, listener.url("/echo")).endpoint

        endpoint, answer = prove(cast, now, endpoint)

        assert answer.outcome is Outcome.DELIVERED
        assert endpoint.state == EndpointState.ACTIVE
        assert queries.endpoints_for(cast.birch.organization, "notice.received") == [endpoint]

    def test_is_signed_like_every_delivery(self, cast, listener):
        from django.utils import timezone

        added = add(cast, timezone.now(), listener.url("/echo"), scheme="hmac")
        prove(cast, timezone.now(), added.endpoint)

        [got] = listener.received
        standardwebhooks.Webhook(added.shown_once).verify(got.body, got.headers)

    def test_does_not_prove_an_endpoint_that_only_says_yes(self, cast, now, listener):
        endpoint, answer = prove(cast, now, add(cast, now, listener.url("/ok")).endpoint)

        assert (answer.outcome, endpoint.state) == (Outcome.DELIVERED, EndpointState.UNPROVEN)

    def test_lets_a_person_enter_what_arrived(self, cast, now, listener):
        endpoint, _ = prove(cast, now, add(cast, now, listener.url("/ok")).endpoint)
        challenge = listener.received[0].json()["data"]["challenge"]

        services.confirm_challenge(
            actor=cast.birch.admin.actor, now=now + timedelta(minutes=9), endpoint_id=endpoint.pk, challenge=challenge
        )

        endpoint.refresh_from_db()
        assert endpoint.state == EndpointState.ACTIVE

    @pytest.mark.parametrize(("minutes", "right"), [(61, True), (1, False)], ids=["too late", "wrong"])
    def test_refuses_another_or_an_old_challenge(self, cast, now, listener, minutes, right):
        endpoint, _ = prove(cast, now, add(cast, now, listener.url("/ok")).endpoint)
        challenge = listener.received[0].json()["data"]["challenge"] if right else "guessed"

        with pytest.raises(errors.Invalid):
            services.confirm_challenge(
                actor=cast.birch.admin.actor,
                now=now + timedelta(minutes=minutes),
                endpoint_id=endpoint.pk,
                challenge=challenge,
            )

    def test_keeps_no_bearer_token_in_its_record(self, cast, now, listener):
        endpoint, _ = prove(cast, now, add(cast, now, listener.url("/ok"), bearer_token="s3cret").endpoint)

        assert listener.received[0].headers["authorization"] == "Bearer s3cret"
        assert "s3cret" not in str(endpoint.last_test)


class TestRotate:
    def test_signs_with_both_keys_until_the_overlap_ends(self, cast, now, listener):
        added = add(cast, now, listener.url())

        services.rotate_key(
            actor=cast.birch.admin.actor, now=now, endpoint_id=added.endpoint.pk, overlap=timedelta(hours=24)
        )

        for hours, signatures in [(1, 2), (23, 2), (24, 1)]:
            post = outbound.post(added.endpoint, message_id="m", body="{}", now=now + timedelta(hours=hours), key=1)
            assert len(post.headers["webhook-signature"].split(" ")) == signatures

    def test_keeps_every_key_in_the_history(self, cast, now, listener):
        added = add(cast, now, listener.url())
        rotated = services.rotate_key(actor=cast.birch.admin.actor, now=now, endpoint_id=added.endpoint.pk)

        assert {key.public for key in queries.keys_of(added.endpoint)} == {added.shown_once, rotated.shown_once}

    def test_does_not_lengthen_the_overlap_of_an_older_key(self, cast, now, listener):
        added = add(cast, now, listener.url())
        for _ in range(2):
            services.rotate_key(
                actor=cast.birch.admin.actor, now=now, endpoint_id=added.endpoint.pk, overlap=timedelta(hours=2)
            )
            now += timedelta(hours=1)

        oldest = queries.keys_of(added.endpoint).last()
        assert oldest.retires_at == now

    def test_refuses_an_overlap_of_weeks(self, cast, now, listener):
        added = add(cast, now, listener.url())

        with pytest.raises(errors.Invalid):
            services.rotate_key(
                actor=cast.birch.admin.actor, now=now, endpoint_id=added.endpoint.pk, overlap=timedelta(days=8)
            )


class TestHealth:
    def fail(self, endpoint, now, times=1, outcome=Outcome.FAILED):
        tried = outbound.Tried(endpoint.pk, Answer(outcome, "The endpoint answered 500.", status=500), urgent=False)
        outbound.note_outcomes([tried] * times, now=now)
        endpoint.refresh_from_db()

    def test_records_one_event_when_an_endpoint_is_failing(self, cast, now, listener):
        endpoint, _ = prove(cast, now, add(cast, now, listener.url("/echo")).endpoint)

        self.fail(endpoint, now, times=9)

        assert endpoint.state == EndpointState.FAILING
        event = Event.objects.get(kind="webhook_endpoint.failing")
        assert event.organization_id == cast.birch.organization.pk
        assert event.data["reason"] == "The endpoint answered 500."

    def test_pauses_with_an_event_when_the_endpoint_is_gone(self, cast, now, listener):
        endpoint, _ = prove(cast, now, add(cast, now, listener.url("/echo")).endpoint)

        self.fail(endpoint, now, outcome=Outcome.GONE)

        assert endpoint.state == EndpointState.PAUSED
        assert Event.objects.filter(kind="webhook_endpoint.paused").count() == 1

    def test_is_mended_by_a_person(self, cast, now, listener):
        endpoint, _ = prove(cast, now, add(cast, now, listener.url("/echo")).endpoint)
        self.fail(endpoint, now, outcome=Outcome.GONE)

        services.resume_endpoint(actor=cast.birch.admin.actor, now=now, endpoint_id=endpoint.pk)

        endpoint.refresh_from_db()
        assert (endpoint.state, endpoint.failures) == (EndpointState.ACTIVE, 0)


@pytest.mark.parametrize("act", ["send_test", "rotate_key", "resume_endpoint", "remove_endpoint"])
def test_a_stranger_finds_nothing(cast, now, listener, act):
    endpoint = add(cast, now, listener.url()).endpoint
    before = Event.objects.count()

    with pytest.raises(errors.NotFound):
        getattr(services, act)(actor=cast.cedar.admin.actor, now=now, endpoint_id=endpoint.pk)

    assert Event.objects.count() == before


class TestThePageOfAnEndpoint:
    def test_says_in_words_what_it_hears(self, cast, now, listener):
        endpoint = add(cast, now, listener.url(), event_types=["notice.*", "store.published"]).endpoint

        page = cast.birch.admin.client().get(f"/webhooks/{endpoint.pk}/").content.decode()

        assert "<li>Notices: received, escalated, overdue, took effect</li><li>store.published</li>" in page

    def test_opens_what_is_folded_when_its_form_comes_back(self, cast, now, listener):
        endpoint = add(cast, now, listener.url()).endpoint

        answer = cast.birch.admin.client().post(f"/webhooks/{endpoint.pk}/change/", {"event_types": "no.such"})

        assert answer.status_code == 400
        folded = answer.content.decode().partition('aria-labelledby="hears"')[2].partition("</section>")[0]
        assert '<details class="grp" open>' in folded
        assert "There is a problem" in folded
