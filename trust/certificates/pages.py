"""The page of one certificate (S12)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from portal.organizations import acting
from portal.organizations.rules import Right
from trust.certificates import queries, showing
from trust.certificates.rules import finding_from_json


@require_safe
def certificate(request: HttpRequest, sha256: str) -> HttpResponse:
    """Show a certificate: its fingerprint in full, what it says, where it is trusted, and what the linter says."""
    organization = acting.of(request).require(Right.READ)
    found = queries.get(organization, sha256)
    context = {
        "certificate": found,
        "trail": [("Home", reverse("home"))],
        "rows": showing.text_of(found),
        "pem": showing.pem_of(found),
        "related": showing.related(organization, found, request.now),
        "remarks": [finding_from_json(each) for each in found.lint or ()],
        "expired": found.not_after < request.now,
        "command": "openssl x509 -in FILE.pem -noout -fingerprint -sha256",
        "says": "sha256 Fingerprint=" + ":".join(found.sha256.upper()[at : at + 2] for at in range(0, 64, 2)),
    }
    return render(request, "trust/certificates/certificate.html", context)


@require_safe
def download(request: HttpRequest, sha256: str) -> HttpResponse:
    """Return the certificate as a PEM file."""
    organization = acting.of(request).require(Right.READ)
    found = queries.get(organization, sha256)
    answer = HttpResponse(showing.pem_of(found), content_type="application/x-pem-file")
    answer["Content-Disposition"] = f'attachment; filename="{found.sha256[:16]}.pem"'
    return answer
