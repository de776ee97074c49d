"""Addresses of submissions."""

from django.urls import path, re_path

from trust.submissions import api as views
from trust.submissions import pages as page

pages = [
    path("docs/intake-key.asc", page.intake_key, name="intake_key"),
    path("docs/schemas/package-manifest.json", page.manifest_schema, name="package_manifest_schema"),
    path("p/<slug:slug>/submissions/", page.submissions, name="submissions"),
    path("p/<slug:slug>/submissions/new/", page.submit, name="submission_new"),
    path("p/<slug:slug>/submissions/check/", page.check, name="submission_check"),
    path("p/<slug:slug>/submissions/<int:number>/", page.submission, name="submission"),
    path("p/<slug:slug>/submissions/<int:number>/decline/", page.decline, name="submission_decline"),
    path("p/<slug:slug>/submissions/<int:number>/withdraw/", page.withdraw, name="submission_withdraw"),
    re_path(
        r"^p/(?P<slug>[-\w]+)/submissions/(?P<number>\d{1,9})/(?P<part>file|signature)$",
        page.download,
        name="submission_file",
    ),
]
api = [
    path("submissions", views.SubmissionsView.as_view(), name="api_submissions"),
    path("submissions/check", views.CheckView.as_view(), name="api_submission_check"),
    path("submissions/<uuid:submission_id>", views.SubmissionView.as_view(), name="api_submission"),
    re_path(
        r"^submissions/(?P<submission_id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/(?P<part>file|signature)$",
        views.SubmissionFileView.as_view(),
        name="api_submission_file",
    ),
    path(
        "submissions/<uuid:submission_id>/withdrawal",
        views.WithdrawalView.as_view(),
        name="api_submission_withdrawal",
    ),
]
