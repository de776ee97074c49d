"""The list of consumers over the API: all of them with their state, or those in one."""

from datetime import timedelta

import pytest

from tests.makers import consumers as make
from tests.makers import stores as make_stores
from trust.consumers import rules, services
from trust.consumers.recording import record_pulls
from trust.stores.serve.pulls import Pull

ADDRESS = "/api/v1/consumers"


@pytest.fixture
def four(cast, now):
    """Four consumers: one runs the current version, one is silent, one never pulled, and one is switched off."""
    make_stores.published(cast)
    store = make.store_of(cast)
    named = {name: make.registered(cast, name)[0] for name in ("current", "never", "off", "silent")}
    record_pulls(
        [
            Pull(named["current"].pk, store.pk, None, now, 1, 1, ""),
            Pull(named["silent"].pk, store.pk, None, now - timedelta(hours=2), 1, 1, ""),
        ]
    )
    services.retire(consumer=named["off"], actor=cast.birch.admin.actor, now=now)
    return named


def listed(client, **query) -> dict[str, str]:
    return {each["name"]: each["state"] for each in client.get(ADDRESS, query).json()["results"]}


class TestList:
    def test_has_those_that_are_switched_off_too_and_says_how_each_stands(self, cast, four):
        results = cast.birch.viewer.client().get(ADDRESS).json()["results"]

        assert {each["name"]: each["state"] for each in results} == {
            "current": "current",
            "never": "never_pulled",
            "off": "switched_off",
            "silent": "silent",
        }
        assert [each["name"] for each in results if each["retired_at"]] == ["off"]

    @pytest.mark.parametrize(
        ("state", "names"),
        [
            ("current", {"current"}),
            ("silent", {"silent"}),
            ("never_pulled", {"never"}),
            ("behind", set()),
            ("switched_off", {"off"}),
        ],
    )
    def test_is_narrowed_by_state(self, cast, four, state, names):
        assert set(listed(cast.birch.viewer.client(), state=state)) == names

    def test_says_the_worst_of_the_states_that_a_consumer_is_in(self, cast, now, four):
        other = make_stores.empty_store(cast)
        four["current"].stores.add(other)

        assert listed(cast.birch.viewer.client(), state="current") == {"current": "never_pulled"}

    def test_names_the_states_when_another_is_asked_for(self, cast):
        answer = cast.birch.viewer.client().get(ADDRESS, {"state": "late"})

        body = answer.json()
        assert (answer.status_code, body["code"]) == (400, "invalid_input")
        assert [each["field"] for each in body["errors"]] == ["state"]
        assert all(state.value in body["detail"] for state in rules.State)

    def test_is_empty_for_a_stranger(self, cast, four):
        assert listed(cast.cedar.viewer.client()) == {}

    def test_agrees_with_the_consumer_itself(self, cast, four):
        client = cast.birch.viewer.client()

        alone = {name: client.get(f"{ADDRESS}/{name}").json()["state"] for name in four}

        assert alone == listed(client)
