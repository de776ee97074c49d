"""The page of problem codes says what the source says; rewrite it with ``python -m portal.docs.problems``."""

from portal.docs import problems


def test_the_page_lists_every_code():
    assert problems.DOCUMENT.read_text(encoding="utf-8") == problems.text()
