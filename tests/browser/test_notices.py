"""The page that is opened at night, and the webhooks' pages, looked at by a browser and by axe."""

import os
from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.fanout import services as fanout
from notifications.webhooks import services as webhooks
from tests.browser.test_shell import findings
from tests.makers import api_tokens, notices, stores
from tests.makers import certificates as make
from trust.notices import composing, life
from trust.notices.feed import services as feed
from trust.notices.rules import Kind


@pytest.fixture
def night(cast, settings):
    """A revocation that waits for Birch, an endpoint that is not proven yet, and a program that stopped reading."""
    settings.WEBHOOK_ALLOWED_ADDRESSES = ["127.0.0.1/32"]
    stores.published(cast)
    notice = notices.make_signer(cast).send().notice
    endpoint = webhooks.add_endpoint(
        actor=cast.birch.admin.actor,
        now=timezone.now(),
        name="pager-bridge",
        url="http://127.0.0.1:9/trust",
        event_types=["notice.*"],
    ).endpoint
    fanout.sweep(now=timezone.now())
    token, _ = api_tokens.made(cast.birch, "read", name="pager-sync")
    long_ago = timezone.now() - timedelta(days=9)
    feed.note_read(token=token, partnership=cast.partnership, reached=0, user_agent="pager-sync/2.1", now=long_ago)
    return [f"/notices/{notice.label}/", f"/webhooks/{endpoint.pk}/", "/notices/escalation/", "/notices/feed/"]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_night_page_reads_well(open_page, live_server, cast, night, width, scheme):
    page = open_page("about:blank", width=width, scheme=scheme)
    session = cast.birch.officer.client().cookies["session"].value
    page.context.add_cookies([{"name": "session", "value": session, "url": live_server.url}])
    complaints = []
    for number, path in enumerate(night):
        page.goto(live_server.url + path)
        complaints += [f"{path}: {each}" for each in findings(page)]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            complaints.append(f"{path} scrolls sideways")
        if os.environ.get("PICTURES"):
            page.screenshot(path=f"{os.environ['PICTURES']}/{number}-{width}.png", full_page=True)
        complaints += page.evaluate("violations")

    assert complaints == []


def test_two_keys_acknowledge(open_page, live_server, cast, night):
    page = open_page("about:blank", width=390, scripts=False)
    session = cast.birch.responder.client().cookies["session"].value
    page.context.add_cookies([{"name": "session", "value": session, "url": live_server.url}])
    page.goto(live_server.url + night[0])

    page.get_by_role("button", name="Acknowledge").press("Enter")

    page.wait_for_load_state()
    assert "You have it since" in page.content()


@pytest.fixture
def renewal(cast):
    """A revocation that Alder is about to sign, and a renewal whose new certificate waits for its approval."""
    now = timezone.now()
    stores.published(cast)
    tiers = stores.hierarchy("Alder")
    new = make.issuing_ca(
        tiers.policy, subject=make.name("Alder Issuing CA 2", "Alder Inc"), key=make.ec_key("new issuing")
    )
    draft = composing.compose(
        actor=cast.alder.officer.actor,
        now=now,
        partnership=cast.partnership,
        kind=Kind.CA_REVOCATION,
        members={"certificate_sha256": tiers.policy.sha256, "revocation_reason": "keyCompromise"},
    )
    notice = (
        notices.make_signer(cast)
        .send(kind="ca_renewal", certificate_sha256=tiers.issuing.sha256, new_certificate_sha256=new.sha256)
        .notice
    )
    waiting = stores.submission(cast, *stores.whole(), new, state="waiting_for_approval")
    life.sweep(now=now)
    return {
        cast.alder.officer: [f"/notices/drafts/{draft.pk}/", f"/notices/{notice.label}/"],
        cast.birch.officer: [f"/notices/{notice.label}/", f"/p/alder-birch/submissions/{waiting.number}/approve/", "/"],
    }


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_what_a_notice_would_do_and_how_far_it_has_come_read_well(open_page, live_server, renewal, width, scheme):
    complaints = []
    for person, paths in renewal.items():
        page = open_page("about:blank", width=width, scheme=scheme)
        session = person.client().cookies["session"].value
        page.context.add_cookies([{"name": "session", "value": session, "url": live_server.url}])
        for number, path in enumerate(paths):
            page.goto(live_server.url + path)
            complaints += [f"{path}: {each}" for each in findings(page)]
            if page.evaluate("document.documentElement.scrollWidth") > width:
                complaints.append(f"{path} scrolls sideways")
            if os.environ.get("PICTURES"):
                page.screenshot(
                    path=f"{os.environ['PICTURES']}/{person.user.name}-{number}-{width}.png", full_page=True
                )
            complaints += page.evaluate("violations")

    assert complaints == []


def test_both_sides_see_an_acknowledgement_without_reloading(open_page, live_server, cast, night):
    """Opened, acknowledged and done are told apart on both open pages, within seconds."""
    pages = {}
    for name, person in (("sender", cast.alder.officer), ("receiver", cast.birch.officer)):
        pages[name] = open_page("about:blank", width=1280)
        session = person.client().cookies["session"].value
        pages[name].context.add_cookies([{"name": "session", "value": session, "url": live_server.url}])
        pages[name].goto(live_server.url + night[0])
        pages[name].mouse.move(5, 5)
        assert pages[name].locator(".due").is_visible()

    cast.birch.responder.client().post(f"{night[0]}acknowledge/")

    for page in pages.values():
        page.get_by_text("has it since").wait_for(timeout=60_000)
        page.locator(".tl").get_by_text("Acknowledged").first.wait_for(timeout=60_000)
        assert page.locator(".due").count() == 0
        assert page.evaluate("violations") == []
