"""Addresses of the pages and the API about OpenPGP keys."""

from django.urls import path

from trust.keys import api as views
from trust.keys import pages as page

pages = [
    path("keys/", page.own, name="keys"),
    path("keys/new/", page.add, name="key_add"),
    path("keys/<uuid:key_id>/", page.detail, name="key"),
    path("keys/<uuid:key_id>/challenge.txt", page.challenge_text, name="key_challenge_text"),
    path("keys/<uuid:key_id>/challenge/", page.new_challenge, name="key_challenge"),
    path("keys/<uuid:key_id>/prove/", page.prove, name="key_prove"),
    path("keys/<uuid:key_id>/succession.txt", page.succession_text, name="key_succession_text"),
    path("keys/<uuid:key_id>/vouch/", page.vouch, name="key_vouch"),
    path("keys/<uuid:key_id>/replace/", page.replace, name="key_replace"),
    path("keys/<uuid:key_id>/discard/", page.discard, name="key_discard"),
    path("keys/<uuid:key_id>/revoke/", page.revoke, name="key_revoke"),
    path("p/<slug:slug>/keys/", page.of_partnership, name="partnership_keys"),
]

api = [
    path("keys", views.KeysView.as_view(), name="api_keys"),
    path("keys/<uuid:key_id>", views.KeyView.as_view(), name="api_key"),
    path("keys/<uuid:key_id>/challenge", views.ChallengeView.as_view(), name="api_key_challenge"),
    path("keys/<uuid:key_id>/proof", views.ProofView.as_view(), name="api_key_proof"),
    path("keys/<uuid:key_id>/succession", views.SuccessionView.as_view(), name="api_key_succession"),
    path("keys/<uuid:key_id>/replacement", views.ReplacementView.as_view(), name="api_key_replacement"),
    path("keys/<uuid:key_id>/revocation", views.RevocationView.as_view(), name="api_key_revocation"),
]
