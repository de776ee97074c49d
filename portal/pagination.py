"""Pages of a list that stay steady while rows are added."""

from typing import Any

from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from portal import errors


class SteadyCursorPagination(CursorPagination):
    """Cursor pagination, newest first unless the view says otherwise; at most 200 rows a page."""

    ordering = "-created_at"
    page_size_query_param = "limit"
    max_page_size = 200

    def get_page_size(self, request: Request) -> int:
        """Return how many rows are asked for. Raises Invalid for anything but a number that a page may have."""
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return self.page_size or self.max_page_size
        if not (asked.isascii() and asked.isdigit() and len(asked) < 10 and 1 <= int(asked) <= self.max_page_size):
            sentence = f"Give a whole number from 1 to {self.max_page_size}."
            raise errors.Invalid(f"limit: {sentence}", fields={"limit": [sentence]})
        return int(asked)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the parameters of a page."""
        found = super().get_schema_operation_parameters(view)
        for parameter in found:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] |= {"minimum": 1, "maximum": self.max_page_size}
        return found
