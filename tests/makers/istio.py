"""What Istio makes of a store: the members of its resources, and the secret that its gateways read.

No package carries Istio. Its secret is made by kubectl itself and held against the schema of Kubernetes, and what a gateway is then
told is tried on Envoy, which is what a gateway runs.
"""

import base64
import shlex
import shutil
import subprocess
from typing import Any

import kubernetes_validate
import pytest
import yaml

# Members of ``tls`` as Istio's definitions of v1 list them (August 2026), with what may stand there; both name more than these.
_TLS: dict[str, dict[str, Any]] = {
    "Gateway": {"mode": {"MUTUAL", "OPTIONAL_MUTUAL", "SIMPLE"}, "credentialName": str, "caCertCredentialName": str},
    "DestinationRule": {
        "mode": {"DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"},
        "credentialName": str,
        "sni": str,
        "subjectAltNames": list,
    },
}


def check_tls(kind: str, tls: dict[str, Any]) -> None:
    """Hold the ``tls`` of an object against Istio's definition of its kind. Fails for a member or value that it has not."""
    for name, value in tls.items():
        allowed = _TLS[kind][name]
        assert value in allowed if isinstance(allowed, set) else isinstance(value, allowed), (name, value)


def secret(command: str) -> dict[str, Any]:
    """Return the secret that a pasted ``kubectl create … | kubectl apply -f -`` makes, or skip loudly. No cluster is asked."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: nothing was shown about the secret that Istio reads")
    made, _, applied = command.partition(" | ")
    assert applied == "kubectl apply -f -"
    done = subprocess.run(shlex.split(made), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = yaml.safe_load(done.stdout)
    found["metadata"].pop("creationTimestamp", None)
    kubernetes_validate.validate(found, "1.37", strict=True)
    return found


def root_of(found: dict[str, Any], credential: str) -> str:
    """Return what a gateway takes for its CAs: ``ca.crt`` of the secret whose name is the credential's with ``-cacert``."""
    assert found["metadata"]["name"] == f"{credential}-cacert"
    assert set(found["data"]) == {"ca.crt"}
    return base64.b64decode(found["data"]["ca.crt"]).decode("ascii")
