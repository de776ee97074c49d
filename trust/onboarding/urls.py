"""Addresses of the pages and the API about onboarding."""

from django.urls import path

from trust.onboarding import api as views
from trust.onboarding import evidence_api as evidence_views
from trust.onboarding import pages as page
from trust.onboarding import review_api as review_views
from trust.onboarding import review_pages as reviews
from trust.onboarding import trial_api as trial_views
from trust.onboarding import trial_pages as trial

pages = [
    path("p/<slug:slug>/onboarding/", page.onboarding, name="onboarding"),
    path("p/<slug:slug>/onboarding/kind/", page.template, name="onboarding_template"),
    path("p/<slug:slug>/onboarding/go-live/", page.go_live, name="onboarding_go_live"),
    path("p/<slug:slug>/onboarding/items/new/", page.add_item, name="onboarding_item_new"),
    path("p/<slug:slug>/onboarding/items/<uuid:item_id>/remove/", page.remove_item, name="onboarding_item_remove"),
    path("p/<slug:slug>/onboarding/evidence/<uuid:evidence_id>/", page.evidence_file, name="onboarding_evidence_file"),
    path("p/<slug:slug>/onboarding/tests/", trial.negative_tests, name="negative_tests"),
    path("p/<slug:slug>/onboarding/tests/samples/", trial.add_sample, name="negative_sample_add"),
    path(
        "p/<slug:slug>/onboarding/tests/samples/<uuid:sample_id>/remove/",
        trial.remove_sample,
        name="negative_sample_remove",
    ),
    path("p/<slug:slug>/onboarding/tests/run/", trial.run, name="negative_tests_run"),
    path("p/<slug:slug>/onboarding/tests/kit.zip", trial.download_kit, name="test_kit"),
    path("p/<slug:slug>/onboarding/tests/kit/", trial.hand_in, name="test_kit_hand_in"),
    path("p/<slug:slug>/onboarding/task/<slug:key>/", page.task, name="onboarding_task"),
    path("p/<slug:slug>/onboarding/task/<slug:key>/evidence/", page.evidence, name="onboarding_evidence"),
    path("p/<slug:slug>/onboarding/task/<slug:key>/<slug:act>/", page.act, name="onboarding_act"),
    path("p/<slug:slug>/reviews/", reviews.all_reviews, name="reviews"),
    path("p/<slug:slug>/reviews/open/", reviews.open_review, name="review_open"),
    path("p/<slug:slug>/reviews/<int:number>/", reviews.review, name="review"),
    path("p/<slug:slug>/reviews/<int:number>/answers/", reviews.answer, name="review_answer"),
    path("p/<slug:slug>/reviews/<int:number>/findings/", reviews.add_finding, name="review_finding_add"),
    path("p/<slug:slug>/reviews/<int:number>/sign-off/", reviews.sign_off, name="review_sign_off"),
    path("p/<slug:slug>/reviews/findings/<uuid:finding_id>/close/", reviews.close_finding, name="review_finding_close"),
    path("settings/incident-mailbox/", page.incident_mailbox, name="incident_mailbox"),
    path("join/mailbox/<str:secret>/", page.confirm_mailbox, name="mailbox_confirm"),
]

api = [
    path("partnerships/<slug:slug>/onboarding", views.OnboardingView.as_view(), name="api_onboarding"),
    path("partnerships/<slug:slug>/onboarding/nudges", views.NudgeView.as_view(), name="api_onboarding_nudge"),
    path("partnerships/<slug:slug>/onboarding/items", views.OwnItemsView.as_view(), name="api_onboarding_items"),
    path(
        "partnerships/<slug:slug>/onboarding/items/<slug:key>",
        views.OnboardingItemView.as_view(),
        name="api_onboarding_item",
    ),
    path(
        "partnerships/<slug:slug>/onboarding/items/<slug:key>/evidence",
        evidence_views.EvidenceListView.as_view(),
        name="api_onboarding_evidence",
    ),
    path(
        "partnerships/<slug:slug>/onboarding/evidence/<uuid:evidence_id>",
        evidence_views.EvidenceFileView.as_view(),
        name="api_onboarding_evidence_file",
    ),
    path("partnerships/<slug:slug>/onboarding/tests", trial_views.JointTestsView.as_view(), name="api_joint_tests"),
    path(
        "partnerships/<slug:slug>/onboarding/tests/samples", trial_views.SamplesView.as_view(), name="api_joint_samples"
    ),
    path("partnerships/<slug:slug>/onboarding/tests/runs", trial_views.RunsView.as_view(), name="api_joint_runs"),
    path("partnerships/<slug:slug>/onboarding/tests/kit.zip", trial_views.KitView.as_view(), name="api_test_kit"),
    path(
        "partnerships/<slug:slug>/onboarding/tests/kit-results",
        trial_views.KitResultsView.as_view(),
        name="api_test_kit_results",
    ),
    path("partnerships/<slug:slug>/reviews", review_views.ReviewsView.as_view(), name="api_reviews"),
    path("partnerships/<slug:slug>/reviews/<int:number>", review_views.ReviewView.as_view(), name="api_review"),
    path(
        "partnerships/<slug:slug>/reviews/<int:number>/answers",
        review_views.ReviewAnswersView.as_view(),
        name="api_review_answers",
    ),
    path(
        "partnerships/<slug:slug>/reviews/<int:number>/findings",
        review_views.ReviewFindingsView.as_view(),
        name="api_review_findings",
    ),
    path(
        "partnerships/<slug:slug>/reviews/<int:number>/sign-off",
        review_views.ReviewSignOffView.as_view(),
        name="api_review_sign_off",
    ),
    path(
        "partnerships/<slug:slug>/review-findings/<uuid:finding_id>/closing",
        review_views.FindingClosingView.as_view(),
        name="api_review_finding_closing",
    ),
    path("partnerships/<slug:slug>/activation", views.ActivationView.as_view(), name="api_activation"),
]
