"""Addresses of the pages and the API about verifications."""

from django.urls import path

from trust.verifications import api as views
from trust.verifications import call_pages as call
from trust.verifications import pages as page
from trust.verifications import record_pages as record

_AT = "p/<slug:slug>/verifications/"
_CALL = f"{_AT}<int:number>/"

pages = [
    path(_AT, page.verifications, name="verifications"),
    path(f"{_AT}start/<uuid:request_id>/", page.start, name="verification_start"),
    path(f"{_AT}book/<uuid:request_id>/", page.book, name="verification_book"),
    path(f"{_AT}unlock/<uuid:request_id>/", page.unlock, name="verification_unlock"),
    path(f"{_AT}rehearse/", page.rehearse, name="verification_rehearse"),
    path(_CALL, call.call, name="verification_call"),
    path(f"{_CALL}state", call.state, name="verification_state"),
    path(f"{_CALL}group", call.group, name="verification_group"),
    path(f"{_CALL}act/<slug:act>", call.act, name="verification_act"),
    path(f"{_CALL}call.ics", page.calendar_file, name="verification_calendar"),
    path(f"{_CALL}record/", record.page, name="verification_record"),
    path(f"{_CALL}record/decision", record.decide, name="verification_decide"),
    path(f"{_CALL}record/statement", record.statement, name="verification_statement"),
    path(f"{_CALL}record/signature", record.sign, name="verification_sign"),
    path(f"{_CALL}record/evidence.json", record.evidence, name="verification_evidence"),
    path(f"{_CALL}record/<slug:part>.json", record.document, name="verification_document"),
    path(f"{_CALL}record.pdf", record.pdf, name="verification_pdf"),
    path(f"{_CALL}record/check/", record.check, name="verification_check"),
]

api = [
    path("verifications", views.VerificationRequestsView.as_view(), name="api_verifications"),
    path("verifications/<uuid:request_id>", views.VerificationRequestView.as_view(), name="api_verification"),
    path("verifications/<uuid:request_id>/calls", views.CallsView.as_view(), name="api_verification_calls"),
    path("verifications/<uuid:request_id>/approval", views.ApprovalView.as_view(), name="api_verification_approval"),
]
