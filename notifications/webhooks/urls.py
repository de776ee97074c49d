"""Addresses of webhook endpoints and deliveries."""

from django.urls import path

from notifications.webhooks import api as views
from notifications.webhooks import pages as views_of_pages

pages = [
    path("webhooks/", views_of_pages.endpoints, name="webhooks"),
    path("webhooks/new/", views_of_pages.add, name="webhook_new"),
    path("webhooks/deliveries/<uuid:delivery_id>/", views_of_pages.delivery, name="delivery"),
    path("webhooks/deliveries/<uuid:delivery_id>/redeliver/", views_of_pages.redeliver, name="delivery_redeliver"),
    path("webhooks/<uuid:endpoint_id>/", views_of_pages.endpoint, name="webhook"),
    path("webhooks/<uuid:endpoint_id>/<slug:act>/", views_of_pages.act, name="webhook_act"),
]
api = [
    path("webhooks", views.EndpointsView.as_view(), name="api_webhooks"),
    path("webhooks/<uuid:endpoint_id>", views.EndpointView.as_view(), name="api_webhook"),
    path("webhooks/<uuid:endpoint_id>/test", views.TestView.as_view(), name="api_webhook_test"),
    path("webhooks/<uuid:endpoint_id>/challenge", views.ChallengeView.as_view(), name="api_webhook_challenge"),
    path("webhooks/<uuid:endpoint_id>/keys", views.KeysView.as_view(), name="api_webhook_keys"),
    path("webhooks/<uuid:endpoint_id>/recover", views.RecoverView.as_view(), name="api_webhook_recover"),
    path("deliveries", views.DeliveriesView.as_view(), name="api_deliveries"),
    path("deliveries/<uuid:delivery_id>", views.DeliveryView.as_view(), name="api_delivery"),
    path("deliveries/<uuid:delivery_id>/redeliver", views.RedeliverView.as_view(), name="api_delivery_redeliver"),
]
