"""Every page that a member can open by its address alone, looked at by a browser and by axe, with an exchange behind it."""

import pytest
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLPattern, URLResolver

from portal.docs.pages import documents
from tests.browser.test_shell import findings
from tests.makers import calls, consumers, stores

# Not pages: downloads, bare fragments and machine answers are recognized by their media type; these start something.
_NOT_OPENED = {"account_logout", "mfa_download_recovery_codes", "metrics", "readyz", "healthz"}


def addresses(cast) -> list[str]:
    """Return the address of each named page that needs nothing, or only the partnership's slug."""
    found = set()

    def walk(patterns, known=()):
        for pattern in patterns:
            parameters = (*known, *pattern.pattern.regex.groupindex)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, parameters)
            elif isinstance(pattern, URLPattern) and pattern.name and pattern.name not in _NOT_OPENED:
                if not parameters:
                    found.add(reverse(pattern.name))
                elif parameters == ("slug",):
                    found.add(reverse(pattern.name, args=[cast.partnership.slug]))

    walk(get_resolver().url_patterns)
    return sorted(each for each in found if not each.startswith(("/api/", "/static/")))


@pytest.fixture
def exchange(cast):
    """A published store, consumers that never pulled, a call that waits, one that runs and one that went wrong."""
    stores.published(cast, *stores.whole())
    for name in ("payments-gw", "recon-batch"):
        consumers.registered(cast, name)
    cast.partnership.refresh_from_db()
    cast.partnership.last_verification_number = 100
    cast.partnership.save()
    calls.typing(cast, calls.request(cast))
    calls.mismatched(cast, calls.request(cast))
    calls.request(cast, label="Root CA G3")
    return cast


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_no_page_has_anything_for_axe_to_say(open_page, live_server, exchange, width, scheme):
    person = exchange.birch.officer
    page = open_page("about:blank", width=width, scheme=scheme)
    page.context.add_cookies(
        [{"name": "session", "value": person.client().cookies["session"].value, "url": live_server.url}]
    )
    complaints, opened = [], []
    for address in addresses(exchange):
        answer = page.request.get(live_server.url + address, max_redirects=0)
        if answer.status >= 500:
            complaints.append(f"{address} answers {answer.status}")
        if answer.status != 200 or not answer.headers["content-type"].startswith("text/html"):
            continue
        if "attachment" in answer.headers.get("content-disposition", ""):
            continue
        page.goto(live_server.url + address)
        opened.append(address)
        complaints += [f"{address} {each}" for each in findings(page)]
        complaints += [f"{address} refused by policy: {each}" for each in page.evaluate("violations")]
        if page.locator("h1").count() != 1:
            complaints.append(f"{address} has {page.locator('h1').count()} first headings")
        page.set_viewport_size({"width": 320, "height": 900})
        if page.evaluate("document.documentElement.scrollWidth") > 320:
            complaints.append(f"{address} scrolls sideways at 320 px")
        page.set_viewport_size({"width": width, "height": 900})

    assert not complaints, "\n".join(complaints)
    assert {"/", "/partnerships/", "/p/alder-birch/", "/members/", "/profile/"} <= set(opened)


def test_no_document_scrolls_sideways_on_a_phone(open_page, live_server, db):
    page = open_page("about:blank", width=320)
    wide = []
    for name, _ in documents():
        page.goto(f"{live_server.url}/docs/{name}/", wait_until="domcontentloaded")
        if page.evaluate("document.documentElement.scrollWidth") > 320:
            wide.append(name)

    assert not wide
