"""Each case of the list of abuse and faults that the portal must survive has tests that are named after it."""

import ast
import re
from pathlib import Path

ATTACKS = Path(__file__).resolve().parent.parent / "attacks"
ALL = range(1, 65)
TABLES = ("2_1", "2_2", "2_3", "2_4", "2_5")


def names() -> set[str]:
    return {
        node.name
        for path in ATTACKS.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_cases_1_to_64_each_have_a_test_of_their_name():
    covered = {int(found[1]) for name in names() if (found := re.match(r"test_case_(\d\d)_\w", name))}

    assert set(ALL) - covered == set()


def test_tables_2_1_to_2_5_each_have_a_test_of_their_name():
    assert {table for table in TABLES if not any(name.startswith(f"test_{table}_") for name in names())} == set()
