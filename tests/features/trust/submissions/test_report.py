"""What the report says beside the sentence of a finding, and to whom."""

import re
from datetime import timedelta

import pytest

from tests.makers import certificates as make
from tests.makers.agreements import holder_of, in_force
from tests.makers.packages import guide_members, zipped
from tests.makers.submissions import hierarchy, submit
from tests.moments import EVERYTHING_VALID as NOW
from trust.agreements import waivers

pytestmark = pytest.mark.django_db
PAGE = "/p/alder-birch/submissions/1/"
LONG = make.root("Alder Long Root", lifetime=30 * make.YEAR)


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def waive(cast, clause: str):
    made = waivers.propose(
        actor=cast.alder.officer.actor,
        partnership=cast.partnership,
        clause=clause,
        concerns=cast.alder.organization,
        reason="The offline CA moves in spring",
        owner="Mei Tanaka",
        expires_at=NOW + timedelta(days=30),
        now=NOW,
    )
    return waivers.decide(actor=cast.birch.officer.actor, waiver=made, agree=True, now=NOW)


class TestClauses:
    def test_are_cited_and_spelled_out_for_both_sides(self, cast):
        in_force(cast)
        submit(cast, LONG.pem, holder=holder_of(cast.alder))

        for person in (cast.alder.verifier, cast.birch.verifier):
            said = text_of(person.client().get(PAGE))
            assert "Agreement 4.1" in said
            assert "Root CAs are valid for at most 7305 days (20 years)" in said

    def test_that_both_waived_say_until_when_and_why(self, cast):
        in_force(cast)
        waive(cast, "4.1")
        made = submit(cast, LONG.pem, holder=holder_of(cast.alder))

        until = f"Waived until {NOW + timedelta(days=30):%d %b %Y}: The offline CA moves in spring"
        for person in (cast.alder.verifier, cast.birch.verifier):
            said = text_of(person.client().get(PAGE))
            assert "Waived for now" in said
            assert until in said
            shown = person.client().get(f"/api/v1/submissions/{made.pk}").json()["findings"]
            found = next(each for each in shown if each["code"] == "agreement_lifetime_long")
            assert found["severity"] == "note"
            assert found["detail"].startswith(until)


class TestCrls:
    def test_older_than_agreed_are_told_with_the_clause(self, cast):
        in_force(cast)
        old = make.crl(hierarchy().policy, this_update=NOW - timedelta(days=91), next_update=NOW + timedelta(days=9))
        content = zipped(guide_members(hierarchy()) | {"crl/intermediate-ca.crl": old})

        made = submit(cast, content, holder=holder_of(cast.alder), file_name="package.zip")

        found = made.findings.get(code="agreement_crl_age")
        assert found.source == "Agreement 5.2"
        assert "crl/intermediate-ca.crl" in found.sentence
        assert "91 days old; agreed is a new one at least every 90 days" in found.sentence


class TestTwins:
    TWINS = [make.root("Twin", key=make.ec_key(name)) for name in ("one", "two")]
    BUNDLE = b"".join(one.pem for one in TWINS)

    def told(self, person, made) -> list[bool]:
        shown = person.client().get(f"/api/v1/submissions/{made.pk}").json()["findings"]
        detail = next(each["detail"] for each in shown if each["code"] == "subject_reused")
        return [one.sha256 in detail for one in self.TWINS]

    def on_the_page(self, person) -> list[bool]:
        page = re.sub(r"\s", "", text_of(person.client().get(PAGE))).lower()
        return [one.sha256 in page for one in self.TWINS]

    def test_are_put_side_by_side_and_kept_from_who_is_to_type_them(self, cast):
        made = submit(cast, self.BUNDLE)

        assert self.told(cast.alder.verifier, made) == [True, True]
        assert self.told(cast.birch.verifier, made) == [False, False]
        # Before the call no page shows a whole fingerprint, not even to its owner, who reads it from their own record.
        assert self.on_the_page(cast.alder.verifier) == self.on_the_page(cast.birch.verifier) == [False, False]

    def test_are_shown_on_the_page_when_no_call_is_to_come(self, cast):
        submit(cast, self.BUNDLE + make.leaf().pem)

        assert self.on_the_page(cast.alder.verifier) == [True, True]
