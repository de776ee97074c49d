"""Addresses of the pages and the API about consumers."""

from django.urls import path

from trust.consumers import api as views
from trust.consumers import pages as page

pages = [
    path("consumers/", page.consumers, name="consumers"),
    path("consumers/new/", page.consumer_new, name="consumer_new"),
    path("consumers/<slug:name>/", page.consumer, name="consumer"),
    path("consumers/<slug:name>/change/", page.change, name="consumer_change"),
    path("consumers/<slug:name>/token/", page.rotate, name="consumer_rotate"),
    path("consumers/<slug:name>/tokens/<uuid:token_id>/revoke/", page.revoke_token, name="consumer_token_revoke"),
    path("consumers/<slug:name>/retire/", page.retire, name="consumer_retire"),
    path("consumers/<slug:name>/switch-on/", page.switch_on, name="consumer_switch_on"),
    path("trust-stores/<slug:name>/consumers/", page.store_consumers, name="trust_store_consumers"),
]

api = [
    path("uptake", views.UptakeView.as_view(), name="api_uptake"),
    path("consumers", views.ConsumersView.as_view(), name="api_consumers"),
    path("consumers/<slug:name>", views.ConsumerView.as_view(), name="api_consumer"),
    path("consumers/<slug:name>/tokens", views.ConsumerTokensView.as_view(), name="api_consumer_tokens"),
    path("consumers/<slug:name>/tokens/<uuid:token_id>", views.ConsumerTokenView.as_view(), name="api_consumer_token"),
    path("consumers/<slug:name>/switch-on", views.ConsumerSwitchOnView.as_view(), name="api_consumer_switch_on"),
    path("trust-stores/<slug:name>/adoption", views.AdoptionView.as_view(), name="api_store_adoption"),
    path("trust-stores/<slug:name>/adoption/report", views.ReportView.as_view(), name="api_adoption_report"),
]
