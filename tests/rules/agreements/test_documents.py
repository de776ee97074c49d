"""What makes a document one that can be signed, and what its clauses say."""

import copy
import json
from datetime import timedelta

import jsonschema
import pytest

from tests.makers.agreements import make_document, make_identity, make_terms, make_values
from tests.moments import EVERYTHING_VALID
from trust.agreements import diff, rules
from trust.agreements.clauses import BY_NUMBER, CLAUSES, days_in_words, hours_in_words
from trust.agreements.rules import PRESETS, preset_terms


def spoiled(path, value):
    document = make_document()
    rules.put(document, path, value)
    return document


class TestTheSchema:
    def test_is_itself_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(rules.schema())

    @pytest.mark.parametrize("preset", PRESETS)
    def test_accepts_every_preset(self, preset):
        assert rules.problems(make_document(terms=preset_terms(preset, ["alder", "birch"]))) == []

    def test_describes_every_clause(self):
        terms = rules.schema()["properties"]["terms"]
        for clause in CLAUSES:
            found = terms
            for step in clause.path.split("."):
                found = found["properties"][step]

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("version", 0),
            ("version", True),
            ("format", "another"),
            ("format_version", 2),
            ("replaces", "abc"),
            ("parties", [{"organization": "alder", "name": "Alder"}]),
            ("terms.tls.versions", ["1.1"]),
            ("terms.tls.versions", []),
            ("terms.tls.clock_skew_seconds", 0),
            ("terms.keys.root.rsa_min_bits", 1024),
            ("terms.keys.root.curves", ["secp256k1"]),
            ("terms.signatures.digests", ["SHA-1"]),
            ("terms.lifetimes.service.max_days", 10**6),
            ("terms.revocation.duty", "perhaps"),
            ("terms.notices.ca_revocation_hours", 0),
            ("terms.notices.ca_revocation_hours", 4.5),
            ("terms.operations.review_every_days", 1),
            ("terms.sharing.consumer_counts", "no"),
            ("terms.surprise", 1),
        ],
    )
    def test_refuses(self, path, value):
        found = rules.problems(spoiled(path, value))

        assert found
        assert all(each.sentence for each in found)

    @pytest.mark.parametrize("section", list(make_values()))
    def test_refuses_a_document_without_a_section(self, section):
        document = make_document()
        del document["terms"][section]

        assert rules.problems(document)


class TestSense:
    @pytest.mark.parametrize(
        ("path", "value", "says"),
        [
            ("terms.lifetimes.service", {"min_days": 90, "max_days": 7}, "shortest lifetime is longer"),
            ("terms.lifetimes.policy", {"min_days": 1, "max_days": 9000}, "outlive"),
            ("terms.keys.issuing", {"curves": [], "edwards": [], "rsa_min_bits": None}, "without any kind of key"),
            (
                "terms.operations.maintenance_windows",
                [{"day": "Sunday", "start": "02:00", "end": "02:00", "zone": "UTC"}],
                "ends when it starts",
            ),
            (
                "terms.operations.maintenance_windows",
                [{"day": "Sunday", "start": "02:00", "end": "03:00", "zone": "Europe/Nowhere"}],
                "no IANA time zone",
            ),
            (
                "terms.operations.maintenance_windows",
                [{"day": "Sunday", "start": "02:00", "end": "03:00", "zone": "../../etc/passwd"}],
                "no IANA time zone",
            ),
            (
                "terms.operations.blackouts",
                [{"first": "2027-01-03", "last": "2026-12-19", "reason": "Freeze"}],
                "ends before it begins",
            ),
            (
                "terms.operations.blackouts",
                [{"first": "2027-02-30", "last": "2027-03-01", "reason": "Freeze"}],
                "no days",
            ),
        ],
    )
    def test_refuses_terms_that_contradict_themselves(self, path, value, says):
        assert any(says in each.sentence for each in rules.problems(spoiled(path, value)))

    @pytest.mark.parametrize(
        ("party", "says"),
        [
            ({"dns_suffixes": ["example"]}, "two lower-case labels"),
            ({"dns_suffixes": ["-a.example"]}, "two lower-case labels"),
            (
                {"rules": [{"when": {"spiffe": "spiffe://alder.example/a"}, "grants": ["x"]}]},
                "outside the trust domains",
            ),
            (
                {
                    "trust_domains": ["alder.example"],
                    "rules": [{"when": {"spiffe": "spiffe://alder.example/**/a"}, "grants": ["x"]}],
                },
                "only at the end",
            ),
            (
                {
                    "dns_suffixes": ["alder.example"],
                    "rules": [{"when": {"dns": "*.birch.example"}, "grants": ["x"]}],
                },
                "outside the DNS names",
            ),
        ],
    )
    def test_refuses_identity_rules_that_cannot_hold(self, party, says):
        found = rules.problems(make_document(terms=make_identity(**party)))

        assert any(says in each.sentence for each in found)

    def test_wants_each_party_once_among_the_identity_rules(self):
        terms = make_values()
        terms["identity"]["parties"][1]["organization"] = "cedar"

        assert rules.problems(make_document(terms=terms))


class TestCanonicalBytes:
    def test_do_not_depend_on_the_order_of_members(self):
        document = make_document()
        turned = dict(reversed(document.items()))

        assert rules.canonical(turned) == rules.canonical(document)

    def test_read_back(self):
        content = rules.canonical(make_document())

        assert rules.reads_back(content) == make_document()

    def test_are_refused_when_they_are_not_canonical(self):
        with pytest.raises(ValueError, match="canonical"):
            rules.reads_back(json.dumps(make_document()).encode())


class TestClauses:
    def test_have_numbers_that_are_unique_and_in_order(self):
        numbers = [tuple(map(int, each.number.split("."))) for each in CLAUSES]

        assert numbers == sorted(set(numbers))

    def test_say_something_for_every_preset(self):
        for preset in PRESETS:
            terms = preset_terms(preset, ["alder", "birch"])
            for clause in CLAUSES:
                sentences = clause.sentences(terms)
                assert sentences, clause.number
                assert all(each.endswith(".") for each in sentences), clause.number

    @pytest.mark.parametrize(
        ("number", "says"),
        [
            ("2.1", "Connections use TLS 1.2 or 1.3; nothing older is offered."),
            (
                "4.1",
                "Root CAs are valid for at most 7305 days (20 years), and planned for at least 5475 days (15 years).",
            ),
            ("4.4", "Service certificates are valid for at most 90 days, and planned for at least 7 days."),
            ("7.1", "A CA renewal takes effect 30 days after its notice, or later."),
            ("7.2", "A CA revocation takes effect 4 hours after its notice, or later."),
            ("7.3", "Any other change takes effect 7 days after its notice, or later."),
        ],
    )
    def test_say_what_the_guide_says(self, number, says):
        assert BY_NUMBER[number].sentences(make_values()) == [says]

    @pytest.mark.parametrize(("hours", "says"), [(1, "1 hour"), (4, "4 hours"), (24, "24 hours"), (720, "30 days")])
    def test_say_hours_as_people_do(self, hours, says):
        assert hours_in_words(hours) == says

    @pytest.mark.parametrize(
        ("days", "says"), [(90, "90 days"), (365, "365 days (1 year)"), (7305, "7305 days (20 years)")]
    )
    def test_say_days_as_people_do(self, days, says):
        assert days_in_words(days) == says


class TestDiff:
    def test_is_empty_for_equal_terms(self):
        assert diff.clauses(make_values(), make_values()) == ()

    def test_names_the_clause_and_the_words(self):
        changed = make_values(lifetimes__service={"min_days": 7, "max_days": 30})

        (change,) = diff.clauses(make_values(), changed)

        assert change.number == "4.4"
        assert [(piece.kind, piece.text) for piece in change.pieces if piece.kind != "same"] == [
            ("del", "90"),
            ("ins", "30"),
        ]

    def test_shows_sentences_that_have_little_in_common_one_after_the_other(self):
        pieces = diff.words("No windows are agreed.", "Maintenance on Sunday from 02:00 to 04:00 UTC.")

        assert [each.kind for each in pieces] == ["del", "ins"]

    @pytest.mark.parametrize(("before", "after"), [("a b c", "a c"), ("", "x"), ("x", ""), ("one two", "two one")])
    def test_gives_back_both_texts(self, before, after):
        pieces = diff.words(before, after)

        assert "".join(each.text for each in pieces if each.kind != "ins") == before
        assert "".join(each.text for each in pieces if each.kind != "del") == after


class TestWaivers:
    VALID = {
        "clause": "4.2",
        "reason": "The HSM is replaced in March",
        "owner": "Mei Tanaka",
        "expires_at": EVERYTHING_VALID + timedelta(days=30),
        "now": EVERYTHING_VALID,
    }

    def test_can_be_asked_for(self):
        assert rules.waiver_problem(**self.VALID) is None

    @pytest.mark.parametrize(
        ("spoils", "path"),
        [
            ({"clause": "4.9"}, "clause"),
            ({"reason": "  "}, "reason"),
            ({"owner": ""}, "owner"),
            ({"expires_at": EVERYTHING_VALID}, "expires_at"),
            ({"expires_at": EVERYTHING_VALID + timedelta(days=400)}, "expires_at"),
        ],
    )
    def test_are_refused_when(self, spoils, path):
        assert rules.waiver_problem(**copy.copy(self.VALID) | spoils).path == path


class TestRemovalsWait:
    def test_is_left_out_of_older_documents_which_stay_as_they_were_signed(self):
        values = make_values()
        del values["operations"]["removal_waits"]
        document = make_document(terms=values)

        assert rules.problems(document) == []
        assert make_terms(values).removal_waits is None
        assert BY_NUMBER["9.4"].sentences(values) == ["A planned removal of a CA waits for no service."]
        assert diff.clauses(values, make_values()) == ()

    @pytest.mark.parametrize("name", PRESETS)
    def test_is_off_in_every_preset(self, name):
        assert make_terms(preset_terms(name, ("alder", "birch"))).removal_waits is None

    def test_is_read_as_share_and_time(self):
        waits = make_terms(make_values(operations__removal_waits={"percent": 95, "at_most_days": 30})).removal_waits

        assert waits is not None
        assert (waits.percent, waits.at_most) == (95, timedelta(days=30))

    def test_reads_as_a_clause_and_shows_in_the_difference(self):
        (change,) = diff.clauses(
            make_values(), make_values(operations__removal_waits={"percent": 95, "at_most_days": 30})
        )

        assert (change.number, change.title) == ("9.4", "Removals wait for services")
        assert "95 % of its services" in change.after
        assert "at most 30 days" in change.after
        assert "never waits" in change.after

    @pytest.mark.parametrize(
        "value", [{"percent": 101, "at_most_days": 1}, {"percent": 5, "at_most_days": 91}, {"percent": 5}]
    )
    def test_is_limited(self, value):
        found = rules.problems(make_document(terms=make_values(operations__removal_waits=value)))

        assert found
        assert all(each.path.startswith("terms.operations.removal_waits") for each in found)
