"""Packages that say for whom they are and which number they have, and what is noticed when an older one comes."""

import json
import re
import subprocess
from datetime import datetime
from html import unescape

import pytest

from tests.makers import calls
from tests.makers import certificates as make
from tests.makers.packages import guide_members, with_manifest, zipped
from tests.makers.submissions import hierarchy, request_about, signer, submit
from tests.moments import EVERYTHING_VALID as NOW
from trust.submissions import services
from trust.submissions.models import CrlNumber, Submission

pytestmark = pytest.mark.django_db
PAGE = "/p/alder-birch/submissions/"


@pytest.fixture
def send(cast):
    """Submit a file signed with Alder's verified key."""
    holder = signer(cast)
    return lambda content: submit(cast, content, holder=holder)


def codes(made: Submission) -> set[str]:
    return set(made.findings.values_list("code", flat=True))


def guide(**more: bytes) -> dict[str, bytes]:
    return guide_members(hierarchy()) | more


class TestAManifest:
    def test_is_bound_to_the_submission(self, cast, send):
        made = send(with_manifest(guide(), sequence=12))

        assert (made.state, made.sequence) == ("waiting_for_call", 12)
        assert not codes(made) & {"no_manifest", "rollback", "older_than_newest"}

    @pytest.mark.parametrize(
        ("deviation", "code"),
        [
            ({"audience": "cedar"}, "manifest_audience"),
            ({"partner": "birch"}, "manifest_partner"),
            ({"created": "2020-01-01T00:00:00Z"}, "manifest_created"),
            ({"sequence": 0}, "manifest_unreadable"),
        ],
    )
    def test_that_says_something_else_refuses_the_package(self, send, deviation, code):
        made = send(with_manifest(guide(), **deviation))

        assert (made.state, made.refusal_code) == ("refused", code)

    def test_that_is_missing_is_noted(self, send):
        for content in (hierarchy().bundle, zipped(guide())):
            made = send(content)

            assert made.state == "waiting_for_call"
            assert made.findings.get(code="no_manifest").severity == "note"


class TestAnOlderPackage:
    @pytest.mark.parametrize("sequence", [7, 6])
    def test_is_never_taken_for_the_newest_in_silence(self, send, sequence):
        send(with_manifest(guide(), sequence=7))

        older = send(with_manifest(guide(**{"policy-document.md": b"# Before"}), sequence=sequence))

        found = older.findings.get(code="rollback")
        assert found.severity == "problem"
        assert "submission 1 was number 7" in found.sentence

    def test_of_another_direction_has_numbers_of_its_own(self, cast, send):
        send(with_manifest(guide(), sequence=7))
        Submission.objects.update(owner=cast.birch.organization, relying=cast.alder.organization)

        assert "rollback" not in codes(send(with_manifest(guide(), sequence=3)))

    def test_counts_nothing_that_was_refused_or_withdrawn(self, cast, send):
        made = send(with_manifest(guide(), sequence=9))
        services.withdraw(
            submission=made, actor=cast.alder.officer.actor, now=NOW, reason="We sent it a day too early."
        )

        assert "rollback" not in codes(send(with_manifest(guide(**{"policy-document.md": b"# New"}), sequence=8)))

    def test_that_waited_longer_is_told_before_it_is_approved(self, cast, send):
        older = send(with_manifest(guide(), sequence=1))
        newer = send(with_manifest(guide(**{"policy-document.md": b"# New"}), sequence=2))
        calls.recorded(cast, request_about(cast, hierarchy().root.sha256))
        services.accept(
            submission=newer, actor=cast.birch.officer.actor, now=NOW, reason="The call is complete and clean."
        )

        for part in ("", "approve/"):
            page = cast.birch.officer.client().get(f"{PAGE}{older.number}/{part}").content.decode()
            assert "Something newer was accepted already." in page
            assert "is number 2 in the row of packages, this one is number 1" in page


class TestCrlNumbers:
    def package(self, number: int, text: str = "") -> bytes:
        crl = make.crl(hierarchy().policy, number=number)
        return zipped(guide(**{"crl/intermediate-ca.crl": crl, "policy-document.md": text.encode() or b"# Policy"}))

    def test_that_went_back_are_a_finding(self, send):
        send(self.package(2**100))

        older = send(self.package(2**100 - 1))

        found = older.findings.get(code="crl_number_regressed")
        assert found.severity == "problem"
        assert str(2**100) in found.sentence

    def test_that_grow_or_stay_are_none_and_the_highest_is_kept(self, send):
        for number in (5, 9, 9, 7):
            made = send(self.package(number, f"# {number} {Submission.objects.count()}"))
            assert ("crl_number_regressed" in codes(made)) is (number == 7)

        key = hierarchy().policy.facts.spki_sha256
        assert int(CrlNumber.objects.get(spki_sha256=key).number, 16) == 9

    def test_of_another_organization_do_not_count(self, cast, send):
        send(self.package(9))
        CrlNumber.objects.update(owner=cast.cedar.organization)

        assert "crl_number_regressed" not in codes(send(self.package(5)))

    def test_of_what_was_refused_are_not_remembered(self, send):
        send(self.package(9, "# Ours\n-----BEGIN PRIVATE KEY-----\nMIGH\n"))

        assert not CrlNumber.objects.exists()


class TestTheRecipe:
    def test_makes_a_package_that_is_taken(self, cast, tmp_path):
        holder = signer(cast)
        page = cast.alder.verifier.client().get(f"{PAGE}new/").content.decode()
        (recipe,) = re.findall(r"<pre[^>]*>(cd package.*?)</pre>", page, re.DOTALL)
        for name, content in guide().items():
            path = tmp_path / "package" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

        made_without_signing = unescape(recipe).rpartition("\n")[0]
        subprocess.run(["bash", "-e", "-c", made_without_signing], cwd=tmp_path, check=True)
        content = (tmp_path / "package.tar.gz").read_bytes()
        # The recipe dates the manifest by the real clock, which ran on since the tests began: so it is signed and sent then.
        now = datetime.fromisoformat(json.loads((tmp_path / "package" / "manifest.json").read_bytes())["created"])
        signature = holder.sign_detached(content, at=now)
        made = submit(cast, content, signature=signature, file_name="package.tar.gz", now=now)

        assert (made.state, made.sequence) == ("waiting_for_call", 1)
        assert {member["outcome"] for member in made.members} == {"used"}

    def test_names_the_next_number(self, cast, send):
        send(with_manifest(guide(), sequence=41))

        assert "&quot;sequence&quot;: 42" in cast.alder.verifier.client().get(f"{PAGE}new/").content.decode()

    def test_links_the_schema_that_is_published(self, client):
        answer = client.get("/docs/schemas/package-manifest.json")

        assert answer["Content-Type"] == "application/schema+json"
        assert answer.json()["properties"]["sequence"]["minimum"] == 1
