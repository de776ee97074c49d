"""Another tenant's notices, deliveries and endpoints by their own ids (case 57): not found, as what never was, and nothing moves.

Every address with made-up ids is in test_every_address.py; here the ids are real, and a third company tries each of them.
"""

import re
import uuid

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.acknowledgements.models import NoticeAnswer, NoticeClock
from notifications.deliveries.models import Delivery
from notifications.fanout import services as fanout
from notifications.webhooks.models import WebhookEndpoint
from portal.audit.models import Event
from tests.makers import notices, stores
from trust.notices.models import Notice

NEVER = "AL-2019-999"


@pytest.fixture
def theirs(cast, now):
    """A notice from Alder to Birch, and the webhook of Birch that is told of it."""
    stores.published(cast)
    notice = notices.make_signer(cast).send().notice
    endpoint = WebhookEndpoint.objects.create(
        organization=cast.birch.organization,
        name="pager",
        url="https://pager.birch.example/",
        event_types=["*"],
        state="active",
        created_at=now,
        proven_at=now,
    )
    fanout.sweep(now=timezone.now())
    return {
        "label": notice.label,
        "endpoint": endpoint.pk,
        "delivery": Delivery.objects.get(recipient=str(endpoint.pk), event__kind="notice.received").pk,
    }


READ = [
    "/notices/{label}/", "/n/{label}/", "/notices/{label}/signed", "/notices/{label}/signature", "/notices/{label}/calendar.ics",
    "/webhooks/{endpoint}/", "/webhooks/deliveries/{delivery}/", "/api/v1/notices/{label}",
    "/api/v1/notices/{label}/acknowledgement", "/api/v1/webhooks/{endpoint}", "/api/v1/deliveries/{delivery}",
]  # fmt: skip
WRITE = [
    "/notices/{label}/acknowledge/", "/notices/{label}/answer/", "/notices/{label}/opened/", "/notices/{label}/close/",
    "/notices/{label}/remove/", "/webhooks/{endpoint}/test/", "/webhooks/{endpoint}/rotate/", "/webhooks/{endpoint}/remove/",
    "/webhooks/deliveries/{delivery}/redeliver/", "/api/v1/notices/{label}/acknowledgement", "/api/v1/notices/{label}/closing",
    "/api/v1/webhooks/{endpoint}/test", "/api/v1/webhooks/{endpoint}/challenge", "/api/v1/webhooks/{endpoint}/keys",
    "/api/v1/webhooks/{endpoint}/recover", "/api/v1/deliveries/{delivery}/redeliver",
]  # fmt: skip


def never(address: str) -> str:
    nobodys = uuid.UUID(int=7)
    return address.format(label=NEVER, endpoint=nobodys, delivery=nobodys)


def moved() -> tuple:
    return (
        Event.objects.count(),
        NoticeAnswer.objects.count(),
        list(NoticeClock.objects.values_list("state", flat=True)),
        list(Notice.objects.values_list("state", flat=True)),
        sorted(map(str, Delivery.objects.values_list("pk", "state", "tries", "next_attempt_at"))),
        list(WebhookEndpoint.objects.values_list("state", "failures")),
    )


# What is of one answer whatever was asked for: its id, the nonce of its scripts, the token of its forms.
OF_ONE_ANSWER = re.compile(r'nonce[-=]"?[^"\' ]*|name="csrfmiddlewaretoken" value="[^"]*"|urn:request:[0-9a-f]+')
BODIES = {"challenge": {"challenge": "1234"}, "recover": {"since": "2026-01-01T00:00:00Z"}}


def answer_of(client, method: str, path: str) -> tuple[int, dict[str, list[str]], str, list[str]]:
    """Return everything that a stranger can see of an answer, and what was asked of the database for it, which is its time."""
    body = BODIES.get(path.rpartition("/")[2], {})
    cache.clear()
    with CaptureQueriesContext(connection) as asked:
        answer = getattr(client, method)(
            path, body, content_type="application/json" if "/api/" in path else "text/plain"
        )
    headers = {
        name: sorted(OF_ONE_ANSWER.sub("", value).split("; "))
        for name, value in answer.items()
        if name not in ("Content-Length", "Request-Id")
    }
    content = OF_ONE_ANSWER.sub("", answer.content.decode().replace(path, ""))
    return answer.status_code, headers, content, [shape(each["sql"]) for each in asked]


def shape(sql: str) -> str:
    """Return a statement without its values."""
    return re.sub(r"'[^']*'|\b\d+\b|\bs\d+_x\d+\b", "?", sql)


@pytest.mark.parametrize(("method", "address"), [("get", each) for each in READ] + [("post", each) for each in WRITE])
def test_case_57_a_stranger_gets_for_it_what_it_gets_for_nothing(cast, theirs, method, address):
    client = cast.cedar.officer.client()
    before = moved()
    answer_of(client, method, never(address))  # the first of its kind is counted by a row of its own

    there = answer_of(client, method, address.format(**theirs))
    nowhere = answer_of(client, method, never(address))

    assert there[0] == 404
    assert there[3] == nowhere[3], "the database is asked the same, so that no time tells them apart"
    assert there == nowhere
    assert moved() == before


@pytest.mark.parametrize("address", READ)
def test_whoever_it_is_for_reads_it(cast, theirs, address):
    """So the addresses above are real, and a stranger's 404 says something."""
    assert cast.birch.admin.client().get(address.format(**theirs)).status_code in (200, 302)


def test_no_list_export_or_search_of_a_stranger_names_it(cast, theirs):
    client, label = cast.cedar.officer.client(), theirs["label"].encode()

    for path in ("/notices/", "/notices/?tab=sent", "/webhooks/", "/inbox/", "/", "/search/?q=Alder"):
        page = client.get(path, follow=True)
        assert page.status_code == 200, path
        assert label not in page.content, path
    assert client.get("/api/v1/notices", {"partnership": "alder-birch"}).status_code == 404
    for path in ("/api/v1/deliveries", "/api/v1/webhooks", "/api/v1/events/"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert label not in answer.content, path
