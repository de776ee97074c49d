"""How to use a store in each kind of service, with the store's own names filled in. Plain text; nothing here is a secret."""

from textwrap import indent

from django.conf import settings

from trust.stores import calling, queries
from trust.stores.models import TrustStore
from trust.stores.pasting import Snippet, address, envoy_secret, go_pool, istio_secret, pull_command
from trust.stores.tuf import queries as tuf


def public_address(store: TrustStore) -> str:
    """Return the address at which anybody may fetch the store's SPIFFE bundle, once an officer opened it."""
    return f"{settings.BASE_URL}/spiffe/{store.relying.slug}/{store.name}"


def spire_federation(store: TrustStore, trust_domain: str) -> str:
    """Return what to write into the configuration of a SPIRE server (profile ``https_web``), or to run by hand."""
    binding = getattr(store, "spiffe", None)
    if binding is None or binding.public_since is None:
        return (
            f'curl -fsS -H "Authorization: Bearer $TOKEN" {address(store, "spiffe.json")} \\\n'
            f"  | spire-server bundle set -format spiffe -id spiffe://{trust_domain}"
        )
    return (
        f'federates_with "{trust_domain}" {{\n'
        f'  bundle_endpoint_url = "{public_address(store)}"\n'
        '  bundle_endpoint_profile "https_web" {}\n'
        "}"
    )


def envoy_map(store: TrustStore) -> str:
    """Return how Envoy's SPIFFE validator takes the store's bundle map, and each new version of it."""
    return (
        "validation_context:\n"
        "  custom_validator_config:\n"
        "    name: envoy.tls.cert_validator.spiffe\n"
        "    typed_config:\n"
        "      '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig\n"
        "      trust_bundles:\n"
        f"        filename: /etc/ssl/{store.name}.spiffe-map.json\n"
        "        watched_directory: {path: /etc/ssl}"
    )


def pull_again_command(store: TrustStore, user_agent: str) -> str:
    """Return what to run on a service's machine so that it pulls now: with trustx where that is what pulled last."""
    if user_agent.startswith("trustx/"):
        return f"trustx pull --config /etc/trustx/{store.name}.toml"
    return pull_command(store)


def _trustx(store: TrustStore) -> Snippet:
    folder = f"/etc/trustx/{store.name}"
    root = tuf.first_root_digest(store)
    pinned = ", ".join(f'"{each.upper()}"' for each in queries.signers(queries.current(store)))
    return Snippet(
        "trustx",
        "pem",
        "Also checks the partner's own signature, reloads the service, and puts the old store back when that fails. The SHA-256"
        " pins the portal's root; the fingerprints are the partner's OpenPGP keys, which you verified by phone."
        " Write the consumer's token into /etc/trustx/token first, which nobody else may read."
        if root
        else "The store's root still waits for its signatures, so trustx cannot pull it yet.",
        f"trustx root --portal {settings.BASE_URL} --store {store.name} --token-file /etc/trustx/token \\\n"
        f"  --sha256 {root or '…'} --out {folder}.root.json\n\n"
        f"# {folder}.toml, for: trustx pull --config {folder}.toml\n"
        f'portal = "{settings.BASE_URL}"\n'
        f'store = "{store.name}"\n'
        'token_file = "/etc/trustx/token"\n'
        f'root = "{folder}.root.json"\n'
        f'state_dir = "/var/lib/trustx/{store.name}"\n'
        f"partner_fingerprints = [{pinned}]\n"
        'check = "nginx -t"\n'
        'reload = "systemctl reload-or-restart nginx"\n\n'
        "[outputs]\n"
        f'pem = "/etc/ssl/{store.name}.pem"',
    )


def list_address(store: TrustStore, file: str) -> str:
    """Return the address of what a store has beside its versions, such as ``crl-set.pem``."""
    return f"{settings.BASE_URL}/api/v1/trust-stores/{store.name}/{file}"


def _crl_command(store: TrustStore, file: str) -> str:
    pull = 'curl -fsS -H "Authorization: Bearer $TOKEN"'
    return (
        f"{pull} {list_address(store, 'crl-set.pem')} -o {file}.crls.new &&\n"
        f"  grep -qx '# complete: yes' {file}.crls.new && mv {file}.crls.new {file}.crls.pem && nginx -t && nginx -s reload\n\n"
        f"# in the server block, beside ssl_client_certificate:\nssl_crl {file}.crls.pem;"
    )


def of(store: TrustStore) -> list[Snippet]:
    """Return the snippets for a store, the most used first: for services that are called, or that call where it is of servers."""
    found = _all(store)
    if store.purpose != TrustStore.Purpose.SERVER:
        return found
    instead = calling.of(store)
    return [chosen for each in found if (chosen := instead.get(each.title, each)) is not None]


def _all(store: TrustStore) -> list[Snippet]:
    file = f"/etc/ssl/{store.name}"
    binding = getattr(store, "spiffe", None)
    domain = binding.trust_domain if binding else f"{store.owner.slug}.example"
    return [
        _trustx(store),
        Snippet(
            "curl", "pem", "Pulls only when something changed, and never leaves an empty file.", pull_command(store)
        ),
        Snippet(
            "nginx",
            "pem",
            "Reload nginx after each new version: it reads the file only at start.",
            f"ssl_client_certificate {file}.pem;\nssl_verify_client on;\nssl_verify_depth 3;",
        ),
        Snippet(
            "nginx with CRLs",
            "pem",
            "ssl_crl checks the whole chain: while any CA of the store lacks its current CRL, nginx rejects every client below it."
            " So this takes the set only while it is whole. The file before then stays, until a CRL in it ends.",
            _crl_command(store, file),
        ),
        Snippet(
            "HAProxy",
            "pem",
            "",
            f"bind :8443 ssl crt /etc/ssl/service.pem ca-file {file}.pem verify required",
        ),
        Snippet(
            "Envoy",
            "envoy-sds.json",
            "A secret for file-based SDS, since Envoy reads a PEM file in trusted_ca only when it starts. It takes a new secret"
            " that is moved over the old one without a restart; that of a withdrawn store lets nobody in.",
            "common_tls_context:\n" + indent(envoy_secret(store), "  "),
        ),
        Snippet(
            "Go",
            "anchors.pem",
            "Go takes every certificate of a pool for an anchor, so use the anchors alone.",
            f"{go_pool(store)}\nconfig := &tls.Config{{ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}}",
        ),
        Snippet(
            "Python",
            "anchors.pem",
            "",
            "context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
            "context.verify_mode = ssl.CERT_REQUIRED\n"
            f'context.load_verify_locations("{file}.anchors.pem")',
        ),
        Snippet(
            "Node",
            "anchors.pem",
            "",
            f'const ca = fs.readFileSync("{file}.anchors.pem");\n'
            "https.createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: true }, app);",
        ),
        Snippet(
            "Spring Boot",
            "p12",
            "Beside the server.ssl lines for the service's own certificate. The password is Java's customary one and protects"
            " nothing: the file holds no secret.",
            "server.ssl.client-auth: need\n"
            f"server.ssl.trust-store: file:{file}.p12\n"
            "server.ssl.trust-store-type: PKCS12\n"
            "server.ssl.trust-store-password: changeit",
        ),
        Snippet(
            "Kubernetes",
            "configmap.json",
            "Each version is an object of its own; point the Deployment at the new name.",
            f'curl -fsS -H "Authorization: Bearer $TOKEN" {address(store, "configmap.json")} | kubectl apply -f -',
        ),
        Snippet(
            "Kubernetes trust bundle",
            "clustertrustbundle.json",
            "For clusters with ClusterTrustBundle: pods take it as a projected volume and need no copy in their namespace.",
            f'curl -fsS -H "Authorization: Bearer $TOKEN" {address(store, "clustertrustbundle.json")} | kubectl apply -f -\n\n'
            "# in the pod; the name is the object's, which changes with the contents\n"
            "volumes:\n"
            f"  - name: {store.name}\n"
            "    projected:\n"
            "      sources:\n"
            "        - clusterTrustBundle: {name: $NAME, path: ca.pem}",
        ),
        Snippet(
            "trust-manager",
            "trust-manager.json",
            "trust-manager copies it into every namespace as a ConfigMap of the same name, key ca.pem.",
            f'curl -fsS -H "Authorization: Bearer $TOKEN" {address(store, "trust-manager.json")} | kubectl apply -f -',
        ),
        Snippet(
            "Istio",
            "anchors.pem",
            "A gateway that asks its clients for certificates reads the anchors from the secret whose name ends in -cacert, beside"
            " the one that credentialName names, which holds its own certificate and key. Both are in the gateway's namespace.",
            f"{istio_secret(store)}\n\n# in the Gateway\ntls:\n  mode: MUTUAL\n  credentialName: {store.name}",
        ),
        Snippet(
            "Envoy, by SPIFFE trust domain",
            "anchors.pem",
            "Keeps partners apart: a certificate counts only for the trust domain that its anchors belong to. Envoy reads the file"
            " when it starts; once the store stands for a trust domain, its SPIFFE page shows a form that is watched.",
            "validation_context:\n"
            "  custom_validator_config:\n"
            "    name: envoy.tls.cert_validator.spiffe\n"
            "    typed_config:\n"
            "      '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig\n"
            "      trust_domains:\n"
            f"        - name: {domain}\n"
            f"          trust_bundle: {{filename: {file}.anchors.pem}}",
        ),
        Snippet(
            "SPIRE",
            "spiffe.json",
            "The trust domain is bound here and nowhere in the file.",
            spire_federation(store, domain),
        ),
        Snippet(
            "Vault",
            "pem",
            "Writes a new version of the secret when the store changed, and never an empty one. OpenBao takes the same with bao.",
            pull_command(store, then=f"vault kv put -mount=secret trust-stores/{store.name} ca=@$NEW"),
        ),
    ]
