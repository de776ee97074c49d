"""Addresses of notices as their receivers and senders read them."""

from django.urls import path

from notifications.acknowledgements import api as views
from notifications.acknowledgements import pages as views_of_pages
from notifications.acknowledgements import policy_api

pages = [
    path("notices/", views_of_pages.listing, name="notices"),
    path("p/<slug:slug>/notices/", views_of_pages.of_partnership, name="partnership_notices"),
    path("n/<str:label>/", views_of_pages.short, name="notice_short"),
    path("notices/escalation/", views_of_pages.policy, name="escalation_policy"),
    path("notices/<str:label>/", views_of_pages.notice, name="notice"),
    path("notices/<str:label>/acknowledge/", views_of_pages.acknowledge, name="notice_acknowledge"),
    path("notices/<str:label>/answer/", views_of_pages.answer, name="notice_answer"),
    path("notices/<str:label>/opened/", views_of_pages.opened, name="notice_opened"),
    path("notices/<str:label>/close/", views_of_pages.close, name="notice_close"),
    path("notices/<str:label>/remove/", views_of_pages.remove_now, name="notice_remove"),
]
api = [
    path("notices/<str:label>", views.NoticeView.as_view(), name="api_notice"),
    path("notices/<str:label>/closing", views.ClosingView.as_view(), name="api_notice_closing"),
    path("notices/<str:label>/acknowledgement", views.AcknowledgementView.as_view(), name="api_acknowledgement"),
    path("escalation-policy", policy_api.PolicyView.as_view(), name="api_escalation_policy"),
    path("escalation-policy/preview", policy_api.PolicyPreviewView.as_view(), name="api_escalation_policy_preview"),
]
