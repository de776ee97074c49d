"""JSON Schema as its readers elsewhere read it: a pattern is a regular expression of ECMA-262, not one of Python's.

There ``$`` is the end of the text. Python's also matches before a line break at the end, so that a name would pass which shows as
another one and is not it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012


def _pattern(validator: Any, pattern: str, instance: object, _: object) -> Iterator[ValidationError]:
    # Our schemas have no dollar that stands for itself; a test says so.
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


# Takes what ``jsonschema.Draft202012Validator`` takes.
Validator = extend(Draft202012Validator, {"pattern": _pattern})


def registry(schemas: Mapping[str, Mapping[str, Any]]) -> Registry[Any]:
    """Return where a `Validator` finds the schemas that others refer to, by their addresses.

    Without their ``$schema``: the library would go on with the validator that is registered for it, which is not this one.
    """
    plain = {
        address: {name: value for name, value in schema.items() if name != "$schema"}
        for address, schema in schemas.items()
    }
    return Registry().with_resources((address, DRAFT202012.create_resource(each)) for address, each in plain.items())
