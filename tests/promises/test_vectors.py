"""Intake's verdict on other people's vectors does not change by accident, and nothing of them is an unhandled error."""

import warnings

import pytest

from tests.vectors import generate, pkits, x509

HEAVY = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def _old_certificates():
    """Some vectors are deprecated on purpose; that the library says so is not what is looked at here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def kept(name: str) -> list[str]:
    return (generate.FOLDER / name).read_text(encoding="utf-8").splitlines()[1:]


@HEAVY
class TestX509Vectors:
    def test_are_each_read_with_the_verdict_that_is_written_down(self):
        found = sorted(x509.verdict(path).line() for path in x509.files())

        assert found == kept("x509.tsv")


@HEAVY
class TestPkits:
    def test_has_the_verdicts_that_are_written_down_and_a_reason_where_they_differ(self):
        suite = pkits.Suite()
        verdicts = [suite.verdict(name) for name in suite.names()]

        assert sorted(one.line() for one in verdicts) == kept("pkits.tsv")
        assert [one.name for one in verdicts if one.differs and one.why() is None] == []

    def test_has_no_reason_that_nothing_needs(self):
        needed = {line.split("\t")[-1] for line in kept("pkits.tsv")}

        assert {reason for _, reason in pkits.WHY} <= needed
