"""The pages about OpenPGP keys, looked at by a browser and by axe in the states that people meet."""

import pytest
from django.conf import settings
from django.urls import reverse

from tests.browser.test_shell import findings
from tests.makers import keys as make
from tests.makers.openpgp import make_holder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def addresses(cast):
    """Pages in several states, by name: an own key that is next and unproven, and a partner's that waits for its call."""
    active, _ = make.verified_key(cast.alder, cast.birch)
    following = make.upload(cast.alder, make_holder("Alder next"))
    return {
        "own": reverse("keys"),
        "add": reverse("key_add"),
        "verified": reverse("key", args=[active.pk]),
        "to be proven": reverse("key", args=[following.pk]),
        "revoke": reverse("key_revoke", args=[active.pk]),
        "partnership": reverse("partnership_keys", args=["alder-birch"]),
    }


@pytest.fixture
def signed_in(cast, open_page, live_server):
    """Open an address as Alder's verifier."""

    def opened(address, **options):
        session = cast.alder.verifier.client().cookies[settings.SESSION_COOKIE_NAME].value
        page = open_page(live_server.url + "/account/login/", **options)
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        page.goto(live_server.url + address)
        return page

    return opened


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(signed_in, addresses, width, scheme):
    for name, address in addresses.items():
        page = signed_in(address, width=width, scheme=scheme)

        assert findings(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert page.complaints == [], name
        assert page.evaluate("violations") == [], name


def test_a_key_is_added_and_proven_with_scripts_off(cast, signed_in):
    holder = make_holder("Alder")
    page = signed_in(reverse("key_add"), scripts=False)

    page.get_by_role("textbox", name="Public key").fill(holder.public_block().decode())
    page.get_by_role("button", name="Add the key").click()
    text = page.locator("pre.code").first.inner_text()
    page.get_by_role("textbox", name="Signed text").fill(holder.clearsign(text.encode()).decode())
    page.get_by_role("button", name="Prove it").click()

    assert page.get_by_role("heading", name="You hold this key. Birch does not know that yet.").is_visible()
