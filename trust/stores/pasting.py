"""What every snippet is made of: addresses, the pull, and the lines that several of them share. Plain text, no secrets."""

from dataclasses import dataclass

from django.conf import settings

from trust.stores.models import TrustStore


@dataclass(frozen=True)
class Snippet:
    """What to paste into one kind of service. ``extension`` is the format that it uses."""

    title: str
    extension: str
    says: str
    code: str


def address(store: TrustStore, extension: str) -> str:
    """Return the address of the current version in a format."""
    return f"{settings.BASE_URL}/api/v1/trust-stores/{store.name}/current.{extension}"


def pull_command(store: TrustStore, extension: str = "pem", *, then: str = "") -> str:
    """Return a command that pulls the store when it changed and otherwise leaves the file alone.

    ``then`` is a command for what was pulled, in which ``$NEW`` stands for it; when it fails, the next pull comes here again.
    """
    at_work = f"{then.replace('$NEW', '$F.new')} && " if then else ""
    # The tag is kept only with the file that it belongs to: a transfer that breaks off leaves the old file, and is tried again.
    return (
        f"F=/etc/ssl/{store.name}.{extension}; rm -f $F.new\n"
        'curl -fsS -H "Authorization: Bearer $TOKEN" --etag-compare $F.etag --etag-save $F.etag.new \\\n'
        f"  {address(store, extension)} -o $F.new &&\n"
        f"  if [ -s $F.new ]; then {at_work}mv $F.new $F && mv $F.etag.new $F.etag; fi"
    )


def go_pool(store: TrustStore) -> str:
    """Return how a Go program reads the anchors into ``pool``, and stops when there are none."""
    return (
        f'pem, err := os.ReadFile("/etc/ssl/{store.name}.anchors.pem")\n'
        "pool := x509.NewCertPool()\n"
        'if err != nil || !pool.AppendCertsFromPEM(pem) { log.Fatal("no trust store") }'
    )


def envoy_secret(store: TrustStore) -> str:
    """Return the members of a TLS context by which Envoy takes the store as a secret of file-based SDS."""
    return (
        "validation_context_sds_secret_config:\n"
        f"  name: {store.name}\n"
        "  sds_config:\n"
        "    path_config_source:\n"
        f"      path: /etc/ssl/{store.name}.envoy-sds.json\n"
        "      watched_directory: {path: /etc/ssl}"
    )


def istio_secret(store: TrustStore) -> str:
    """Return the command that puts the anchors where an Istio gateway looks for them."""
    return (
        f"kubectl create secret generic {store.name}-cacert --from-file=ca.crt=/etc/ssl/{store.name}.anchors.pem"
        " --dry-run=client -o yaml | kubectl apply -f -"
    )
