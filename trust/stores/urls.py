"""Addresses of the pages and the API about trust stores."""

from django.urls import re_path

from trust.stores.serve.view import PullView

pages: list = []

api = [
    re_path(
        r"^trust-stores/(?P<name>[-a-zA-Z0-9_]+)/current\.(?P<extension>[a-z0-9][a-z0-9.-]*)$",
        PullView.as_view(),
        name="api_store_current",
    ),
    re_path(
        r"^trust-stores/(?P<name>[-a-zA-Z0-9_]+)/versions/(?P<number>[0-9]+)\.(?P<extension>[a-z0-9][a-z0-9.-]*)$",
        PullView.as_view(),
        name="api_store_version",
    ),
]
