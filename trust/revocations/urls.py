"""Addresses of the pages and the API about revocations."""

from django.urls import path, re_path

from trust.revocations import api as views
from trust.revocations import pages as page

pages = [path("p/<slug:slug>/revocations/", page.of_partnership, name="revocations")]

api = [
    path(
        "partnerships/<slug:slug>/revocations",
        views.PartnershipRevocationsView.as_view(),
        name="api_partnership_revocations",
    ),
    re_path(
        r"^trust-stores/(?P<name>[-a-zA-Z0-9_]+)/(?P<list>crl-set\.pem|crl-set\.json|deny-list\.json)$",
        views.StoreListView.as_view(),
        name="api_store_list",
    ),
]
