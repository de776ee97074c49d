"""Addresses of the inventory."""

from django.urls import path

from trust.inventory import api as views
from trust.inventory import pages as page

pages = [
    path("inventory/", page.inventory, name="inventory"),
    path("inventory/export.csv", page.export, {"extension": "csv"}, name="inventory_csv"),
    path("inventory/export.json", page.export, {"extension": "json"}, name="inventory_json"),
    path("inventory/expiry/", page.expiry, name="expiry"),
    path("inventory/service-certificates/new/", page.add, name="service_certificate_new"),
    path(
        "inventory/service-certificates/<uuid:service_certificate_id>/retire/",
        page.retire,
        name="service_certificate_retire",
    ),
    path("p/<slug:slug>/compliance/", page.of_partnership, name="compliance"),
]

api = [
    path("inventory", views.InventoryView.as_view(), name="api_inventory"),
    path("inventory/service-certificates", views.ServiceCertificatesView.as_view(), name="api_service_certificates"),
    path(
        "inventory/service-certificates/<uuid:service_certificate_id>",
        views.ServiceCertificateView.as_view(),
        name="api_service_certificate",
    ),
]
