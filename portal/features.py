"""The features of the program, by name, and what each brings. The shell composes them; none of them knows this list."""

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

# In the order in which addresses are looked up.
FEATURES = [
    "portal.operations",
    "portal.docs",
    "portal.dashboard",
    "portal.organizations",
    "portal.partnerships",
    "portal.audit",
    "portal.history",
    "trust.keys",
    "trust.verifications",
    "trust.agreements",
    "trust.certificates",
    "trust.submissions",
    "trust.stores",
    "trust.consumers",
    "trust.notices",
    "trust.revocations",
    "trust.inventory",
    "trust.onboarding",
    "notifications.deliveries",
    "notifications.mail",
    "notifications.webhooks",
    "notifications.acknowledgements",
    "notifications.fanout",
]


def modules(name: str) -> Iterator[ModuleType]:
    """Yield the module ``name`` of each feature that has one. An import error inside such a module is raised."""
    for feature in FEATURES:
        try:
            yield import_module(f"{feature}.{name}")
        except ModuleNotFoundError as error:
            if error.name not in (f"{feature}.{name}", feature):
                raise
