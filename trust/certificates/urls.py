"""Addresses of certificates."""

from django.urls import path, register_converter

from trust.certificates import api as views
from trust.certificates import pages as page


class Sha256Converter:
    """64 hex digits in any case."""

    regex = "[0-9A-Fa-f]{64}"

    def to_python(self, value: str) -> str:
        return value.lower()

    def to_url(self, value: str) -> str:
        return value


register_converter(Sha256Converter, "sha256")

pages = [
    path("certificates/<sha256:sha256>/", page.certificate, name="certificate"),
    path("certificates/<sha256:sha256>.pem", page.download, name="certificate_pem"),
]
api = [path("certificates/<sha256:sha256>", views.CertificateView.as_view(), name="api_certificate")]
