"""Addresses of the audit log."""

from django.urls import path

from portal.history import api as door
from portal.history import pages as page

pages = [
    path("audit/", page.audit_log, name="audit_log"),
    path("audit/verify", page.verify_chain, name="audit_verify"),
    path("audit/export.jsonl", page.export, {"form": "jsonl"}, name="audit_export_jsonl"),
    path("audit/export.csv", page.export, {"form": "csv"}, name="audit_export_csv"),
    path("audit/<int:number>/", page.event, name="event"),
    path("audit/<int:number>/deliveries/<uuid:delivery>/again", page.deliver_again, name="event_deliver_again"),
]
api = [path("events/", door.EventsView.as_view(), name="events")]
