"""The page of one consumer: what is new to it, and which of its tokens is in use."""

import re
from datetime import timedelta

import pytest

from tests.makers import consumers as make
from tests.makers import stores as make_stores
from trust.consumers import services
from trust.consumers.recording import record_pulls
from trust.stores.serve.pulls import Pull

PAGE = "/consumers/payments-gw/"


@pytest.fixture
def consumer(cast, now):
    make_stores.published(cast)
    return make.registered(cast, now=now - timedelta(hours=1))[0]


@pytest.fixture
def read(cast):
    def page():
        return re.sub(r"\s+", " ", cast.birch.admin.client().get(PAGE).content.decode())

    return page


def pulled(consumer, now, number):
    store, token = consumer.stores.get(), consumer.tokens.order_by("created_at").first()
    record_pulls([Pull(consumer.pk, store.pk, token.pk, now, number, 1, "")])


def test_leads_to_what_is_new_to_a_consumer_that_is_behind(cast, now, consumer, read):
    pulled(consumer, now, 1)
    address = "/trust-stores/alder-prod/compare/v1...v2/"
    assert address not in read()

    make_stores.published(cast, *make_stores.whole("Other"))

    assert f'<a href="{address}">What v2 changes</a>' in read()
    assert cast.birch.admin.client().get(address).status_code == 200


def test_says_of_each_token_whether_it_is_in_use_and_to_the_minute_when_the_older_ends(cast, now, consumer, read):
    pulled(consumer, now, 1)
    services.rotate_token(consumer=consumer, actor=cast.birch.admin.actor, now=now)

    newer, older = re.findall(r"Made .*?(?=<form)", read())

    assert "not used yet" in newer
    assert "last used" in older
    ends = consumer.tokens.order_by("expires_at").first().expires_at
    assert f"{ends:%H:%M} UTC" in older
    assert " UTC" not in newer.partition("not used yet")[0]


def test_registering_it_again_leads_to_its_page_where_its_token_is_made_anew(cast, consumer):
    """As who reloads the page on which the token was shown once."""
    body = {"name": "payments-gw", "stores": ["alder-prod"], "interval": "300", "lifetime": "90"}

    answer = cast.birch.admin.client().post("/consumers/new/", body)

    assert answer.status_code == 400
    assert "If its token was lost, rotate it on its page, or choose another name." in answer.content.decode()
    assert consumer.tokens.count() == 1
