"""The commands for people and pipelines: fingerprints, signing, handing in."""

import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from trustx import certificates, cli, gpgv
from trustx.stops import Exit, Stop

from tests.makers import openpgp
from tests.makers import stores as make


class TestFingerprint:
    def test_is_that_of_each_certificate(self, tmp_path, capsys):
        bundle = tmp_path / "bundle.pem"
        bundle.write_bytes(b"".join(each.pem for each in make.whole()))

        assert cli.main(["fingerprint", str(bundle)]) == Exit.OK
        printed = "".join(capsys.readouterr().out.split()).lower()
        for each in make.whole():
            assert x509.load_der_x509_certificate(each.der).fingerprint(hashes.SHA256()).hex() in printed


class TestSignature:
    def signed(self, content, signature, holder, **more):
        keys = more.pop("keys", holder.public_block())
        return gpgv.signed(content=content, signature=signature, keys=keys, pinned={holder.fingerprint}, **more)

    def test_of_the_pinned_key_counts(self):
        holder = openpgp.make_holder("Alder")

        found = self.signed(b"text", holder.sign_detached(b"text"), holder)

        assert (found.content, found.fingerprint, found.key_expired) == (b"text", holder.fingerprint, False)

    def test_is_of_the_text_inside_and_not_of_what_stands_around_it(self):
        holder = openpgp.make_holder("Alder")
        message = b"-----BEGIN CERTIFICATE-----\nsmuggled\n" + holder.clearsign(b"inside\n")

        assert b"smuggled" not in self.signed(message, None, holder).content

    @pytest.mark.parametrize("what", ["other text", "other key", "revoked", "two", "nonsense", "no key"])
    def test_does_not_count(self, what):
        holder, mallory = openpgp.make_holder("Alder"), openpgp.make_holder("Mallory")
        content, signature, keys = b"text", holder.sign_detached(b"text"), holder.public_block()
        match what:
            case "other text":
                content = b"texts"
            case "other key":
                signature, keys = mallory.sign_detached(b"text"), keys + mallory.public_block()
            case "revoked":
                holder, signature = openpgp.sign_then_revoke(b"text")
                keys = holder.public_block()
            case "two":
                signature = openpgp.signed_by(b"text", holder, mallory)
                keys += mallory.public_block()
            case "nonsense":
                signature = b"nonsense"
            case "no key":
                keys = b""

        with pytest.raises(Stop) as stop:
            self.signed(content, signature, holder, keys=keys)
        assert stop.value.code is Exit.NOT_COVERED


class TestReading:
    def pem(self) -> bytes:
        return b"".join(each.pem for each in make.whole())

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda pem: pem[:-40],
            lambda pem: pem + b"-----BEGIN CERTIFICATE-----\nMII",
            lambda pem: pem + pem,
            lambda pem: pem.replace(b"MII", b"M!I", 1),
            lambda pem: pem + b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            lambda pem: pem + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ],
    )
    def test_refuses_a_store_with_anything_strange(self, spoil):
        assert len(certificates.of_store("pem", self.pem())) == 3

        with pytest.raises(certificates.Unreadable):
            certificates.of_store("pem", spoil(self.pem()))

    @pytest.mark.parametrize("tool", [["zip", "-q", "-r", "-", "in"], ["tar", "-cz", "in"], ["tar", "-c", "in"]])
    def test_finds_what_a_partner_packed(self, tmp_path, tool):
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "cas.pem").write_bytes(self.pem())
        (tmp_path / "in" / "root.cer").write_bytes(make.hierarchy("Other").root.der)
        try:
            packed = subprocess.run(tool, cwd=tmp_path, capture_output=True, check=True).stdout
        except FileNotFoundError:
            pytest.skip(f"{tool[0]} is not installed")

        found = certificates.of_original(packed)

        assert found == {each.der for each in make.whole()} | {make.hierarchy("Other").root.der}


class TestSign:
    def test_makes_a_signature_that_gpgv_takes(self, tmp_path, monkeypatch):
        holder = openpgp.make_holder("Alder")
        monkeypatch.setenv("GNUPGHOME", str(openpgp.home()))
        bundle = tmp_path / "bundle.pem"
        bundle.write_bytes(b"bundle")

        assert cli.main(["sign", str(bundle), "--key", holder.fingerprint]) == Exit.OK
        signature = (tmp_path / "bundle.pem.asc").read_bytes()
        pinned = {holder.fingerprint}
        found = gpgv.signed(content=b"bundle", signature=signature, keys=holder.public_block(), pinned=pinned)
        assert found.fingerprint == holder.fingerprint
