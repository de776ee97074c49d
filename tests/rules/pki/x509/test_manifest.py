"""The manifest of a package: one deviation, one finding."""

import json
from datetime import timedelta

import pytest

from tests.makers import certificates as make
from tests.makers.packages import guide_members, manifest, tarred, with_manifest, zipped
from tests.moments import EVERYTHING_VALID as NOW
from trust.pki.bundles import Outcome, read_bundle
from trust.pki.findings import Severity
from trust.pki.manifest import check_created, check_parties, read_manifest

MEMBERS = {"root-ca-cert.pem": make.root().pem, "policy-document.md": b"# Policy\n"}


def refusals(package: bytes) -> list[tuple[str, str]]:
    found = read_bundle(package).findings
    return [(one.code, one.sentence) for one in found if one.severity is Severity.REFUSE]


class TestReadManifest:
    def test_reads_what_the_schema_allows(self):
        found, wrong = read_manifest("manifest.json", manifest(MEMBERS))

        assert wrong == ()
        assert found is not None
        assert (found.partner, found.audience, found.sequence, found.created) == ("alder", "birch", 7, NOW)
        assert set(found.files) == set(MEMBERS)

    @pytest.mark.parametrize(
        "name", ["format", "format_version", "partner", "audience", "sequence", "created", "files"]
    )
    def test_refuses_one_that_leaves_something_out(self, name):
        found, (wrong,) = read_manifest("manifest.json", manifest(MEMBERS, drop=name))

        assert found is None
        assert wrong.code == "manifest_unreadable"
        assert name in wrong.sentence

    @pytest.mark.parametrize(
        "deviation",
        [
            {"format": "something/else"},
            {"format_version": 2},
            {"partner": "../alder"},
            {"audience": ["birch"]},
            {"sequence": 0},
            {"sequence": -1},
            {"sequence": 1.5},
            {"sequence": "7"},
            {"sequence": True},
            {"sequence": 2**53},
            {"created": "2026-11-29"},
            {"created": "2026-02-30T00:00:00Z"},
            {"created": "2026-11-29T10:00:00+01:00"},
            {"files": {}},
            {"files": {"a.pem": "00"}},
            {"files": {"a.pem": "A" * 64}},
            {"files": [["a.pem", "0" * 64]]},
            {"files": {f"{n}.pem": "0" * 64 for n in range(65)}},
            {"comment": "unknown members are not taken"},
            {"environment": "NOT A NAME"},
            {"environment": "prod\n"},
            {"environment": "a" * 21},
            {"environment": ""},
            {"purpose": "all"},
        ],
    )
    def test_refuses_what_the_schema_does_not_allow(self, deviation):
        found, (wrong,) = read_manifest("manifest.json", manifest(MEMBERS, **deviation))

        assert (found, wrong.code) == (None, "manifest_unreadable")

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"[]",
            b"null",
            b'"manifest"',
            b"\xff\xfe{}",
            b"{" * 60000,
            b'{"sequence": 1e999}',
            b'{"sequence": NaN}',
            manifest(MEMBERS).replace(b'"sequence": 7', b'"sequence": 7, "sequence": 8'),
            manifest(MEMBERS).replace(b'"birch"', b'"\\ud800"'),
            b" " * 70000 + manifest(MEMBERS),
        ],
    )
    def test_never_raises_and_refuses_what_readers_could_take_differently(self, content):
        found, (wrong,) = read_manifest("manifest.json", content)

        assert (found, wrong.code) == (None, "manifest_unreadable")
        assert len(wrong.sentence) < 600


class TestAPackageWithAManifest:
    def test_is_read_whole(self):
        reading = read_bundle(with_manifest())

        assert not reading.refused
        assert reading.manifest is not None
        assert {one.outcome for one in reading.members} == {Outcome.USED}

    @pytest.mark.parametrize("pack", [zipped, tarred, lambda members: tarred(members, mode="w:gz")])
    def test_may_have_one_folder_around_everything(self, pack):
        members = guide_members()
        inside = {f"alder-2026/{name}": content for name, content in members.items()}

        reading = read_bundle(pack(inside | {"alder-2026/manifest.json": manifest(members)}))

        assert not reading.refused
        assert reading.manifest is not None

    def test_may_hold_what_archivers_leave_behind(self):
        reading = read_bundle(zipped(MEMBERS | {"manifest.json": manifest(MEMBERS), ".DS_Store": b"\x00"}))

        assert not reading.refused

    def test_is_refused_when_a_file_is_another(self):
        other = MEMBERS | {"policy-document.md": b"# Another policy\n"}

        assert refusals(zipped(other | {"manifest.json": manifest(MEMBERS)})) == [
            (
                "manifest_file_differs",
                "policy-document.md is not the file that the manifest lists: its SHA-256 differs.",
            )
        ]

    def test_is_refused_when_a_file_is_missing(self):
        package = zipped({"root-ca-cert.pem": MEMBERS["root-ca-cert.pem"], "manifest.json": manifest(MEMBERS)})

        assert [code for code, _ in refusals(package)] == ["manifest_file_missing"]

    @pytest.mark.parametrize("name", ["second-root.pem", "surprise.bin", "notes/readme.txt"])
    def test_is_refused_when_a_file_is_not_listed(self, name):
        more = MEMBERS | {name: make.root("Second Root").pem, "manifest.json": manifest(MEMBERS)}

        assert [code for code, _ in refusals(zipped(more))] == ["manifest_file_unlisted"]

    def test_is_refused_with_two_manifests(self):
        two = MEMBERS | {"manifest.json": manifest(MEMBERS), "inner/manifest.json": manifest(MEMBERS)}

        assert [code for code, _ in refusals(zipped(two))] == ["manifest_unreadable"]

    def test_does_not_answer_for_itself(self):
        listed = manifest(MEMBERS | {"manifest.json": b"{}"})

        assert [code for code, _ in refusals(zipped(MEMBERS | {"manifest.json": listed}))] == ["manifest_file_missing"]


class TestWhatItBinds:
    @pytest.mark.parametrize(
        ("deviation", "code"),
        [({"partner": "cedar"}, "manifest_partner"), ({"audience": "cedar"}, "manifest_audience"), ({}, None)],
    )
    def test_is_who_sends_it_to_whom(self, deviation, code):
        found, _ = read_manifest("manifest.json", manifest(MEMBERS, **deviation))

        assert [one.code for one in check_parties(found, partner="alder", audience="birch")] == [code] * bool(code)

    @pytest.mark.parametrize(
        ("signed_after", "fits"),
        [
            (timedelta(), True),
            (timedelta(hours=24), True),
            (timedelta(hours=24, seconds=1), False),
            (timedelta(minutes=-5), True),
            (timedelta(minutes=-5, seconds=-1), False),
        ],
    )
    def test_is_when_it_was_made(self, signed_after, fits):
        found, _ = read_manifest("manifest.json", manifest(MEMBERS))

        assert [one.code for one in check_created(found, NOW + signed_after)] == ([] if fits else ["manifest_created"])


def test_the_published_schema_is_one():
    from jsonschema import Draft202012Validator

    from trust.pki.manifest import SCHEMA_PATH

    Draft202012Validator.check_schema(json.loads(SCHEMA_PATH.read_text()))
