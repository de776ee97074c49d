"""Every finding code is explained on one page, which the code makes; rewrite it with ``python -m portal.docs.findings``."""

import re

import pytest
from django.test import Client

from portal import words
from portal.docs import findings, problems
from tests.makers import certificates as make
from tests.moments import EVERYTHING_VALID as NOW
from trust.agreements import codes as agreed
from trust.pki import codes
from trust.pki.examination import examine
from trust.pki.lint import lint
from trust.pki.openpgp import key_codes
from trust.pki.openpgp.verdicts import Verdict

ROWS = [row for rows in findings.parts().values() for row in rows]


class TestPage:
    def test_is_what_the_tables_say(self):
        assert findings.DOCUMENT.read_text(encoding="utf-8") == findings.text(), "Run: python -m portal.docs.findings"

    def test_has_every_code_once(self):
        families = {"signature"}
        verdicts = {f"signature_{verdict.value}" for verdict in Verdict if verdict is not Verdict.GOOD}
        expected = {*codes.DEFINITIONS, *agreed.DEFINITIONS, *key_codes.DEFINITIONS, *verdicts} - families

        listed = [code for code, *_ in ROWS]

        assert sorted(listed) == sorted(expected)

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
    def test_says_severity_sentence_fix_and_source(self, row):
        _, severity, says, fix, source = row

        assert severity in ("refuse", "problem", "warning", "note")
        assert says.endswith(".")
        assert fix.endswith((".", ")"))
        assert source

    def test_leaves_no_gap_unfilled(self):
        assert not re.search(r"[{}]", findings.text())


class TestServed:
    def test_gives_every_code_of_a_finding_and_of_a_problem_an_address(self, db):
        for name, document in (("findings", findings.DOCUMENT), ("problems", problems.DOCUMENT)):
            served = Client().get(f"/docs/{name}/").content.decode()
            listed = re.findall(r"^\| `(\w+)` ", document.read_text(), re.M)

            assert len(listed) > 100
            assert set(listed) <= set(re.findall(r'<(?:td|li) id="(\w+)"', served))

    def test_explains_what_a_report_says(self, db):
        made = [make.leaf(), make.root(subject=make.name("Ünsigned"))]
        said = examine(b"".join(one.pem for one in made), now=NOW).findings + lint(made[0].facts)

        assert said
        for each in said:
            there = Client().get(words.explained_at(each.code))
            path, _, place = there["Location"].partition("#")
            assert f'<td id="{place}"' in Client().get(path).content.decode()
