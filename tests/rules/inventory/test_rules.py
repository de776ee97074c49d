"""Searching, exporting, and the ladder of expiries, moved through time by argument."""

from datetime import UTC, datetime, timedelta

import pytest

from trust.inventory import rules
from trust.inventory.rules import COLUMNS, EXPIRED, LADDERS, Row, Search

END = datetime(2028, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def make_row(**changes):
    valid = dict.fromkeys(COLUMNS, "")
    valid |= {name: () for name in COLUMNS if "tuple" in str(Row.__dataclass_fields__[name].type)}
    valid |= {"not_before": None, "not_after": END, "created_at": None, "revoked_at": None}
    return Row(**(valid | changes))


class TestSearch:
    @pytest.mark.parametrize(
        ("typed", "expected"),
        [
            ("050D 5B77 CB6F 2A21", Search(hex="050d5b77cb6f2a21")),
            ("050D 5B77", Search(hex="050d5b77", text="050D 5B77")),
            ("2026-A", Search(hex="2026a", text="2026-A")),
            ("serial: 01", Search(hex="01")),
            ("05:0d:5b:77", Search(hex="050d5b77")),
            ("0x050D5B77", Search(hex="050d5b77")),
            ("SHA256:050d5b77", Search(hex="050d5b77")),
            ("SHA-256: 050d5b77", Search(hex="050d5b77")),
            ("sha256 Fingerprint=05:0D:5B:77", Search(hex="050d5b77")),
            ("Serial Number: 0x050D5B77", Search(hex="050d5b77")),
            ("Serial Numbers CA", Search(text="Serial Numbers CA")),
            ("  7f ", Search(hex="7f", text="7f")),
            ("Halden Root", Search(text="Halden Root")),
            ("face cafe", Search(text="face cafe")),
            ("facecafefacecafe", Search(hex="facecafefacecafe")),
            ("", Search()),
            ("z" * 400, Search(text="z" * 300)),
        ],
    )
    def test_reads_what_was_typed(self, typed, expected):
        assert rules.search(typed) == expected

    def test_knows_that_nothing_was_typed(self):
        assert not rules.search("  ")


class TestCsv:
    @pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
    def test_has_no_formula_in_any_cell(self, name):
        cells = rules.csv_cells(make_row(common_name=name, alternative_names=(name,), team_owner=name))

        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in cells)
        assert cells.count(f"'{name}") == 3

    def test_has_a_cell_for_each_column(self):
        assert len(rules.csv_cells(make_row())) == len(COLUMNS)

    def test_has_the_columns_of_the_guide(self):
        guide = {
            "serial_number",
            "common_name",
            "alternative_names",
            "issuer",
            "not_before",
            "not_after",
            "key_algorithm",
            "key_size",
            "signature_algorithm",
            "extended_key_usage",
            "certificate_policies",
            "crl_distribution_points",
            "ocsp_responders",
            "service_name",
            "environment",
            "team_owner",
            "created_at",
            "revoked_at",
            "revocation_reason",
        }

        assert guide <= set(COLUMNS)

    def test_gives_plain_json(self):
        found = rules.json_object(make_row(alternative_names=("DNS:a",)))

        assert found["not_after"] == "2028-06-01T00:00:00+00:00"
        assert found["created_at"] is None


def told_through_the_years(tier, *, every=DAY, begin=END - timedelta(days=800)):
    """Return the days before the end at which each step is told, by looking again and again as the scheduler does."""
    told, found, now = None, [], begin
    while now < END + timedelta(days=30):
        step = rules.step(tier, ends_at=END, told=told, now=now)
        if step is not None:
            found.append(step)
            told = step
        now += every
    return found


class TestTheLadder:
    @pytest.mark.parametrize(
        ("tier", "steps"),
        [
            ("root", [365, 180, 90, 30, 0]),
            ("policy", [365, 180, 90, 30, 0]),
            ("issuing", [30, 15, 7, 0]),
            ("service", [30, 15, 7, 0]),
            ("metadata", [365, 180, 90, 30, 0]),
        ],
    )
    @pytest.mark.parametrize("every", [timedelta(hours=1), DAY, timedelta(days=3)])
    def test_is_told_once_for_each_step(self, tier, steps, every):
        assert told_through_the_years(tier, every=every) == steps

    def test_tells_once_and_not_four_times_when_somebody_was_away(self):
        assert told_through_the_years("root", begin=END - timedelta(days=20)) == [30, 0]

    @pytest.mark.parametrize("tier", LADDERS)
    def test_tells_at_the_very_moment(self, tier):
        first = LADDERS[tier][0]

        assert rules.step(tier, ends_at=END, told=None, now=END - first * DAY) == first
        assert rules.step(tier, ends_at=END, told=None, now=END - first * DAY - timedelta(seconds=1)) is None

    def test_tells_the_end_itself(self):
        assert rules.step("root", ends_at=END, told=30, now=END) == EXPIRED
        assert rules.step("root", ends_at=END, told=EXPIRED, now=END + DAY) is None

    def test_does_not_tell_of_what_ended_long_ago(self):
        assert rules.step("root", ends_at=END, told=None, now=END + 8 * DAY) is None


class TestStepsThatALifeDoesNotHave:
    @pytest.mark.parametrize(
        ("tier", "days", "steps"),
        [
            ("root", 7000, (365, 180, 90, 30)),
            ("root", 365, (180, 90, 30)),
            ("service", 90, (30, 15, 7)),
            ("service", 30, (15, 7)),
            ("service", 7, ()),
            ("crl", 365, (30, 15, 7, 1)),
            ("crl", 30, (7, 1)),
            ("crl", 7, (1,)),
            ("crl", 1, ()),
            ("metadata", 365, (180, 90, 30)),
        ],
    )
    def test_are_left_out(self, tier, days, steps):
        assert rules.steps(tier, begins_at=END - days * DAY, ends_at=END) == steps


def test_clauses_are_counted_in_their_order():
    assert rules.clause_counts({"Agreement 10.1": 1, "Agreement 4.2": 2, "Agreement 3.5": 1}) == [
        ("Agreement 3.5", 1),
        ("Agreement 4.2", 2),
        ("Agreement 10.1", 1),
    ]
