"""The body of an API request: what cannot be read is the caller's mistake, and is said so."""

import io

import pytest
from rest_framework.exceptions import ParseError

from portal.parsing import MAX_DEPTH, JsonParser


def nested(depth: int, opens: str = "[", closes: str = "]") -> str:
    return opens * depth + closes * depth


class TestABody:
    @pytest.mark.parametrize(
        "content",
        [
            nested(MAX_DEPTH + 1),
            nested(900),
            nested(100_000),
            "[" * 100_000,
            nested(2_000, '{"a":[', "]}").replace("[]", "[1]"),
        ],
        ids=["one too deep", "some", "more than a stack holds", "without an end", "objects and lists"],
    )
    def test_that_is_nested_too_deep_is_refused(self, cast, content):
        answer = cast.birch.admin.client().post("/api/v1/consumers", content, content_type="application/json")

        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "parse_error"
        assert answer.json()["detail"] == "JSON parse error - It is nested deeper than 20 levels."

    def test_may_be_nested_as_deep_as_anybody_needs(self):
        content = nested(MAX_DEPTH)

        found = JsonParser().parse(io.BytesIO(content.encode()))

        assert str(found) == content

    def test_that_is_no_json_is_refused_with_the_place(self):
        with pytest.raises(ParseError, match="line 1 column 6"):
            JsonParser().parse(io.BytesIO(b'{"a":}'))

    @pytest.mark.parametrize("address", ["/api/v1/submissions", "/api/v1/keys"])
    def test_is_read_the_same_where_files_are_taken_too(self, cast, address):
        answer = cast.alder.verifier.client().post(address, nested(100_000), content_type="application/json")

        assert answer.json()["code"] == "parse_error"
