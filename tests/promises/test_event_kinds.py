"""The kinds of events are a public contract: each is declared once, with its sentence, and told only by its declared name."""

import re
from pathlib import Path

import pytest

from notifications.fanout import rules as fanout
from portal import features
from portal.audit import sentences

KINDS = sorted(sentences.registered())
KIND = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_a_noun_and_what_happened(kind):
    assert KIND.fullmatch(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sentence_can_be_said_of_an_event_that_lacks_facts(kind):
    said = sentences.of_event(kind, {"actor": "Ana Ribeiro"})

    assert "{" not in said
    assert not said.endswith(".")


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        ("2026-11-25T19:34:25.212838+00:00", "25 Nov 2026, 19:34 UTC"),
        ("2026-11-25T23:34:25-02:00", "26 Nov 2026, 01:34 UTC"),
        ("2026-11-25T19:34:25Z", "25 Nov 2026, 19:34 UTC"),
        ("2026-02-31T19:34:25Z", "2026-02-31T19:34:25Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("at 2026-11-25T19:34:25Z", "at 2026-11-25T19:34:25Z"),
        ("2026-11-25", "2026-11-25"),
    ],
)
def test_a_moment_is_said_as_people_say_it(recorded, said):
    assert sentences.say("Until {until}", {"until": recorded}) == f"Until {said}"


def test_what_is_recorded_by_name_is_declared():
    root = Path(__file__).resolve().parent.parent.parent
    for path in (path for folder in ("portal", "trust", "notifications") for path in (root / folder).rglob("*.py")):
        for found in re.finditer(r"record\(\s*\"([a-z_]+\.[a-z_]+)\"", path.read_text()):
            assert found[1] in KINDS, f"{path.relative_to(root)} records {found[1]}"


def test_every_feature_declares_its_own():
    modules = [*features.modules("rules"), *features.modules("events")]

    declared = [str(kind) for module in modules for kind in getattr(module, "EVENTS", {})]

    assert sorted(declared) == KINDS


@pytest.mark.parametrize("kind", sorted(fanout.TABLE))
def test_what_is_told_is_declared(kind):
    assert kind in KINDS


@pytest.mark.parametrize("kind", sorted(fanout.TABLE))
def test_what_is_told_reaches_somebody_and_leads_to_a_page(kind):
    rule = fanout.TABLE[kind]

    assert rule.roles
    assert rule.channels
    assert rule.subject
    assert rule.path.startswith("/")
    assert rule.path.endswith("/")


def test_a_dead_letter_is_never_told_by_the_channel_that_failed():
    assert "mail" not in fanout.TABLE["mail.undeliverable"].channels
    assert "webhook" not in fanout.TABLE["webhook.undeliverable"].channels


@pytest.mark.parametrize(("number", "said"), [(1, "1 certificate:"), (3, "3 certificates:"), (None, "… certificates:")])
def test_a_number_is_said_with_its_noun(number, said):
    facts = {"store": "alder-prod", "reason": "Stolen."} | ({} if number is None else {"certificates": number})

    assert said in sentences.of_event("store.published", facts)
