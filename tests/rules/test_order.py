"""The order in which a run takes the files of the suite."""

from pathlib import Path
from types import SimpleNamespace

from tests.order import SECONDS, long_files_first


def test_is_of_files_that_are_there():
    root = Path(__file__).parents[2]

    assert [each for each in SECONDS if not (root / each).is_file()] == []


def test_is_long_files_first_with_the_tests_of_each_as_they_stood():
    long = next(iter(SECONDS))
    names = ["few.py::b", "many.py::b", "few.py::a", "many.py::a", f"{long}::only", "many.py::c"]
    items = [SimpleNamespace(nodeid=each) for each in names]

    long_files_first(items)

    assert [item.nodeid for item in items] == [
        *(f"{long}::only", "many.py::b", "many.py::a", "many.py::c", "few.py::b", "few.py::a")
    ]
