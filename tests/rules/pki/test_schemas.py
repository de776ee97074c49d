"""Documents are held to their schemas as other readers read those: a pattern ends where the text ends."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

import trust
from tests.makers.agreements import make_document
from tests.moments import EVERYTHING_VALID as NOW
from trust.agreements import rules as agreements
from trust.notices import document
from trust.notices.rules import Kind
from trust.pki.schemas import Validator

FOLDER = Path(trust.__file__).parent
SCHEMAS = [*FOLDER.rglob("*.schema.json"), FOLDER / "agreements" / "schema.json", *FOLDER.rglob("schemas/*.json")]


class TestValidator:
    @pytest.mark.parametrize("text", ["prod\n", "\nprod", "prod\n\n", "prod\r", "prod test", "Prod"])
    def test_takes_no_name_that_only_shows_as_another(self, text):
        validator = Validator({"pattern": "^[a-z]{1,20}$"})

        assert validator.is_valid("prod")
        assert not validator.is_valid(text)

    def test_knows_no_dollar_that_stands_for_itself(self):
        patterns = [found for path in SCHEMAS for found in _patterns(json.loads(path.read_text(encoding="utf-8")))]

        assert len(patterns) > 20
        assert not [each for each in patterns if re.search(r"\\\$|\[[^\]]*\$", each)]


def _patterns(schema):
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        schema = list(schema.values())
    for each in schema if isinstance(schema, list) else ():
        yield from _patterns(each)


class TestDocuments:
    def test_of_an_agreement_name_no_party_with_a_line_break(self):
        content = make_document()
        content["terms"]["identity"] = {"parties": [{"organization": "alder\n", "trust_domains": ["alder.example"]}]}

        assert "terms.identity.parties.0.organization" in {each.path for each in agreements.problems(content)}

    @pytest.mark.parametrize("member", ["message_id", "issuer", "partner"])
    def test_of_a_notice_have_no_line_break_in_a_name(self, member):
        members = document.new_members(
            Kind.MAINTENANCE, issuer="alder", partner="birch", now=NOW,
            summary="Patches.", starts_at=document.stamp(NOW), ends_at=document.stamp(NOW + timedelta(hours=1)),
        )  # fmt: skip
        document.from_members(members)

        with pytest.raises(document.NotANotice) as refused:
            document.from_members(members | {member: members[member] + "\n"})

        assert member in str(refused.value)
