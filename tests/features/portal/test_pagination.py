"""How many rows a page of the API may have."""

import pytest

from tests.makers import keys

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("limit", ["0", "201", "000000001999999999", "-1", "ten", "", "1e2", "٣"])
def test_refuses_what_is_no_size_of_a_page(cast, limit):
    answer = cast.birch.officer.client().get("/api/v1/keys", {"limit": limit})

    assert answer.status_code == 400
    assert "from 1 to 200" in answer.json()["detail"]


def test_takes_as_many_as_were_asked_for(cast):
    keys.verified_key(cast.alder, cast.birch)
    keys.proven_key(cast.birch)

    assert len(cast.birch.officer.client().get("/api/v1/keys", {"limit": "1"}).json()["results"]) == 1
