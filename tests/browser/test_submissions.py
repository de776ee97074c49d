"""The pages about submissions, looked at by a browser and by axe: what a package is, a renewed root, and an older package."""

import pytest
from django.conf import settings

from tests.browser.test_shell import findings
from tests.makers import certificates as make
from tests.makers import stores
from tests.makers.packages import guide_members, with_manifest
from tests.makers.submissions import hierarchy, signer, submit
from tests.moments import EVERYTHING_VALID as NOW
from trust.submissions.models import Submission

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/p/alder-birch/submissions/"


@pytest.fixture
def addresses(cast):
    """Pages in several states, by name, each with who looks at it."""
    stores.published(cast, make.root(not_before=NOW - 900 * make.DAY, lifetime=18 * make.YEAR))
    holder = signer(cast)
    renewed = submit(cast, make.root().pem, holder=holder)
    older = submit(cast, with_manifest(guide_members(hierarchy()), sequence=7), holder=holder)
    again = submit(
        cast, with_manifest(guide_members(hierarchy()) | {"policy-document.md": b"# Before"}, sequence=6), holder=holder
    )
    Submission.objects.filter(pk=older.pk).update(state="accepted", decided_at=NOW)
    return {
        "submit": (cast.alder.verifier, f"{PAGE}new/"),
        "a renewed root": (cast.birch.officer, f"{PAGE}{renewed.number}/"),
        "its approval": (cast.birch.officer, f"{PAGE}{renewed.number}/approve/"),
        "an older package": (cast.birch.officer, f"{PAGE}{again.number}/"),
    }


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(addresses, open_page, live_server, width, scheme):
    for name, (person, address) in addresses.items():
        session = person.client().cookies[settings.SESSION_COOKIE_NAME].value
        page = open_page(live_server.url + "/account/login/", width=width, scheme=scheme)
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        page.goto(live_server.url + address)

        assert findings(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert page.complaints == [], name
