"""Addresses of the pages and the API about trust stores."""

from django.urls import path, re_path

from trust.stores import api as views
from trust.stores import pages as page
from trust.stores.approving import submission_approve
from trust.stores.federation import api as federation_views
from trust.stores.federation import pages as federation_page
from trust.stores.federation import view as federation
from trust.stores.merging import api as merging_views
from trust.stores.merging import pages as merging_page
from trust.stores.merging.view import PullMergedView
from trust.stores.serve.several import PullSeveralView
from trust.stores.serve.view import PullNegotiatedView, PullOfPartnerView, PullVersionView, PullView
from trust.stores.tuf.view import MetadataView, TargetView

pages = [
    path("trust-stores/", page.trust_stores, name="trust_stores"),
    path("trust-stores/drafts/<uuid:draft_id>/", page.store_draft, name="store_draft"),
    path("trust-stores/drafts/<uuid:draft_id>/withdraw/", page.withdraw_draft, name="store_draft_withdraw"),
    path("trust-stores/<slug:name>/", page.trust_store, name="trust_store"),
    path("trust-stores/<slug:name>/versions/", page.versions, name="trust_store_versions"),
    path("trust-stores/<slug:name>/v<int:number>/", page.trust_store_version, name="trust_store_version"),
    path("trust-stores/<slug:name>/v<int:number>/again/", page.publish_again, name="trust_store_again"),
    path("trust-stores/<slug:name>/v<int:number>/review/", page.review, name="trust_store_review"),
    path("trust-stores/<slug:name>/compare/v<int:first>...v<int:second>/", page.compare, name="trust_store_compare"),
    path("trust-stores/<slug:name>/try/", page.try_chain, name="trust_store_try"),
    path("trust-stores/<slug:name>/withdraw/", page.withdraw, name="trust_store_withdraw"),
    path("trust-stores/<slug:name>/restore/", page.restore, name="trust_store_restore"),
    path("merged-exports/", merging_page.merged_exports, name="merged_exports"),
    path("merged-exports/<uuid:export_id>/", merging_page.merged_export, name="merged_export"),
    path("merged-exports/<uuid:export_id>/close/", merging_page.close_merged_export, name="merged_export_close"),
    path("trust-stores/<slug:name>/spiffe/", federation_page.spiffe, name="trust_store_spiffe"),
    # Public, and 404 until an officer opens it.
    path("spiffe/<slug:organization>/", federation.bundle_map, name="spiffe_bundle_map"),
    path("spiffe/<slug:organization>/<slug:name>", federation.bundle, name="spiffe_bundle"),
    # The address of the written guide, for services that were set up by it.
    path("trust/<slug:partner>/ca", PullOfPartnerView.as_view(), name="api_store_pull_short"),
    path("p/<slug:slug>/submissions/<int:number>/approve/", submission_approve, name="submission_approve"),
]

api = [
    path("trust-stores", views.StoresView.as_view(), name="api_stores"),
    path("trust-stores/<slug:name>", views.StoreView.as_view(), name="api_store"),
    path("trust-stores/<slug:name>/removals", views.RemovalsView.as_view(), name="api_store_removals"),
    path("trust-stores/<slug:name>/versions", views.VersionsView.as_view(), name="api_store_versions"),
    path("trust-stores/<slug:name>/versions/<int:number>", views.VersionView.as_view(), name="api_store_version"),
    path(
        "trust-stores/<slug:name>/compare/<int:first>...<int:second>",
        views.CompareView.as_view(),
        name="api_store_compare",
    ),
    path("trust-stores/<slug:name>/spiffe", federation_views.BindingView.as_view(), name="api_store_spiffe"),
    path("merged-exports", merging_views.MergedExportsView.as_view(), name="api_merged_exports"),
    path("merged-exports/<uuid:export_id>", merging_views.MergedExportView.as_view(), name="api_merged_export_read"),
    path(
        "merged-exports/<uuid:export_id>/approval",
        merging_views.MergedExportApprovalView.as_view(),
        name="api_merged_export_approval",
    ),
    path("merged-exports/<slug:name>.pem", PullMergedView.as_view(), name="api_merged_export"),
    path("trust-store-set", PullSeveralView.as_view(), name="api_store_set"),
    path("spiffe-bundle-map", federation.BundleMapView.as_view(), name="api_spiffe_bundle_map"),
    path("trust-stores/<slug:name>/check-chain", views.CheckChainView.as_view(), name="api_store_check_chain"),
    re_path(
        r"^trust-stores/(?P<name>[-a-zA-Z0-9_]+)/current\.(?P<extension>[a-z0-9][a-z0-9.-]*)$",
        PullView.as_view(),
        name="api_store_pull_current",
    ),
    re_path(
        r"^trust-stores/(?P<name>[-a-zA-Z0-9_]+)/versions/(?P<number>[0-9]+)\.(?P<extension>[a-z0-9][a-z0-9.-]*)$",
        PullVersionView.as_view(),
        name="api_store_pull_version",
    ),
    path("trust-stores/<slug:name>/current", PullNegotiatedView.as_view(), name="api_store_pull_negotiated"),
    path("trust-stores/<slug:name>/tuf/metadata/<str:file>", MetadataView.as_view(), name="api_store_tuf_metadata"),
    path("trust-stores/<slug:name>/tuf/targets/<path:path>", TargetView.as_view(), name="api_store_tuf_target"),
]
