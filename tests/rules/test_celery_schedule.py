"""What the scheduler hands over still counts when its clock and the worker's differ."""

from portal.celery import app


def test_no_message_expires_within_a_minute():
    waiting = [entry.get("options", {}).get("expires") for entry in app.conf.beat_schedule.values()]

    assert min(each for each in waiting if each is not None) >= 60
