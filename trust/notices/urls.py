"""Addresses of notices."""

from django.urls import path

from trust.notices import api as views
from trust.notices import pages as views_of_pages
from trust.notices.feed import api as feed
from trust.notices.feed import pages as feed_page

pages = [
    path("notices/new/", views_of_pages.choose, name="notice_new"),
    path("notices/new/<slug:slug>/<str:kind>/", views_of_pages.compose, name="notice_compose"),
    path("notices/feed/", feed_page.readers, name="notice_feed"),
    path("notices/feed/<uuid:reader_id>/", feed_page.promise, name="notice_feed_promise"),
    path("notices/drafts/<uuid:draft_id>/", views_of_pages.draft, name="notice_draft"),
    path("notices/drafts/<uuid:draft_id>/notice.json", views_of_pages.draft_content, name="notice_draft_content"),
    path("notices/drafts/<uuid:draft_id>/discard/", views_of_pages.discard, name="notice_draft_discard"),
    path("notices/<str:label>/signed", views_of_pages.signed_content, name="notice_signed"),
    path("notices/<str:label>/signature", views_of_pages.signed_signature, name="notice_signature"),
    path("notices/<str:label>/calendar.ics", views_of_pages.calendar_file, name="notice_calendar"),
    path("distress/", views_of_pages.distress, name="distress"),
]
api = [
    path("notices", feed.Notices.as_view(), name="api_notices"),
    path("notice-feed-readers", feed.FeedReaders.as_view(), name="api_notice_feed_readers"),
    path("notice-feed-readers/<uuid:reader_id>", feed.FeedReaderView.as_view(), name="api_notice_feed_reader"),
    path("notice-previews", views.NoticePreviews.as_view(), name="api_notice_previews"),
    path("certificate-alerts", views.CertificateAlerts.as_view(), name="api_certificate_alerts"),
    path("distress-notices", views.DistressNotices.as_view(), name="api_distress_notices"),
    path("notice-schemas/<str:kind>", views.NoticeSchemas.as_view(), name="api_notice_schema"),
    path("trust-stores/<str:name>/deny-list", views.DenyList.as_view(), name="api_deny_list"),
]
