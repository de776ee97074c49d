"""What others call says what it does: every public function and class of services, queries and rules has a docstring."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = sorted(
    path
    for folder in ("portal", "trust", "notifications")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts and path.name != "__init__.py"
)
# Here the callers are other features, so each public name explains itself.
CALLED_BY_OTHERS = [path for path in MODULES if path.name in ("services.py", "queries.py", "rules.py")]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path):
    tree = ast.parse(path.read_text())

    assert ast.get_docstring(tree) or path.name in ("apps.py", "wsgi.py", "asgi.py")


@pytest.mark.parametrize("path", CALLED_BY_OTHERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_public_name_says_what_it_does(path):
    tree = ast.parse(path.read_text())
    silent = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]

    assert not silent
