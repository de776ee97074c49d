"""Addresses of the pages and the API about agreements."""

from django.urls import path

from trust.agreements import api as views
from trust.agreements import pages as page
from trust.agreements import waiver_pages as waiver

pages = [
    path("docs/schemas/agreement.json", page.schema, name="agreement_schema"),
    path("p/<slug:slug>/agreement/", page.agreement, name="agreement"),
    path("p/<slug:slug>/agreement/change/", page.change, name="agreement_change"),
    path("p/<slug:slug>/agreement/try/", waiver.try_certificate, name="agreement_try"),
    path("p/<slug:slug>/agreement/waivers/new/", waiver.propose, name="waiver_propose"),
    path("p/<slug:slug>/agreement/waivers/<uuid:waiver_id>/", waiver.decide, name="waiver_decide"),
    path("p/<slug:slug>/agreement/v<int:number>/", page.version, name="agreement_version"),
    path("p/<slug:slug>/agreement/v<int:number>/sign/", page.sign, name="agreement_sign"),
    path("p/<slug:slug>/agreement/v<int:number>/end/", page.end, name="agreement_end"),
    path("p/<slug:slug>/agreement/v<int:number>/document.json", page.document, name="agreement_document"),
    path("p/<slug:slug>/agreement/v<int:number>/<slug:side>.asc", page.signature, name="agreement_signature"),
]

api = [
    path("agreements", views.AgreementsView.as_view(), name="api_agreements"),
    path("agreements/try", views.TryView.as_view(), name="api_agreement_try"),
    path("agreements/<uuid:agreement_id>", views.AgreementView.as_view(), name="api_agreement"),
    path(
        "agreements/<uuid:agreement_id>/document", views.AgreementDocumentView.as_view(), name="api_agreement_document"
    ),
    path(
        "agreements/<uuid:agreement_id>/signatures", views.AgreementSignaturesView.as_view(), name="api_agreement_sign"
    ),
    path("agreements/<uuid:agreement_id>/end", views.AgreementEndView.as_view(), name="api_agreement_end"),
    path("waivers", views.WaiversView.as_view(), name="api_waivers"),
    path("waivers/<uuid:waiver_id>/answer", views.WaiverAnswerView.as_view(), name="api_waiver_answer"),
]
