"""The facts about trust stores that the log can hold, and how each is said."""

EVENTS: dict[str, str] = {
    "store.proposed": "{actor} proposed a new version of {store}: {reason}",
    "store.prepared": "The next version of {store} was prepared because of notice {notice}, for two people to approve",
    "store.proposal_withdrawn": "{actor} withdrew the proposed version of {store}",
    "store.proposal_over": "The proposed version of {store} is over with submission {submission}, which is {state}",
    "store.published": "{actor} published {store} v{version} with {certificates:certificate}: {reason}",
    "store.went_on_from_backup": "{actor} let {store} go on from a database that ends at v{known}, after v{version}: {reason}",
    "store.root_expires_soon": "Root metadata {root} of the TUF repository of {store} expires at {expires_at}",
    "store.merge_proposed": "{actor} proposed to merge {stores} into {export}: {reason}",
    "store.merge_approved": "{actor} approved the merged export {export}",
    "store.merge_closed": "{actor} closed the merged export {export}",
    "store.spiffe_changed": "{actor} bound {store} to the trust domain {trust_domain}: {reach}",
    "store.removal_reviewed": "{actor} reviewed {store} v{version}, which only removed trust",
}
