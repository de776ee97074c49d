"""Addresses of the documentation."""

from django.urls import path

from portal.docs import pages as page

pages = [
    path(".well-known/security.txt", page.security_txt, name="security_txt"),
    path("docs/", page.index, name="docs"),
    path("docs/<slug:name>/", page.document, name="document"),
    path("docs/<slug:name>/<slug:part>/", page.document_part, name="document_part"),
]
