"""The scheduler goes on when the clock of its machine is set back."""

import time_machine
from celery import Celery
from celery.schedules import crontab

from portal.schedules import SteadyScheduler


class Recording(SteadyScheduler):
    """Writes down what it starts."""

    producer = None

    def setup_schedule(self):
        self.data = {}
        self.started = []
        self.merge_inplace(self.app.conf.beat_schedule)

    @property
    def schedule(self):
        return self.data

    def apply_async(self, entry, producer=None, advance=True, **kwargs):
        self.started.append(entry.name)


def scheduler() -> Recording:
    app = Celery("test", broker="memory://", set_as_current=False)
    app.conf.beat_schedule = {
        "often": {"task": "a", "schedule": 2.0},
        "rarely": {"task": "b", "schedule": 60.0},
        "at night": {"task": "c", "schedule": crontab(hour="4", minute="0")},
    }
    return Recording(app, lazy=True)


def ticks(made: Recording, count: int = 6) -> list[str]:
    made.started.clear()
    for _ in range(count):
        made.tick()
    return sorted(set(made.started))


def test_everything_is_started_again_after_the_clock_was_set_back():
    with time_machine.travel("2026-11-29T12:00:00Z", tick=False) as clock:
        made = scheduler()
        made.setup_schedule()
        ticks(made)

        clock.shift(-3600)

        assert ticks(made) == ["often", "rarely"]
        clock.shift(3)
        assert ticks(made) == ["often"]


def test_a_file_of_a_clock_that_ran_ahead_does_not_stop_the_next_run():
    with time_machine.travel("2026-11-29T12:00:00Z", tick=False) as clock:
        made = scheduler()
        made.setup_schedule()
        clock.shift(-3600)

        assert ticks(made) == ["often", "rarely"]
