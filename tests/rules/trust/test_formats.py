"""Every format, by the same cases: what was written reads back, and says the same as the others."""

import json
import re
import subprocess
import tarfile
import zipfile
from dataclasses import replace
from functools import cache
from io import BytesIO

import jsonschema
import kubernetes_validate
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from tests.makers import certificates as make
from tests.makers import custom_resources, go
from tests.moments import EVERYTHING_VALID
from trust.stores import formats
from trust.stores.formats import archives
from trust.stores.formats.content import DoesNotFit, StoreCertificate, StoreContent

NOT_REPEATABLE = {"p12"}


def certificate(made: make.Made, role: str) -> StoreCertificate:
    facts = made.facts
    return StoreCertificate(
        der=made.der,
        sha256=made.sha256,
        spki_sha256=facts.spki_sha256,
        subject=str(facts.subject),
        issuer=str(facts.issuer),
        serial=facts.serial,
        not_before=facts.not_before,
        not_after=facts.not_after,
        role=role,
        submission_number=7,
        submission_sha256="ab" * 32,
        signer_fingerprint="110a" * 10,
        verification_id="0190e5b2-0000-7000-8000-000000000000" if role == "anchor" else None,
    )


def content(*certificates: StoreCertificate, **deviation) -> StoreContent:
    listed = tuple(sorted(certificates, key=lambda each: (each.role != "anchor", each.sha256)))
    fields = {
        "name": "alder-prod",
        "owner": "Alder",
        "relying": "Birch",
        "purpose": "both",
        "environment": "prod",
        "number": 3,
        "published_at": EVERYTHING_VALID,
        "withdrawn": not listed,
        "certificates": listed,
        "trust_domain": "alder.example",
        "constraints": {
            "agreement": 2,
            "trust_domains": ["alder.example"],
            "dns_suffixes": [],
            "subject_organizations": [],
        },
    }
    return StoreContent(**(fields | deviation))


@cache
def whole() -> StoreContent:
    tiers = make.hierarchy()
    rsa_root = make.root("RSA Root", key=make.rsa_key())
    # Two roots of one name, told apart by nothing that people read.
    twin = make.root("alder root ca", key=make.ec_key("twin"))
    return content(
        certificate(tiers.root, "anchor"),
        certificate(rsa_root, "anchor"),
        certificate(twin, "anchor"),
        certificate(tiers.policy, "intermediate"),
        certificate(tiers.issuing, "intermediate"),
    )


def expected(form, of: StoreContent) -> list[bytes]:
    return sorted(each.der for each in (of.anchors if form.anchors_only else of.certificates))


ALL = pytest.mark.parametrize("form", formats.FORMATS, ids=lambda form: form.extension)


class TestEveryFormat:
    @ALL
    def test_reads_back_as_it_was_written(self, form):
        made = formats.make(form, whole())

        assert sorted(form.read(made.content)) == expected(form, whole())

    @ALL
    def test_gives_equal_bytes_for_equal_contents(self, form):
        if form.extension in NOT_REPEATABLE:
            pytest.skip("salted: made once for each version, and kept")
        shuffled = replace(whole(), certificates=tuple(whole().certificates))

        assert form.encode(whole()) == form.encode(shuffled)

    @ALL
    def test_is_empty_or_absent_for_a_withdrawn_store(self, form):
        try:
            made = formats.make(form, content())
        except DoesNotFit:
            assert form.extension in {"clustertrustbundle.json", "trust-manager.json"}
        else:
            assert form.read(made.content) == []

    @ALL
    def test_holds_two_roots_of_one_name(self, form):
        assert len(form.read(form.encode(whole()))) == len(expected(form, whole()))

    @ALL
    def test_never_takes_an_intermediate_for_an_anchor_where_all_are_anchors(self, form):
        found = form.read(form.encode(whole()))
        below = [each.der for each in whole().certificates if not each.is_anchor]

        assert not form.anchors_only or not set(found) & set(below)

    @ALL
    def test_does_not_pass_when_it_is_damaged(self, form):
        damaged = bytearray(formats.make(form, whole()).content)
        middle = len(damaged) // 2
        del damaged[middle : middle + 200]

        class Damaged:
            def __getattr__(self, name):
                return getattr(form, name)

            def encode(self, _):
                return bytes(damaged)

        with pytest.raises(formats.Unreadable):
            formats.make(Damaged(), whole())


def run(*command: str, **more) -> str:
    done = subprocess.run(command, capture_output=True, timeout=60, check=True, **more)
    return done.stdout.decode()


class TestRealReaders:
    """What the programs say that the files are for."""

    def write(self, tmp_path, extension: str, of: StoreContent | None = None):
        path = tmp_path / f"store.{extension}"
        path.write_bytes(formats.BY_EXTENSION[extension].encode(of or whole()))
        return path

    def test_openssl_reads_the_pkcs7(self, tmp_path):
        path = self.write(tmp_path, "p7b")
        said = run("openssl", "pkcs7", "-inform", "DER", "-in", str(path), "-print_certs", "-noout")

        assert said.count("subject=") == 5

    def test_openssl_verifies_with_the_hashed_directory(self, tmp_path):
        with tarfile.open(self.write(tmp_path, "hashed.tar")) as archive:
            archive.extractall(tmp_path / "certs", filter="data")
        tiers = make.hierarchy()
        (tmp_path / "leaf.pem").write_bytes(tiers.leaf.pem)
        (tmp_path / "chain.pem").write_bytes(tiers.issuing.pem + tiers.policy.pem)

        said = run(
            "openssl", "verify", "-no-CAfile", "-no-CAstore", "-CApath", str(tmp_path / "certs"),
            "-untrusted", str(tmp_path / "chain.pem"), str(tmp_path / "leaf.pem"),
        )  # fmt: skip

        assert said.strip().endswith("OK")

    @pytest.mark.parametrize(
        "name",
        [
            "Alder Root CA",
            "  Ünïcode   Root\tCA ",
            "UPPER lower",
            "x" * 60,
            "Ärger \u212a",
        ],
    )
    def test_openssl_hashes_subjects_as_we_do(self, name):
        made = make.root(name)

        assert archives.subject_hash(made.der) == run("openssl", "x509", "-noout", "-hash", input=made.pem).strip()

    @pytest.mark.parametrize("kind", ["T61String", "IA5String", "BMPString", "UniversalString", "NumericString"])
    @pytest.mark.parametrize("name", ["Alder  Root CA", "Ünï 12"])
    def test_openssl_hashes_texts_of_every_kind_as_we_do(self, kind, name):
        """Old CAs have names in kinds of text that new ones may not use; OpenSSL leaves some of them as they are."""
        text = x509.NameAttribute(NameOID.COMMON_NAME, name, _type=getattr(_ASN1Type, kind))
        made = make.root(subject=x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Alder"), text]))

        assert archives.subject_hash(made.der) == run("openssl", "x509", "-noout", "-hash", input=made.pem).strip()

    @pytest.mark.parametrize(("extension", "kind"), [("p12", "PKCS12"), ("jks", "JKS")])
    def test_keytool_sees_every_anchor_as_trusted(self, tmp_path, extension, kind):
        path = self.write(tmp_path, extension)
        try:
            said = run("keytool", "-list", "-keystore", str(path), "-storepass", "changeit", "-storetype", kind)
        except FileNotFoundError:
            pytest.skip("keytool is not installed: nothing was shown about Java")

        assert said.count("trustedCertEntry") == 3
        assert "sha256-" in said

    @pytest.mark.parametrize(("extension", "kind"), [("p12", "PKCS12"), ("jks", "JKS")])
    def test_keytool_reads_a_withdrawn_store_as_empty(self, tmp_path, extension, kind):
        path = self.write(tmp_path, extension, content())
        try:
            said = run("keytool", "-list", "-keystore", str(path), "-storepass", "changeit", "-storetype", kind)
        except FileNotFoundError:
            pytest.skip("keytool is not installed: nothing was shown about Java")

        assert "0 entries" in said

    def test_node_reads_the_pem(self, tmp_path):
        path = self.write(tmp_path, "anchors.pem")
        script = (
            "const {X509Certificate}=require('crypto');const pem=require('fs').readFileSync(process.argv[1],'utf8');"
            "const all=pem.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g);"
            "require('tls').createSecureContext({ca:pem});"
            "console.log(all.filter(one=>new X509Certificate(one).ca).length)"
        )
        try:
            assert run("node", "-e", script, str(path)).strip() == "3"
        except FileNotFoundError:
            pytest.skip("node is not installed: nothing was shown about Node")

    def test_go_takes_every_anchor_and_verifies_a_leaf_under_them(self, tmp_path):
        tiers = make.hierarchy()
        (tmp_path / "chain.pem").write_bytes(tiers.leaf.pem + tiers.issuing.pem + tiers.policy.pem)

        said = go.run(
            tmp_path,
            """
            anchors, _ := os.ReadFile(os.Args[1])
            pool, below := x509.NewCertPool(), x509.NewCertPool()
            if !pool.AppendCertsFromPEM(anchors) { log.Fatal("no anchors") }
            chain, _ := os.ReadFile(os.Args[2])
            block, rest := pem.Decode(chain)
            below.AppendCertsFromPEM(rest)
            leaf, err := x509.ParseCertificate(block.Bytes)
            if err != nil { log.Fatal(err) }
            found, err := leaf.Verify(x509.VerifyOptions{
                Roots: pool, Intermediates: below, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
            })
            fmt.Println(len(pool.Subjects()), len(found), err)
            """,
            str(self.write(tmp_path, "anchors.pem")),
            str(tmp_path / "chain.pem"),
        )

        assert said.split() == ["3", "1", "<nil>"]


class TestKubernetes:
    """The schemas that an API server checks objects with, as Kubernetes publishes them; strict: no member is unknown."""

    @pytest.mark.parametrize("extension", ["configmap.json", "clustertrustbundle.json"])
    @pytest.mark.parametrize("version", ["1.33", "1.37"])
    def test_takes_the_object(self, extension, version):
        written = json.loads(formats.BY_EXTENSION[extension].encode(whole()))

        kubernetes_validate.validate(written, version, strict=True)

        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", written["metadata"]["name"])

    @pytest.mark.parametrize("extension", ["configmap.json", "clustertrustbundle.json"])
    def test_keeps_to_the_lengths_of_names_and_labels(self, extension):
        of = replace(whole(), name=f"{'a' * 40}-{'b' * 20}-server")
        metadata = json.loads(formats.BY_EXTENSION[extension].encode(of))["metadata"]

        assert len(metadata["name"]) <= 253
        for value in metadata["labels"].values():
            assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", value), value

    @pytest.mark.parametrize("extension", ["configmap.json", "clustertrustbundle.json"])
    def test_would_refuse_another(self, extension):
        written = json.loads(formats.BY_EXTENSION[extension].encode(whole()))

        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(written | {"certificates": []}, "1.37", strict=True)


class TestTrustManager:
    """The definition of its Bundle, with which an API server checks objects before trust-manager sees them."""

    @pytest.fixture
    def written(self):
        return json.loads(formats.BY_EXTENSION["trust-manager.json"].encode(whole()))

    def test_takes_the_bundle(self, written):
        custom_resources.validate(written, "trust-manager-bundle.json")

        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", written["metadata"]["name"])

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda written: written.update(kind="ClusterBundle"),
            lambda written: written["spec"].update(purpose="clientAuth"),
            lambda written: written["spec"].update(sources=[]),
            lambda written: written["spec"]["sources"][0].update(useDefaultCAs=True),
            lambda written: written["spec"]["sources"][0].update(inLine=""),
            lambda written: written["spec"].update(target={}),
            lambda written: written["spec"]["target"]["configMap"].pop("key"),
        ],
        ids=["other kind", "unknown member", "no source", "two sources", "empty source", "no target", "no key"],
    )
    def test_would_refuse_another(self, written, spoil):
        spoil(written)

        with pytest.raises(jsonschema.ValidationError):
            custom_resources.validate(written, "trust-manager-bundle.json")


class TestAKeyThatJwkHasNoWayToSay:
    def test_leaves_the_spiffe_formats_out_and_makes_the_others(self):
        brainpool = make.root("Brainpool Root", key=ec.generate_private_key(ec.BrainpoolP256R1()))

        made = {each.extension for each in formats.make_all(content(certificate(brainpool, "anchor")))}

        assert made == set(formats.BY_EXTENSION) - {"spiffe.json", "spiffe-map.json"}

    def test_is_unreadable_where_a_format_fails_otherwise(self):
        class Failing:
            extension = "pem"

            def encode(self, _):
                raise ValueError("out of order")

        with pytest.raises(formats.Unreadable, match="cannot be written"):
            formats.make(Failing(), whole())


class TestDetails:
    def test_spiffe_entries_are_what_spire_takes(self):
        document = json.loads(formats.BY_EXTENSION["spiffe.json"].encode(whole()))

        assert document["spiffe_sequence"] == 3
        assert {key["kty"] for key in document["keys"]} == {"EC", "RSA"}
        for key in document["keys"]:
            assert (key["use"], len(key["x5c"]), "kid" in key) == ("x509-svid", 1, False)

    def test_a_config_map_of_other_contents_has_another_name(self):
        form = formats.BY_EXTENSION["configmap.json"]
        names = {
            json.loads(form.encode(each))["metadata"]["name"]
            for each in (whole(), content(*whole().anchors), content())
        }

        assert len(names) == 3
        assert json.loads(form.encode(whole()))["immutable"] is True

    def test_a_config_map_has_another_name_when_an_intermediate_became_an_anchor(self):
        """Its texts may never change under one name: an API server refuses that of an immutable object."""
        form, (first, *others) = formats.BY_EXTENSION["configmap.json"], whole().certificates
        ways = [
            replace(whole(), certificates=(replace(first, role=role), *others)) for role in ("anchor", "intermediate")
        ]
        before, after = (json.loads(form.encode(each)) for each in ways)

        assert before["data"] != after["data"]
        assert before["metadata"]["name"] != after["metadata"]["name"]

    def test_a_trust_bundle_keeps_its_name_while_its_anchors_stay(self):
        form = formats.BY_EXTENSION["clustertrustbundle.json"]
        names = {json.loads(form.encode(each))["metadata"]["name"] for each in (whole(), content(*whole().anchors))}

        assert len(names) == 1

    def test_the_zip_says_where_each_certificate_comes_from(self):
        with zipfile.ZipFile(BytesIO(formats.BY_EXTENSION["der.zip"].encode(whole()))) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            names = archive.namelist()

        assert {each["provenance"]["submission"] for each in manifest["certificates"]} == {7}
        assert sum(name.startswith("anchors/") for name in names) == 3

    def test_the_json_document_loses_nothing_and_every_flat_format_says_what_it_loses(self):
        whole_ones = ("json", "der.zip")
        assert {
            form.extension: form.loses for form in formats.FORMATS if form.extension in whole_ones
        } == dict.fromkeys(whole_ones, ())
        said = json.loads(formats.BY_EXTENSION["json"].encode(whole()))
        assert (said["purpose"], said["constraints"]["trust_domains"]) == ("both", ["alder.example"])
        for form in formats.FORMATS:
            assert form.extension in whole_ones or {"constraints", "purpose"} <= set(form.loses), form.extension
            assert form.extension in whole_ones or form.anchors_only == ("intermediates" in form.loses)

    @pytest.mark.parametrize("extension", ["configmap.json", "clustertrustbundle.json", "trust-manager.json"])
    def test_a_kubernetes_object_itself_says_what_it_loses(self, extension):
        form = formats.BY_EXTENSION[extension]
        said = json.loads(form.encode(whole()))["metadata"]["annotations"]["trust-exchange/loses"]

        assert said.split(",") == list(form.loses)
        assert {"constraints", "purpose"} <= set(form.loses)
