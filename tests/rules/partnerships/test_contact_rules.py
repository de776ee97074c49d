"""When a number may be called, and what is a number."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import errors
from portal.partnerships import contact_rules as rules
from portal.partnerships.contact_rules import ContactState, NumberFacts

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=200)
TICK = timedelta(microseconds=1)


def number(**changes) -> NumberFacts:
    facts = {
        "changed_at": LONG_AGO,
        "usable_from": None,
        "called_at": LONG_AGO,
        "vouched_at": LONG_AGO,
        "reported_wrong_at": None,
        "retired_at": None,
    }
    return NumberFacts(**(facts | changes))


class TestState:
    @pytest.mark.parametrize(
        ("changes", "state", "code"),
        [
            ({}, ContactState.CONFIRMED, None),
            ({"called_at": None}, ContactState.UNCONFIRMED, "number_unconfirmed"),
            ({"vouched_at": None}, ContactState.UNCONFIRMED, "number_unconfirmed"),
            ({"usable_from": NOW + TICK}, ContactState.COOLING_OFF, "number_too_new"),
            ({"usable_from": NOW}, ContactState.CONFIRMED, None),
            ({"reported_wrong_at": NOW}, ContactState.UNCONFIRMED, "number_reported_wrong"),
            ({"retired_at": LONG_AGO}, ContactState.RETIRED, "contact_retired"),
            ({"retired_at": LONG_AGO, "usable_from": NOW + TICK}, ContactState.RETIRED, "contact_retired"),
        ],
    )
    def test_says_whether_the_number_may_be_called(self, changes, state, code):
        facts = number(**changes)
        obstacle = rules.obstacle(facts, NOW)

        assert rules.state_at(facts, NOW) == state
        assert (obstacle.code if obstacle else None) == code

    def test_names_the_moment_from_which_a_new_number_can_be_used(self):
        changed = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
        obstacle = rules.obstacle(
            number(changed_at=changed, usable_from=rules.usable_from(changed, cools_off=True)), NOW
        )

        assert obstacle is not None
        assert obstacle.heading == "This number is too new."
        assert obstacle.sentence == "It was changed on 23 Nov and can be used from 26 Nov, 14:00 UTC."

    def test_a_changed_number_cools_off_for_72_hours_to_the_moment(self):
        facts = number(usable_from=rules.usable_from(NOW, cools_off=True))

        assert rules.state_at(facts, NOW + timedelta(hours=72) - TICK) == ContactState.COOLING_OFF
        assert rules.state_at(facts, NOW + timedelta(hours=72)) == ContactState.CONFIRMED


class TestANumber:
    @pytest.mark.parametrize(
        ("raw", "e164"),
        [
            ("+49 30 5550 1432", "+493055501432"),
            (" +44 (0)20 7946 0123 ", "+442079460123"),
            ("+1-202-555-0143", "+12025550143"),
        ],
    )
    def test_is_kept_in_one_form(self, raw, e164):
        assert rules.parse_number(raw) == e164

    @pytest.mark.parametrize(
        "raw",
        ["", "030 55501432", "hello", "+49 30 1", "+49 30 55501432 ext. 12", "+999 123456", "tel:55501432", "+49" * 30],
    )
    def test_is_refused_without_its_country_or_when_it_cannot_be(self, raw):
        with pytest.raises(errors.Invalid) as refusal:
            rules.parse_number(raw)

        assert refusal.value.code == "phone_number"
        assert "phone" in refusal.value.fields

    @given(st.text(max_size=40))
    def test_is_read_or_refused_whatever_comes(self, raw):
        try:
            assert rules.parse_number(rules.parse_number(raw)) == rules.parse_number(raw)
        except errors.Invalid:
            return

    def test_is_masked_for_records(self):
        assert rules.masked("+493055501432") == "+49 … 1432"


@pytest.mark.parametrize("raw", ["DEADBEEF", "0123456789ABCDEF", "g" * 40, "a" * 41])
def test_a_short_key_id_is_no_fingerprint(raw):
    with pytest.raises(errors.Invalid):
        rules.parse_fingerprint(raw)


def test_a_fingerprint_is_taken_in_any_spacing():
    assert rules.parse_fingerprint("9CAD 5E8D" + " 0000" * 8) == "9cad5e8d" + "0000" * 8
    assert rules.parse_fingerprint("") == ""


def test_a_time_zone_is_one_of_the_database():
    assert rules.parse_time_zone("Europe/Berlin") == "Europe/Berlin"
    with pytest.raises(errors.Invalid):
        rules.parse_time_zone("Mars/Olympus")
