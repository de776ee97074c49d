"""How a service that calls the partner's servers uses a store: what is other than for a service that is called.

A chain alone lets every service of the partner pose as the one that was called, so each snippet also checks the name.
"""

from textwrap import indent

from trust.stores.models import TrustStore
from trust.stores.pasting import Snippet, envoy_secret, go_pool, istio_secret


def of(store: TrustStore) -> dict[str, Snippet | None]:
    """Return what is other where a service calls the partner's servers, by title; None where a snippet makes no sense."""
    file = f"/etc/ssl/{store.name}"
    return {
        "nginx": Snippet(
            "nginx",
            "pem",
            "Beside proxy_pass https://partner.example. Reload nginx after each new version: it reads the file only at start.",
            f"proxy_ssl_trusted_certificate {file}.pem;\nproxy_ssl_verify on;\nproxy_ssl_verify_depth 3;\n"
            "proxy_ssl_name partner.example;\nproxy_ssl_server_name on;",
        ),
        "nginx with CRLs": None,
        "HAProxy": Snippet(
            "HAProxy",
            "pem",
            "",
            f"server partner partner.example:443 ssl ca-file {file}.pem verify required"
            " sni str(partner.example) verifyhost partner.example",
        ),
        "Envoy": Snippet(
            "Envoy",
            "envoy-sds.json",
            "For the UpstreamTlsContext of a cluster. Envoy checks no name unless it is told which; the rest is as for a secret of"
            " file-based SDS: a new one that is moved over the old one is taken without a restart.",
            _upstream(store),
        ),
        "Go": Snippet(
            "Go",
            "anchors.pem",
            "Go takes every certificate of a pool for an anchor, so use the anchors alone.",
            f"{go_pool(store)}\nconfig := &tls.Config{{RootCAs: pool}}",
        ),
        "Python": Snippet(
            "Python", "anchors.pem", "", f'context = ssl.create_default_context(cafile="{file}.anchors.pem")'
        ),
        "Node": Snippet(
            "Node",
            "anchors.pem",
            "",
            f'const ca = fs.readFileSync("{file}.anchors.pem");\nhttps.get({{ host: "partner.example", ca }}, app);',
        ),
        "Spring Boot": Snippet(
            "Spring Boot",
            "p12",
            "A bundle (from Spring Boot 3.1) that a RestClient, WebClient or RestTemplate is built with. The password is Java's"
            " customary one and protects nothing: the file holds no secret.",
            f"spring.ssl.bundle.jks.{store.name}.truststore.location: file:{file}.p12\n"
            f"spring.ssl.bundle.jks.{store.name}.truststore.type: PKCS12\n"
            f"spring.ssl.bundle.jks.{store.name}.truststore.password: changeit",
        ),
        "Istio": Snippet(
            "Istio",
            "anchors.pem",
            "For an egress gateway, in whose namespace the secret must be. Istio checks no name unless it is told which.",
            f"{istio_secret(store)}\n\n"
            "# in the DestinationRule for partner.example\n"
            "trafficPolicy:\n  tls:\n    mode: SIMPLE\n"
            f"    credentialName: {store.name}\n    sni: partner.example\n    subjectAltNames: [partner.example]",
        ),
    }


def _upstream(store: TrustStore) -> str:
    return (
        "sni: partner.example\n"
        "common_tls_context:\n"
        "  combined_validation_context:\n"
        "    default_validation_context:\n"
        "      match_typed_subject_alt_names:\n"
        "        - {san_type: DNS, matcher: {exact: partner.example}}\n" + indent(envoy_secret(store), "    ")
    )
