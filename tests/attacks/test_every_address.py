"""Every address of a partnership, asked by a stranger; what everybody gets everywhere is in tests/promises/permissions.tsv."""

import re

from portal.audit.models import Event
from portal.organizations.rules import Right
from tests.promises.permissions import addresses, methods

PLACEHOLDERS = {"number": "1", "slug": "alder-birch"}
OF_A_PARTNERSHIP = [each for each in addresses() if "<slug>" in each.route]


def path_of(route: str) -> str:
    """Return a route with something in its placeholders."""
    uuid = "00000000-0000-0000-0000-000000000007"
    return re.sub(
        r"<(\w+)>", lambda found: PLACEHOLDERS.get(found[1], uuid if found[1].endswith("_id") else "text"), route
    )


class TestStranger:
    def test_gets_what_does_not_exist(self, cast):
        before, wrong = Event.objects.count(), []
        client = cast.cedar.officer.client()
        client.raise_request_exception = False
        for address in OF_A_PARTNERSHIP:
            path = path_of(address.route)
            for method in methods(address):
                ask = getattr(client, method.lower())
                there = ask(path, content_type="application/json").status_code
                nowhere = ask(
                    path.replace("alder-birch", "nobody-nowhere"), content_type="application/json"
                ).status_code
                if there != nowhere or there not in (403, 404, 405):
                    wrong.append((method, path, there, nowhere))

        assert wrong == []
        assert Event.objects.count() == before


class TestTheApi:
    def test_names_the_right_that_each_method_needs(self):
        for address in addresses():
            offered = {
                each for each in ("GET", "POST", "PUT", "PATCH", "DELETE") if hasattr(address.view, each.lower())
            }
            if address.rights:
                assert offered - set(address.rights) == set(), address.route
                assert all(isinstance(right, Right) for right in address.rights.values()), address.route
