"""The page of problem codes, made from the refusals in the source, so that it cannot drift from them."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs" / "problems.md"
STATUS = {
    "Invalid": 400,
    "NotSignedIn": 401,
    "NotAllowed": 403,
    "StepUpRequired": 403,
    "NotFound": 404,
    "Conflict": 409,
    "TooLarge": 413,
    "TooMany": 429,
    "Unavailable": 503,
}
DEFAULTS = {
    "invalid_input": (400, "The input is wrong; `errors` names the fields."),
    "not_signed_in": (401, "No token or session, or one that is not in force."),
    "not_allowed": (403, "Somebody else has to do it; `fix` says who."),
    "role_missing": (403, "Your role or your token's scopes do not permit it; `fix` says who can."),
    "step_up_required": (403, "The act needs a second factor given within the last five minutes."),
    "csrf_failed": (403, "A browser's request lacks its CSRF token."),
    "not_found": (404, "There is nothing here for you, whether it exists for others or not."),
    "method_not_allowed": (405, "The address does not offer this method."),
    "not_acceptable": (406, "There is no such representation."),
    "too_slow": (408, "The request did not arrive in time."),
    "conflict": (409, "The state has moved on, or does not permit it."),
    "too_large": (413, "Over a limit of size."),
    "unsupported_media_type": (415, "The address does not take this media type."),
    "too_many_requests": (429, "Over a limit of rate; `Retry-After` says when to come back."),
    "internal_error": (500, "The portal made a mistake. Quote `instance` to its operator."),
    "unavailable": (503, "Something that the answer depends on is missing, so there is none."),
}
HEAD = """# Problems that the API answers with

Every refusal under `/api/` is a problem document (RFC 9457), `application/problem+json`. `type` ends in one of the codes
below, which `code` repeats; `detail` says what is wrong, `fix` what to do next, `errors` which fields, and `instance` names
the request. Codes are stable; sentences may get better.

| Code | Status | Means |
| --- | --- | --- |
"""


def _sentence(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
        return "".join(str(part) for part in parts)
    return ""


def _in_source() -> Iterator[tuple[str, int, str]]:
    for app in ("portal", "trust", "notifications"):
        for path in sorted((ROOT / app).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                    continue
                code = next((word.value for word in node.keywords if word.arg == "code"), None)
                if node.func.attr in STATUS and isinstance(code, ast.Constant) and isinstance(code.value, str):
                    yield code.value, STATUS[node.func.attr], _sentence(node.args[0] if node.args else None)


def text() -> str:
    """Return the Markdown of the page: one row a code, in alphabetical order."""
    rows: dict[str, tuple[set[int], str]] = {}
    for code, status, sentence in _in_source():
        rows[code] = ({*rows.get(code, (set(), ""))[0], status}, sentence)
    rows |= {code: ({status}, sentence) for code, (status, sentence) in DEFAULTS.items()}
    lines = [
        f"| `{code}` | {', '.join(map(str, sorted(statuses)))} | {_cell(sentence)} |"
        for code, (statuses, sentence) in sorted(rows.items())
    ]
    return HEAD + "\n".join(lines) + "\n"


def _cell(sentence: str) -> str:
    return " ".join(sentence.split()).replace("|", "\\|") or "The sentence in `detail` says it."


if __name__ == "__main__":
    DOCUMENT.write_text(text(), encoding="utf-8")
