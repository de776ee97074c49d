"""The operator console in a browser: axe finds nothing, nothing scrolls sideways, and it works from form to page."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from notifications.fanout import services as fanout
from notifications.webhooks.models import WebhookEndpoint
from portal.operations import jobs, services
from portal.operations.console import banner
from portal.organizations import acting, suspending
from tests.browser.test_shell import findings
from tests.cast import operator_client
from tests.makers import consumers, events, stores
from trust.revocations.models import RevocationMention, RevocationSource


@pytest.fixture
def busy(cast):
    """A portal with something of everything that the console shows, part of it in trouble."""
    now = timezone.now()
    version = stores.published(cast)
    consumers.registered(cast)
    services.beat(name=services.WORKER, now=now)
    for number, name in enumerate(jobs.schedule()):
        jobs.succeeded(name=name, milliseconds=3 + 7 * number, now=now - timedelta(seconds=9 * number))
    jobs.failed(name="trust.revocations.watch", failure="OperationalError", now=now)
    events.record(cast.alder.organization, now - timedelta(minutes=12))
    fanout.sweep(now=now - timedelta(minutes=11))
    WebhookEndpoint.objects.create(
        organization=cast.birch.organization,
        name="pager-bridge",
        url="https://hooks.birch.example/in",
        state="failing",
        failures=7,
        failing_since=now - timedelta(hours=3),
        created_at=now,
    )
    source = RevocationSource.objects.create(
        owner=cast.alder.organization,
        kind="crl",
        url="http://crl.alder.example/root.crl",
        created_at=now,
        state="unreachable",
        state_since=now - timedelta(hours=2),
        sentence="The address cannot be reached.",
        next_check_at=now,
    )
    certificate = version.entries.first().certificate
    RevocationMention.objects.create(source=source, partnership=cast.partnership, certificate=certificate)
    olga = acting.operator(cast.olga, stepped_up=lambda: True)
    banner.put(
        text="The portal is away on Friday from 20:00 to 20:30 UTC.", until=now + timedelta(days=2), actor=olga, now=now
    )
    suspending.suspend(
        organization_id=cast.cedar.organization.pk, reason="Its domain was taken over.", actor=olga, now=now
    )
    return cast


@pytest.fixture
def console(open_page, live_server, busy):
    """Return what opens a page of the console with an operator signed in."""

    def opened(address: str, **how):
        page = open_page("about:blank", **how)
        session = operator_client(busy.olga).cookies["session"].value
        page.context.add_cookies([{"name": "session", "value": session, "url": live_server.url}])
        page.goto(live_server.url + address)
        return page

    return opened


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_no_page_has_anything_for_axe_to_say(console, busy, width, scheme):
    page = None
    for address in (
        "/operator/",
        "/operator/organizations/",
        "/operator/organizations/new/",
        reverse("operator_organization", args=[busy.alder.organization.pk]),
        reverse("operator_organization", args=[busy.cedar.organization.pk]),
    ):
        page = console(address, width=width, scheme=scheme) if page is None else page
        page.goto(page.url.split("/operator/")[0] + address)

        assert findings(page) == []
        assert page.evaluate("violations") == []
        assert page.locator("h1").count() == 1
        page.set_viewport_size({"width": 320, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, address
        page.set_viewport_size({"width": width, "height": 900})


@pytest.mark.timeout(300)
def test_an_operator_suspends_and_resumes_an_organization(console, busy):
    page = console("/operator/organizations/", width=1280, scheme="light")

    page.get_by_role("link", name="Birch").click()
    page.get_by_label("Reason").fill("A test of the console.")
    page.get_by_role("button", name="Suspend Birch").click()
    page.get_by_text("Birch is suspended. Its people were told.").wait_for()
    page.get_by_role("button", name="Let it act again").click()

    page.get_by_text("Birch can act again.").wait_for()
    assert page.get_by_text("Olga suspended the organization Birch: A test of the console.").is_visible()
