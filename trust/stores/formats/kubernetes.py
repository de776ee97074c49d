"""Kubernetes and Envoy objects, as JSON, which ``kubectl apply -f`` and Envoy read as well as YAML."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from trust.stores.formats.content import AnchorsAsJson, DoesNotFit, StoreContent
from trust.stores.formats.pem import blocks, read_blocks

# Kubernetes keeps an object of at most 1 MiB, with room for what it adds itself.
_MOST = 1024 * 1024 - 16 * 1024
# A SHA-256 that no certificate has: no content is known to give it.
_NO_CERTIFICATE = "0" * 64


def _document(value: dict[str, Any]) -> bytes:
    written = (json.dumps(value, indent=1) + "\n").encode("ascii")
    if len(written) > _MOST:
        raise DoesNotFit("A Kubernetes object holds at most 1 MiB.")
    return written


def _base(content: StoreContent) -> str:
    """Return the store's name as Kubernetes allows names (RFC 1123)."""
    return re.sub(r"[^a-z0-9-]+", "-", content.name.lower()).strip("-")


def _name_with_digest(content: StoreContent, *texts: str) -> str:
    """Return a name that is another one when any of the object's texts is."""
    digest = hashlib.sha256("\0".join(texts).encode("ascii")).hexdigest()
    return f"{_base(content)}-{digest[:10]}"


def _metadata(content: StoreContent, name: str, loses: tuple[str, ...]) -> dict[str, Any]:
    # A label's value is shorter than a name may be, and ends with a letter or digit.
    label = _base(content)[:63].strip("-")
    return {
        "name": name,
        "labels": {"app.kubernetes.io/managed-by": "trust-exchange", "app.kubernetes.io/name": label},
        "annotations": {
            "trust-exchange/version": str(content.number),
            "trust-exchange/ca-fingerprint": f"sha256:{content.set_sha256}",
            "trust-exchange/ca-fingerprints": ",".join(f"sha256:{each.sha256}" for each in content.certificates),
            "trust-exchange/loses": ",".join(loses),
        },
    }


def _read(pem: str) -> list[bytes]:
    return read_blocks(pem.encode("ascii"))


@dataclass(frozen=True)
class ConfigMap:
    """An immutable ConfigMap whose name holds the digest of its contents: other contents are another object."""

    extension: str = "configmap.json"
    content_type: str = "application/json"
    label: str = "Kubernetes ConfigMap"
    anchors_only: bool = False
    loses: tuple[str, ...] = ("constraints", "provenance", "purpose", "withdrawal")

    def encode(self, content: StoreContent) -> bytes:
        """Return the object. Raises DoesNotFit over 1 MiB."""
        data = {
            "ca.pem": blocks(content.certificates).decode("ascii"),
            "anchors.pem": blocks(content.anchors).decode("ascii"),
        }
        return _document(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": _metadata(content, _name_with_digest(content, *data.values()), self.loses),
                "immutable": True,
                "data": data,
            }
        )

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each certificate."""
        return _read(json.loads(artifact)["data"]["ca.pem"])


@dataclass(frozen=True)
class ClusterTrustBundle(AnchorsAsJson):
    """A ClusterTrustBundle, which the kubelet projects into pods. An empty one is not allowed, so a withdrawn store has none."""

    extension: str = "clustertrustbundle.json"
    label: str = "Kubernetes ClusterTrustBundle"
    loses: tuple[str, ...] = ("constraints", "intermediates", "provenance", "purpose", "order")

    def encode(self, content: StoreContent) -> bytes:
        """Return the object. Raises DoesNotFit for a store without anchors."""
        if not content.anchors:
            raise DoesNotFit("A ClusterTrustBundle is never empty: delete the object instead.")
        anchors = blocks(content.anchors).decode("ascii")
        return _document(
            {
                "apiVersion": "certificates.k8s.io/v1beta1",
                "kind": "ClusterTrustBundle",
                "metadata": _metadata(content, _name_with_digest(content, anchors), self.loses),
                "spec": {"trustBundle": anchors},
            }
        )

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each anchor."""
        return _read(json.loads(artifact)["spec"]["trustBundle"])


@dataclass(frozen=True)
class TrustManagerBundle(AnchorsAsJson):
    """A Bundle of cert-manager's trust-manager, which copies the anchors into every namespace."""

    extension: str = "trust-manager.json"
    label: str = "trust-manager Bundle"

    def encode(self, content: StoreContent) -> bytes:
        """Return the object. Raises DoesNotFit for a store without anchors: trust-manager refuses an empty source."""
        if not content.anchors:
            raise DoesNotFit("trust-manager takes no empty source: delete the Bundle instead.")
        return _document(
            {
                "apiVersion": "trust.cert-manager.io/v1alpha1",
                "kind": "Bundle",
                "metadata": _metadata(content, _base(content), self.loses),
                "spec": {
                    "sources": [{"inLine": blocks(content.anchors).decode("ascii")}],
                    "target": {"configMap": {"key": "ca.pem"}},
                },
            }
        )

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each anchor."""
        return _read(json.loads(artifact)["spec"]["sources"][0]["inLine"])


@dataclass(frozen=True)
class EnvoySecret:
    """A secret for Envoy's file-based discovery (SDS): move it over the old file, and Envoy takes it without a restart.

    Envoy would take an empty ``trusted_ca`` for no check at all, so a withdrawn store asks for a certificate with a digest that
    none has, and lets nobody in.
    """

    extension: str = "envoy-sds.json"
    content_type: str = "application/json"
    label: str = "Envoy SDS"
    anchors_only: bool = False
    loses: tuple[str, ...] = ("constraints", "role", "provenance", "purpose")

    def encode(self, content: StoreContent) -> bytes:
        """Return the discovery response. Raises DoesNotFit over 1 MiB."""
        anybody = {"trusted_ca": {"inline_string": blocks(content.certificates).decode("ascii")}}
        secret = {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            "name": content.name,
            "validation_context": anybody if content.certificates else {"verify_certificate_hash": [_NO_CERTIFICATE]},
        }
        return _document({"version_info": str(content.number), "resources": [secret]})

    def read(self, artifact: bytes) -> list[bytes]:
        """Return the DER of each certificate. Raises ValueError for a secret that would let anybody in."""
        context = json.loads(artifact)["resources"][0]["validation_context"]
        if context == {"verify_certificate_hash": [_NO_CERTIFICATE]}:
            return []
        found = _read(context["trusted_ca"]["inline_string"])
        if not found:
            raise ValueError("Envoy takes an empty trusted_ca for no check at all.")
        return found
