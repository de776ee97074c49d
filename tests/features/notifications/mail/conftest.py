"""A mail server that takes the portal's mail."""

import pytest

from notifications.fanout import services as fanout
from notifications.fanout.wording import content_of
from notifications.mail import services
from tests.makers.smtp import Sink


@pytest.fixture
def sink(settings):
    with Sink() as sink:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        settings.BASE_URL = "https://portal.example"
        yield sink


def deliver(now) -> int:
    """Write down what is owed and hand over all mail that is due."""
    fanout.sweep(now=now)
    handed = 0
    while taken := services.deliver(now=now, content_of=content_of, clock=lambda: now):
        handed += taken
    return handed
