"""How the API describes itself: every operation also answers with problem documents."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "fix": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
COMMON = {
    "400": "The request cannot be used",
    "401": "No token or session",
    "403": "Not allowed",
    "404": "Not found",
    "409": "The state does not permit this",
}


class ExchangeSchema(AutoSchema):
    """Adds the answers that every operation can give: problem documents (RFC 9457) of each family."""

    def _get_serializer_name(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> str:
        # Each feature has a Finding or a Key of its own; its folder's name keeps them apart.
        name = super()._get_serializer_name(serializer, direction, bypass_extensions)
        module = (serializer if isinstance(serializer, type) else type(serializer)).__module__.split(".")
        if module[0] not in ("portal", "trust", "notifications") or not name:
            return name
        return f"{module[-2].title()}{name}"

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        answers = dict(COMMON)
        if self.method != "GET":
            answers |= {
                "413": "Too large",
                "415": "Media type not offered",
            }
        problem = ResolvedComponent(
            name="Problem", type=ResolvedComponent.SCHEMA, object="Problem", schema=dict(PROBLEM)
        )
        self.registry.register_on_missing(problem)
        answers |= {"429": "Too many requests", "503": "Not available right now"}
        for status, description in answers.items():
            operation["responses"].setdefault(
                status,
                {"description": description, "content": {"application/problem+json": {"schema": problem.ref}}},
            )
        return operation
