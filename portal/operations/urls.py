"""Addresses for those who run the portal."""

from django.urls import path

from portal.operations import pages as views
from portal.operations.console import pages as console

pages = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
    path("operator/", console.overview, name="operator"),
    path("operator/banner/", console.take_down_banner, name="operator_banner"),
    path("operator/organizations/", console.organizations, name="operator_organizations"),
    path("operator/organizations/new/", console.add_organization, name="operator_organization_new"),
    path("operator/organizations/<uuid:organization_id>/", console.organization, name="operator_organization"),
    path(
        "operator/organizations/<uuid:organization_id>/resume/",
        console.resume_organization,
        name="operator_organization_resume",
    ),
]
api: list = []
