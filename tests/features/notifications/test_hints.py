"""A hint tells a worker to look now; one that cannot be sent costs nobody anything."""

import pytest

from notifications.fanout import tasks


@pytest.fixture(autouse=True)
def _rested(monkeypatch):
    monkeypatch.setattr(tasks, "_no_hints_before", 0.0)


def test_after_one_that_failed_none_is_tried_for_a_while(monkeypatch):
    tried = []

    def apply_async(**options):
        tried.append(options)
        raise ConnectionError

    monkeypatch.setattr(tasks.sweep, "apply_async", apply_async)

    for _ in range(5):
        tasks.hint(1)

    assert len(tried) == 1


def test_one_is_sent_for_each_event_while_the_broker_answers(monkeypatch):
    tried = []
    monkeypatch.setattr(tasks.sweep, "apply_async", lambda **options: tried.append(options))

    for _ in range(3):
        tasks.hint(1)

    assert len(tried) == 3
