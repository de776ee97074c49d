"""Attack: input that makes a reader hang, crash or eat memory. It ends the child that reads it, and nothing else."""

import os
from pathlib import Path

import pytest

from tests.makers import certificates as make
from tests.moments import EVERYTHING_VALID as NOW
from trust.pki import bounded
from trust.pki.examination import examine
from trust.pki.secrets_scan import scan

BUNDLE = make.hierarchy().bundle


@pytest.fixture(scope="module")
def nursery():
    made = bounded.Nursery(cpu_seconds=1, wall_seconds=2)
    yield made
    made.stop()


@pytest.mark.parametrize("how", ["hang", "sleep", "crash", "memory"])
def test_stops_the_child_and_the_next_job_works(nursery, how):
    with pytest.raises(bounded.Stopped):
        nursery.run("misbehave", how)

    assert nursery.run("scan", BUNDLE).clean


def test_can_write_no_byte_to_any_file(nursery, tmp_path):
    target = tmp_path / "written"

    with pytest.raises(bounded.Stopped):
        nursery.run("misbehave", "file", str(target))

    assert not target.exists() or target.read_bytes() == b""


def test_survives_the_death_of_the_nursery(nursery):
    nursery.run("scan", BUNDLE)
    nursery._process.kill()
    nursery._process.wait()

    assert nursery.run("scan", BUNDLE).clean


def test_becomes_a_finding_that_refuses(monkeypatch, nursery):
    class Broken:
        def run(self, *_):
            raise bounded.Stopped

    monkeypatch.setattr(bounded, "_nursery", Broken())

    assert not bounded.scan(BUNDLE).complete
    assert [one.code for one in bounded.examine(BUNDLE, now=NOW).findings] == ["examination_stopped"]
    assert [one[0].code for one in bounded.lint([make.root().facts]).values()] == ["pkilint_unavailable"]


def test_answers_as_reading_in_this_process_does(nursery):
    content = make.hierarchy(guide=True).bundle + make.leaf().pem

    assert bounded.scan(content) == scan(content)
    assert bounded.examine(content, now=NOW) == examine(content, now=NOW)


def test_the_child_knows_nothing_of_the_portals_environment(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "do-not-tell")
    fresh = bounded.Nursery()
    fresh.run("scan", b"x")

    environment = Path(f"/proc/{fresh._process.pid}/environ").read_bytes()

    fresh.stop()
    assert b"do-not-tell" not in environment
    assert os.environ["SECRET_KEY"] == "do-not-tell"


def test_a_child_cannot_hand_back_anything_but_our_values():
    import pickle

    class Evil:
        def __reduce__(self):
            return (os.system, ("true",))

    with pytest.raises(bounded.Stopped):
        bounded._load(pickle.dumps(Evil()))
