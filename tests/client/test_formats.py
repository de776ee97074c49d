"""``trustx`` reads every format of a store, so that the partner's own key covers what a service will trust, and nothing else."""

import io
import json
import shutil
import tarfile
import zipfile
from base64 import b64encode

import pytest
from asn1crypto import core
from asn1crypto import pkcs12 as asn1_pkcs12
from trustx import certificates, opening
from trustx.formats import ANCHORS_ONLY
from trustx.stops import Exit

from tests.client.world import STORE
from tests.makers import certificates as make
from tests.rules.trust.test_formats import content, expected, whole
from trust.stores import formats
from trust.stores.formats.content import DoesNotFit

EVERY = pytest.mark.parametrize("form", formats.FORMATS, ids=lambda form: form.extension)
STRANGER = make.root("Stranger")


class TestEveryFormat:
    @EVERY
    def test_is_read_as_the_portal_wrote_it(self, form):
        assert sorted(certificates.of_store(form.extension, form.encode(whole()))) == expected(form, whole())
        assert (form.extension in ANCHORS_ONLY) == form.anchors_only

    @EVERY
    def test_of_a_withdrawn_store_holds_nothing(self, form):
        try:
            empty = form.encode(content())
        except DoesNotFit:
            return
        assert certificates.of_store(form.extension, empty) == frozenset()

    @EVERY
    def test_that_is_cut_off_or_damaged_is_refused(self, form):
        made = form.encode(whole())
        middle = within_a_certificate(made)
        for spoiled in (made[:middle], made[:middle] + made[middle + 60 :]):
            with pytest.raises(certificates.Unreadable):
                certificates.of_store(form.extension, spoiled)


def within_a_certificate(made: bytes) -> int:
    """Return a place of an artifact that is in a certificate: between two there may be words, and the end of what is whole."""
    for begins in (b"-----BEGIN CERTIFICATE-----", b'"MII'):
        if begins in made:
            return made.rindex(begins) + 200
    return len(made) // 2


def slow_to_open(where: str) -> bytes:
    """The portal's PKCS#12, but with 2^31 rounds: for its digest, or for the key that its certificates are encrypted with."""
    store = asn1_pkcs12.Pfx.load(formats.BY_EXTENSION["p12"].encode(whole()))
    if where == "digest":
        store["mac_data"]["iterations"] = 2**31 - 1
        return store.dump(force=True)
    parts = asn1_pkcs12.AuthenticatedSafe.load(store["auth_safe"]["content"].native)
    algorithm = parts[0]["content"]["encrypted_content_info"]["content_encryption_algorithm"]
    algorithm["parameters"]["key_derivation_func"]["parameters"]["iteration_count"] = 2**31 - 1
    # Without a digest, which a reader would miss first if it did not fit.
    content = {"content_type": "data", "content": core.OctetString(parts.dump(force=True))}
    return asn1_pkcs12.Pfx({"version": "v3", "auth_safe": content}).dump()


class TestAPkcs12ThatIsSlowToOpen:
    @pytest.mark.parametrize("where", ["digest", "key"])
    def test_is_refused_after_a_bounded_time_of_computing(self, where, monkeypatch):
        monkeypatch.setattr(opening, "CPU_SECONDS", 1)

        with pytest.raises(certificates.Unreadable, match="more than 1 s of computing"):
            certificates.of_store("p12", slow_to_open(where))


def envoy(**more):
    return lambda said: said["resources"][0]["validation_context"].update(more)


# What programs take from these objects beside the certificates, and would widen whom they trust.
WIDER = {
    "Envoy accepts the untrusted": ("envoy-sds.json", envoy(trust_chain_verification="ACCEPT_UNTRUSTED")),
    "Envoy takes a system's CAs": ("envoy-sds.json", envoy(system_root_certs={})),
    "Envoy checks nothing": ("envoy-sds.json", lambda said: said["resources"][0].update(validation_context={})),
    "Envoy has a second secret": ("envoy-sds.json", lambda said: said["resources"].append(said["resources"][0])),
    "the public CAs are added": (
        "trust-manager.json",
        lambda said: said["spec"]["sources"].append({"useDefaultCAs": True}),
    ),
    "another source is added": (
        "trust-manager.json",
        lambda said: said["spec"]["sources"].append({"secret": {"name": "evil", "key": "ca"}}),
    ),
    "another file is in the ConfigMap": (
        "configmap.json",
        lambda said: said["data"].update(evil=STRANGER.pem.decode()),
    ),
    "a stranger is among the anchors": (
        "configmap.json",
        lambda said: said["data"].update({"anchors.pem": STRANGER.pem.decode()}),
    ),
    "the object is of another kind": ("clustertrustbundle.json", lambda said: said.update(kind="ClusterRoleBinding")),
    "another signer's bundle": ("clustertrustbundle.json", lambda said: said["spec"].update(signerName="evil")),
    "a key without a certificate": (
        "spiffe.json",
        lambda said: said["keys"].append({"use": "jwt-svid", "kty": "EC", "kid": "evil"}),
    ),
    "another key beside the certificate": (
        "spiffe.json",
        lambda said: said["keys"][0].update(n="AQAB", x="AQAB"),
    ),
    "a use of the key that is not SPIFFE's": ("spiffe.json", lambda said: said["keys"][0].update(key_ops=["verify"])),
    "two certificates in an entry": (
        "spiffe.json",
        lambda said: said["keys"][0]["x5c"].append(b64encode(STRANGER.der).decode()),
    ),
    "a second trust domain": (
        "spiffe-map.json",
        lambda said: said["trust_domains"].update({"evil.example": {"keys": []}}),
    ),
}


class TestAPortalThatWasBrokenInto:
    @pytest.mark.parametrize("what", WIDER)
    def test_cannot_widen_trust_beside_the_certificates(self, what):
        extension, spoil = WIDER[what]
        said = json.loads(formats.BY_EXTENSION[extension].encode(whole()))
        spoil(said)

        with pytest.raises(certificates.Unreadable):
            certificates.of_store(extension, json.dumps(said).encode())

    def test_cannot_fill_the_memory_with_a_file_that_is_all_holes(self):
        """Ten kilobytes whose one member says that it is 20 GB long."""
        hole = tarfile.TarInfo("aa.0")
        hole.size = 512
        sparse = {"major": "1", "minor": "0", "name": "aa.0", "realsize": str(20 * 1024**3)}
        hole.pax_headers = {f"GNU.sparse.{name}": value for name, value in sparse.items()}
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as archive:
            archive.addfile(hole, io.BytesIO(b"1\n0\n0\n".ljust(512, b"\0")))

        with pytest.raises(certificates.Unreadable, match="does not belong"):
            certificates.of_store("hashed.tar", written.getvalue())

    @pytest.mark.parametrize(
        "name", ["anchors/../../etc/ssl/evil.der", "/etc/ssl/evil.der", "anchors/evil.der", "evil"]
    )
    def test_cannot_place_a_file_of_the_archive_elsewhere(self, name):
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as archive:
            archive.writestr(name, whole().anchors[0].der)

        with pytest.raises(certificates.Unreadable, match="does not belong"):
            certificates.of_store("der.zip", written.getvalue())


@pytest.mark.django_db
class TestPull:
    def test_covers_every_format_by_the_partners_signature(self, agent, made):
        offered = [
            each.extension for each in formats.FORMATS if f"{STORE}.{each.extension}" in str(agent.portal.files.keys())
        ]
        assert len(offered) >= 12

        chosen = ["--directory", str(agent.folder / "all"), "--formats", ",".join(offered)]
        assert agent.pull(*chosen, *agent.pinned, output=False) == Exit.OK
        assert agent.said["end_to_end"] is True
        assert len(list((agent.folder / "all").iterdir())) == len(offered)

    @pytest.mark.parametrize("extension", sorted({"p12", "jks", "p7b", "hashed.tar", "envoy-sds.json", "spiffe.json"}))
    def test_takes_no_stranger_in_any_of_them(self, agent, made, extension):
        """A portal that has all its online keys, and says of the stranger what it says of the partner's own."""
        chosen = ["--output", f"{extension}={agent.folder / 'etc' / 'store'}"]
        agent.serve(made.states["lies about origin"])

        assert agent.pull(*chosen, *agent.pinned, output=False) == Exit.NOT_COVERED
        assert not (agent.folder / "etc" / "store").exists()

    def test_has_the_target_tool_look_at_the_new_file_first(self, agent, made):
        if shutil.which("keytool") is None:
            pytest.skip("keytool is not installed: nothing was shown about Java")
        store = agent.folder / "etc" / "store.p12"
        check = ["--output", f"p12={store}", *agent.pinned, "--check"]

        assert agent.pull(*check, "keytool -list -keystore {file} -storepass wrong", output=False) == Exit.CHECK_FAILED
        assert not store.exists()
        assert agent.pull(*check, "keytool -list -keystore {file} -storepass changeit", output=False) == Exit.OK
        assert store.exists()
