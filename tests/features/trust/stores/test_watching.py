"""A change of what is served is noticed even when its message is lost, and nothing is served from memory blindly."""

import pytest
from django.db.models import F

from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from tests.makers.serving import CURRENT, Door
from trust.consumers.models import ConsumerToken
from trust.stores.models import ServeGeneration
from trust.stores.serve import generation
from trust.stores.serve.watch import POLL_EVERY, Outage, Watcher


class TestWatcher:
    def test_looks_everything_up_again_when_a_message_was_lost(self, cast, now, settings):
        make.published(cast)
        token = make_consumers.registered(cast)[1]
        door, watcher = Door(), Watcher()
        generation.counters().catch_up(generation.current_number())
        for _ in range(2):
            assert door.pull(CURRENT, token)[0] == 200
        # Revoked by a process that died before it could tell.
        ConsumerToken.objects.update(revoked_at=now)
        ServeGeneration.objects.update(number=F("number") + 1)

        watcher.poll()
        still = door.pull(CURRENT, token)[0]
        watcher.poll()

        assert still == 200, "one reading may be ahead of a message that is on its way"
        assert door.pull(CURRENT, token)[0] == 401
        assert 2 * POLL_EVERY + settings.SERVE_MAX_STALENESS / 2 <= 2

    def test_does_not_trust_memory_before_its_first_reading_and_after_the_last_is_too_old(self, cast, settings):
        watcher = Watcher()
        assert not watcher.is_fresh()

        watcher.poll()
        assert watcher.is_fresh()

        settings.SERVE_MAX_STALENESS = -1
        watcher.poll()
        assert not watcher.is_fresh()

    def test_leaves_memory_alone_when_every_message_arrived(self, cast):
        make.published(cast)
        watcher, counters = Watcher(), generation.counters()
        counters.catch_up(generation.current_number())
        before = counters.everything

        for _ in range(3):
            watcher.poll()

        assert counters.everything == before


class TestOutage:
    def test_is_said_once_with_its_error_and_once_that_it_is_over(self, caplog):
        outage = Outage("The count of changes could not be read")

        for works in (True, False, False, False, True, True, False):
            try:
                if not works:
                    raise ConnectionError("The database is away.")
                outage.over()
            except ConnectionError:
                outage.goes_on()

        assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING", "ERROR"]
        assert all(record.exc_info for record in caplog.records[::2])


class TestChanged:
    @pytest.mark.django_db(transaction=True)
    def test_is_told_inside_the_transaction_of_the_change_or_not_at_all(self):
        with pytest.raises(RuntimeError):
            generation.changed(["token:x"])
