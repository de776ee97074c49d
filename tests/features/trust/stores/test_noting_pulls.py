"""Pulls noted in memory: handed over in parts, kept while they cannot be, and each counted once."""

import time
import uuid

import pytest

from trust.stores.serve import pulls
from trust.stores.serve.access import Access


class Sink:
    """Takes batches while it may."""

    def __init__(self) -> None:
        self.fails, self.batches = False, []

    def __call__(self, batch) -> None:
        if self.fails:
            raise OSError("the database is away")
        self.batches.append(list(batch))


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def recorder(sink, settings) -> pulls.Recorder:
    settings.SERVE_THREADS = False
    return pulls.Recorder(sink)


STORE = uuid.UUID(int=99)


def pull(recorder, count: int) -> None:
    """Note a pull of each of so many consumers."""
    for number in range(count):
        access = Access(uuid.uuid4(), time.time() + 60, consumer_id=uuid.UUID(int=number + 1))
        recorder.note_number(access, STORE, 3, "curl/8")


def test_many_are_handed_over_in_parts(recorder, sink, monkeypatch):
    monkeypatch.setattr(pulls, "_AT_ONCE", 4)
    pull(recorder, 10)

    assert recorder.flush(gently=True) == 10
    assert [len(each) for each in sink.batches] == [4, 4, 2]
    assert recorder.flush() == 0


def test_what_cannot_be_written_is_tried_once_kept_whole_and_counted_once(recorder, sink, monkeypatch, caplog):
    monkeypatch.setattr(pulls, "_AT_ONCE", 4)
    pull(recorder, 10)
    sink.fails = True
    assert recorder.flush() == 0
    assert len([each for each in caplog.records if "tried again" in each.message]) == 1

    pull(recorder, 10)
    sink.fails = False

    assert recorder.flush() == 10
    assert sorted(each.consumer_id.int for batch in sink.batches for each in batch) == list(range(1, 11))
    assert {each.count for batch in sink.batches for each in batch} == {2}


def test_a_question_and_what_was_taken_in_answer_are_one_pull(recorder, sink):
    access = Access(uuid.uuid4(), time.time() + 60, consumer_id=uuid.UUID(int=1))
    recorder.note_asked(access, STORE, "trustx")
    recorder.note_taken(access, STORE, 4, "trustx")
    recorder.note_taken(access, STORE, 4, "trustx")
    recorder.flush()
    recorder.note_asked(access, STORE, "trustx")
    recorder.flush()
    recorder.note_taken(access, STORE, 5, "trustx")
    recorder.note_asked(access, STORE, "trustx")
    recorder.flush()

    assert [(each.number, each.count) for batch in sink.batches for each in batch] == [(4, 1), (0, 1), (5, 2)]
