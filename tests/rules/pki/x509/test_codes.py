"""The table of finding codes is a public contract."""

import re
import string
from pathlib import Path

import pytest

from trust.pki.codes import DEFINITIONS, finding
from trust.pki.findings import Finding, Severity, heaviest_first, refuses


class TestDefinitions:
    @pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=lambda one: one.code)
    def test_says_what_is_wrong_what_to_do_and_by_which_rule(self, definition):
        assert re.fullmatch(r"[a-z][a-z0-9_]+", definition.code)
        assert definition.sentence.endswith(".")
        assert definition.fix.endswith(".")
        assert definition.source


class TestFinding:
    def test_fills_in_the_words_of_its_sentence(self):
        said = finding("expired", subject="CN=Root", not_after="2020-01-01", certificate_sha256="ab")

        assert said.sentence == "CN=Root expired on 2020-01-01."
        assert said.severity is Severity.REFUSE
        assert said.certificate_sha256 == "ab"

    def test_needs_every_word(self):
        with pytest.raises(KeyError):
            finding("expired")

    def test_every_sentence_can_be_filled(self):
        for definition in DEFINITIONS.values():
            words = {name: "x" for _, name, _, _ in string.Formatter().parse(definition.sentence) if name}
            assert "{" not in finding(definition.code, **words).sentence


def _with(severity: Severity) -> Finding:
    return Finding("code", severity, "", "", "")


class TestRefuses:
    def test_is_decided_by_one_finding_that_refuses(self):
        assert refuses([_with(Severity.NOTE), _with(Severity.REFUSE)])

    def test_problems_do_not_refuse(self):
        assert not refuses([_with(Severity.PROBLEM), _with(Severity.WARNING)])

    def test_reading_order_is_by_weight(self):
        shuffled = [_with(Severity.NOTE), _with(Severity.REFUSE), _with(Severity.WARNING), _with(Severity.PROBLEM)]

        assert [one.severity for one in heaviest_first(shuffled)] == list(Severity)


SOURCES = [path.read_text() for folder in ("trust/pki", "trust/submissions") for path in Path(folder).rglob("*.py")]
USED = "\n".join(source for source in SOURCES if "def linted" not in source)


class TestEveryCode:
    @pytest.mark.parametrize("code", sorted(set(DEFINITIONS) - {"pkilint"}))
    def test_is_used_somewhere(self, code):
        assert f'"{code}"' in USED
