"""A page asks the database as much with six partnerships as with two; curves with a thousand are in docs/measurements/curves.md."""

import re
from collections import Counter

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.makers import many

pytestmark = pytest.mark.django_db
PAGES = (
    "/", "/partnerships/", "/inventory/", "/inventory/expiry/", "/inventory/export.json", "/notices/", "/consumers/",
    "/trust-stores/", "/webhooks/", "/contacts/", "/keys/", "/members/", "/audit/", "/inbox/", "/search/?q=partner",
    "/p/partner-1-birch/", "/p/partner-1-birch/onboarding/", "/p/partner-1-birch/keys/", "/p/partner-1-birch/notices/",
    "/p/partner-1-birch/submissions/", "/p/partner-1-birch/verifications/", "/p/partner-1-birch/activity/",
    "/p/partner-1-birch/compliance/", "/p/partner-1-birch/runbook/",
    "/api/v1/partnerships", "/api/v1/keys", "/api/v1/contacts", "/api/v1/inventory", "/api/v1/submissions",
    "/api/v1/trust-stores", "/api/v1/consumers", "/api/v1/webhooks", "/api/v1/verifications", "/api/v1/agreements",
    "/api/v1/events/", "/api/v1/uptake", "/notices/feed/", "/api/v1/notice-feed-readers",
)  # fmt: skip

# The most that a page may ask when nothing is kept: what needs the member is then counted for the bar, with two dozen questions.
# With the counts kept, which is for ``counts.SECONDS``, a page asks as many fewer.
AT_MOST = {
    "/": 40, "/partnerships/": 36, "/p/partner-1-birch/": 55, "/p/partner-1-birch/onboarding/": 55, "/notices/": 36,
    "/inventory/": 43, "/trust-stores/": 39, "/audit/": 37,
}  # fmt: skip


def statements(client, page: str) -> Counter:
    """Return what a page asks the database, each statement once for each time it was asked, without its values."""
    cache.clear()
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(page)
        b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert answer.status_code == 200, (page, answer.status_code)
    return Counter(_shape(each["sql"]) for each in asked if not each["sql"].startswith(("SAVEPOINT", "RELEASE")))


def _shape(sql: str) -> str:
    # A list of values is one value, however long; so are the conditions of one kind.
    values = re.sub(r"\b\d+\b|'[^']*'(?:::\w+)?|%s|X'[0-9A-F]*'", "?", sql)
    return re.sub(r"\?(, \?)+", "?", values)


@pytest.mark.parametrize("address", PAGES)
def test_no_page_asks_more_for_more_partnerships(cast, address):
    many.partners(cast, range(1, 3))
    client = cast.birch.officer.client()
    client.get(address)
    with_two = statements(client, address)
    many.partners(cast, range(3, 7))

    with_six = statements(client, address)

    assert sum(with_six.values()) <= sum(with_two.values()), dict(with_six - with_two)


@pytest.mark.parametrize("address", AT_MOST)
def test_no_page_asks_more_than_it_needs(cast, address):
    many.partners(cast, range(1, 3))
    client = cast.birch.officer.client()
    client.get(address)

    asked = statements(client, address)

    assert sum(asked.values()) <= AT_MOST[address], asked


def test_no_page_asks_the_same_twice(cast):
    """What several parts of a page look at is read once; only looks at two stores or two services may resemble each other."""
    many.partners(cast, range(1, 3))
    client = cast.birch.officer.client()
    client.get("/")

    twice = {sql: times for sql, times in statements(client, "/").items() if times > 1}

    assert twice == {}
