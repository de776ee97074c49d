"""Addresses for those who run the portal."""

from django.urls import path

from portal.operations import pages as views

pages = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
]
api: list = []
