"""Checks an object as an API server does with the definition of its custom resource, where field validation is strict."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema

FOLDER = Path(__file__).parent.parent / "vectors" / "kubernetes"
_RULE = re.compile(r"\[((?:has\(self\.\w+\),?)+)\]\.filter\(x,x==true\)\.size\(\) (==|>=) 1")


def validate(written: Any, name: str) -> None:
    """Hold an object against the definition kept as ``name``. Raises jsonschema.ValidationError."""
    definition = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    schema = _strict(definition["openAPIV3Schema"])
    schema["properties"] |= {
        "apiVersion": {"const": f"{definition['group']}/{definition['version']}"},
        "kind": {"const": definition["kind"]},
    }
    jsonschema.Draft202012Validator(schema | {"required": ["apiVersion", "kind", "metadata", "spec"]}).validate(written)


def _strict(node: Any) -> Any:
    """Return a structural schema as JSON Schema: no member is unknown, and its rules are said by what they require."""
    if isinstance(node, list):
        return [_strict(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {name: _strict(value) for name, value in node.items() if not name.startswith("x-kubernetes-")}
    if isinstance(node.get("properties"), dict):
        made.setdefault("additionalProperties", False)
    if rules := node.get("x-kubernetes-validations"):
        made["allOf"] = [_rule(each["rule"]) for each in rules]
    return made


def _rule(text: str) -> dict[str, Any]:
    found = _RULE.fullmatch(text)
    assert found, f"this rule is not understood: {text}"
    choices = [{"required": [name]} for name in re.findall(r"self\.(\w+)", found[1])]
    return {"oneOf" if found[2] == "==" else "anyOf": choices}
