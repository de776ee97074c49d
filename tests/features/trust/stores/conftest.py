import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from tests.makers.serving import Door
from trust.stores.serve import memory


@pytest.fixture
def door(monkeypatch):
    # At its end a request gives back its connection to the database, and the transaction of the test would go with it.
    monkeypatch.setattr(memory, "close_old_connections", lambda: None)
    signals = (request_started, request_finished)
    for each in signals:
        each.disconnect(close_old_connections)
    yield Door()
    for each in signals:
        each.connect(close_old_connections)


@pytest.fixture
def token(cast):
    make.published(cast)
    return make_consumers.registered(cast)[1]
