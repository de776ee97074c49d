"""The states of a key, and when its expiry is told."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from trust.keys import rules
from trust.keys.rules import Action, State

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_no_sequence_of_actions_leaves_the_table_or_brings_a_revoked_key_back():
    for actions in itertools.product(Action, repeat=4):
        state = State.UPLOADED
        revoked = False
        for action in actions:
            if not rules.may(state, action) or action is Action.DISCARD:
                continue
            state = rules.after(state, action)
            revoked = revoked or state is State.REVOKED
            assert not revoked or state is State.REVOKED


@pytest.mark.parametrize(
    ("state", "left", "verified", "shown"),
    [
        ("uploaded", 10, False, "uploaded"),
        ("proven", 10, False, "proven"),
        ("proven", 10, True, "verified"),
        ("proven", 0, True, "expired"),
        ("proven", None, True, "verified"),
        ("revoked", 10, True, "revoked"),
        ("replaced", -5, True, "replaced"),
    ],
)
def test_one_word_says_what_matters_most(state, left, verified, shown):
    expires_at = None if left is None else NOW + timedelta(days=left)

    assert rules.shown_state(state, expires_at=expires_at, verified=verified, now=NOW) == shown
    assert rules.is_in_force(state, expires_at=expires_at, now=NOW) == (shown in ("proven", "verified"))


@pytest.mark.parametrize(
    ("days", "told", "step"),
    [
        (366, None, None),
        (365, None, 365),
        (181, 365, None),
        (180, 365, 180),
        (91, 180, None),
        (90, 180, 90),
        (90, 90, None),
        (31, 90, None),
        (30, 90, 30),
        (3, None, 7),
        (3, 7, None),
        (0, None, None),
    ],
)
def test_each_step_before_the_expiry_is_told_once(days, told, step):
    assert rules.expiry_step(NOW + timedelta(days=days), told=told, now=NOW) == step


def test_a_new_key_of_a_year_is_no_news():
    made, ends = NOW, NOW + timedelta(days=365)

    assert rules.expiry_step(ends, told=None, now=made, begins_at=made) is None
    assert rules.expiry_step(ends, told=None, now=ends - timedelta(days=180), begins_at=made) == 180


def test_a_key_without_expiry_is_never_told():
    assert rules.expiry_step(None, told=None, now=NOW) is None


@pytest.mark.parametrize(
    ("user_id", "command"),
    [
        ("Halden CA <pki@halden.example>", "gpg --fingerprint pki@halden.example"),
        ("Halden CA", "gpg --fingerprint"),
        ("x <a@b.example; rm -rf />", "gpg --fingerprint"),
        ("x <$(id)@b.example>", "gpg --fingerprint"),
        ("x <--output@b.example>", "gpg --fingerprint"),
        ("x <a@b.example> `id`", "gpg --fingerprint"),
    ],
)
def test_nothing_but_an_address_gets_into_the_command_that_the_owner_runs(user_id, command):
    assert rules.reading_command([user_id]) == command


def test_every_event_has_a_sentence():
    assert set(rules.EVENTS) == set(rules.Event)
