"""Reading the bodies of API requests."""

from collections.abc import Iterable, Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

MAX_DEPTH = 20


class JsonParser(JSONParser):
    """JSON that is not nested deeper than anybody needs: reading, checking and writing it down would each recurse as deep."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return what the body says. Raises ParseError."""
        refusal = ParseError(f"JSON parse error - It is nested deeper than {MAX_DEPTH} levels.")
        try:
            found = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise refusal from None
        if _is_too_deep(found):
            raise refusal
        return found


def _is_too_deep(document: Any) -> bool:
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        level = [each for one in level for each in _within(one)]
    return any(isinstance(each, list | dict) for each in level)


def _within(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
