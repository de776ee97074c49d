"""Pages of a list that stay steady while rows are added."""

from rest_framework.pagination import CursorPagination


class SteadyCursorPagination(CursorPagination):
    """Cursor pagination, newest first unless the view says otherwise; at most 200 rows a page."""

    ordering = "-created_at"
    page_size_query_param = "limit"
    max_page_size = 200
