"""Sending kept files back, for pages and the API alike."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from trust.onboarding.models import TaskEvidence


def of_evidence(found: TaskEvidence) -> HttpResponse:
    """Return a piece of evidence as a download under its name, which no browser opens as anything."""
    response = HttpResponse(bytes(found.content), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = content_disposition_header(True, found.name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
