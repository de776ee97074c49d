"""Bundles that are encrypted to the portal's intake key: what is inside counts, and nothing dangerous opens."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from tests.makers import certificates as make
from tests.makers.openpgp import gpg, make_holder
from tests.makers.submissions import hierarchy, request_about, signer, submit
from trust.pki.openpgp import armor, envelope, packets
from trust.submissions import envelopes, services
from trust.submissions.models import IntakeKey, Submission

pytestmark = [pytest.mark.django_db, pytest.mark.real_clock]


def clock() -> datetime:
    """The real time: the intake key is made now, and nobody encrypts to a key of the future."""
    return datetime.now(UTC)


PAGE = "/p/alder-birch/submissions/"


@pytest.fixture
def intake(settings, tmp_path):
    """The portal's intake key, published, as a file for gpg."""
    settings.ENCRYPTED_INTAKE = True
    key = envelopes.new_key(now=clock() - timedelta(minutes=1))
    path = tmp_path / "intake-key.asc"
    path.write_text(key.public_block)
    return str(path)


@pytest.fixture
def alder(cast):
    """Whoever holds Alder's key, which Birch has verified."""
    return signer(cast)


def encrypt(content: bytes, recipient: str, *options: str) -> bytes:
    return gpg("--encrypt", "--recipient-file", recipient, *options, data=content, at=clock())


def sign_and_encrypt(content: bytes, holder, recipient: str, *options: str) -> bytes:
    """As ``gpg --sign --encrypt`` makes it, in one step."""
    return gpg(
        "--sign",
        "--encrypt",
        "--local-user",
        holder.fingerprint,
        "--recipient-file",
        recipient,
        *options,
        data=content,
        at=clock(),
    )


def send(cast, content: bytes, **fields) -> Submission:
    return submit(
        cast, content, signature=fields.pop("signature", None), file_name="bundle.pem.gpg", now=clock(), **fields
    )


def refused(made: Submission) -> str:
    """Say why it was refused, after a look that nothing of it was kept."""
    assert made.state == "refused"
    assert bytes(made.content) == b""
    assert made.content_sha256 == ""
    return made.findings.get().sentence


class TestAnEncryptedBundle:
    @pytest.mark.parametrize("options", [(), ("--armor",), ("--compress-algo", "none")])
    def test_is_taken_for_what_is_inside(self, cast, alder, intake, options):
        made = send(cast, sign_and_encrypt(hierarchy().bundle, alder, intake, *options))

        assert (made.state, made.was_encrypted) == ("waiting_for_call", True)
        assert made.signer_fingerprint == alder.fingerprint
        assert made.places.count() == 3

    def test_is_kept_as_the_signed_file_that_was_inside(self, cast, alder, intake):
        made = send(cast, sign_and_encrypt(hierarchy().bundle, alder, intake))

        inside = gpg("--decrypt", data=bytes(made.content))
        assert inside == hierarchy().bundle

    def test_is_judged_again_when_it_is_approved(self, cast, alder, intake):
        from tests.makers import calls

        made = send(cast, sign_and_encrypt(hierarchy().bundle, alder, intake))
        calls.recorded(cast, request_about(cast, hierarchy().root.sha256))

        services.accept(submission=made, actor=cast.birch.officer.actor, now=clock(), reason="All is as it should be.")

        made.refresh_from_db()
        assert made.state == "accepted"

    def test_can_be_tried_out(self, cast, alder, intake):
        checked = services.check_bundle(
            partnership=cast.partnership,
            file_name="bundle.gpg",
            content=sign_and_encrypt(hierarchy().bundle, alder, intake),
            signature=None,
            actor=cast.alder.officer.actor,
            now=clock(),
        )

        assert not checked.refused
        assert not Submission.objects.exists()

    def test_opens_with_the_key_before_for_a_while_after_a_new_one(self, cast, alder, intake):
        content = sign_and_encrypt(hierarchy().bundle, alder, intake)
        envelopes.new_key(now=clock())
        assert send(cast, content).state == "waiting_for_call"

        IntakeKey.objects.exclude(retired_at=None).update(retired_at=clock() - envelopes.OPENS_AFTER_RETIREMENT)
        later = sign_and_encrypt(hierarchy("Other").bundle, alder, intake)
        assert "not encrypted to the portal's intake key" in refused(send(cast, later))


class TestIsRefused:
    def test_while_the_operator_has_it_off(self, cast, alder, intake, settings):
        settings.ENCRYPTED_INTAKE = False

        made = send(cast, sign_and_encrypt(hierarchy().bundle, alder, intake))

        assert refused(made) == "The file is encrypted, and this portal takes no encrypted files."

    def test_with_a_detached_signature_beside_it(self, cast, alder, intake):
        content = sign_and_encrypt(hierarchy().bundle, alder, intake)

        made = send(cast, content, signature=alder.sign_detached(content))

        assert "a detached signature came with it" in refused(made)

    def test_without_a_signature_inside(self, cast, alder, intake):
        made = send(cast, encrypt(hierarchy().bundle, intake))

        assert made.state == "refused"
        assert made.refusal_code.startswith("signature_")

    def test_when_somebody_else_signed_it(self, cast, alder, intake):
        made = send(cast, sign_and_encrypt(hierarchy().bundle, make_holder("Mallory"), intake))

        assert (made.state, made.refusal_code) == ("refused", "signature_unknown_key")

    def test_when_it_is_for_another_recipient(self, cast, alder, intake):
        other = make_holder("Somebody", algorithm="rsa3072", usage="encr")
        path = intake.replace("intake-key", "other")
        with open(path, "wb") as file:
            file.write(other.public_block())

        made = send(cast, sign_and_encrypt(hierarchy().bundle, alder, path))

        assert "not encrypted to the portal's intake key" in refused(made)

    @pytest.mark.parametrize("options", [(), ("--recipient-file",)])
    def test_with_a_passphrase_alone_or_besides(self, cast, alder, intake, options):
        recipients = ("--encrypt", *options, intake) if options else ()

        content = gpg("--symmetric", *recipients, "--passphrase", "secret", data=hierarchy().bundle, at=clock())

        assert "it is encrypted with a passphrase" in refused(send(cast, content))

    def test_when_one_byte_was_changed_on_the_way(self, cast, alder, intake):
        content = bytearray(sign_and_encrypt(hierarchy().bundle, alder, intake))
        content[-100] ^= 1

        assert "it was changed on the way" in refused(send(cast, bytes(content)))

    def test_without_the_integrity_check(self, cast, alder, intake):
        found = packets.walk(sign_and_encrypt(hierarchy().bundle, alder, intake), at_most=10)
        without = [packets.encode(9 if each.tag == 18 else each.tag, each.body) for each in found]

        assert "without the integrity check" in refused(send(cast, b"".join(without)))

    def test_with_something_beside_the_message(self, cast, alder, intake):
        content = sign_and_encrypt(hierarchy().bundle, alder, intake)

        assert "something beside" in refused(send(cast, content + packets.encode(11, b"b\x00\x00\x00\x00\x00more")))

    def test_when_it_is_encrypted_to_a_crowd(self, cast, alder, intake):
        first, *rest = packets.walk(sign_and_encrypt(hierarchy().bundle, alder, intake), at_most=10)
        crowd = packets.encode(first.tag, first.body) * 200

        made = send(cast, crowd + b"".join(packets.encode(each.tag, each.body) for each in rest))

        assert "more than 18 packets" in refused(made)

    def test_when_it_is_encrypted_twice(self, cast, alder, intake):
        once = sign_and_encrypt(hierarchy().bundle, alder, intake)
        twice = gpg("--encrypt", "--recipient-file", intake, "--compress-algo", "none", data=once, at=clock())

        made = send(cast, twice)

        # gpg wraps what it encrypts into a literal packet, so that the inner file is content without a signature.
        assert made.state == "refused"
        assert made.refusal_code.startswith("signature_")

    def test_when_what_comes_out_is_encrypted_again(self, cast, alder, intake, monkeypatch):
        content = sign_and_encrypt(hierarchy().bundle, alder, intake)
        # No program makes one message directly inside another; an attacker's does.
        monkeypatch.setattr(envelope, "_unwrapped", lambda *arguments: content)

        assert "it is encrypted more than once" in refused(send(cast, content))

    def test_with_a_bomb_inside(self, cast, alder, intake, settings):
        bomb = sign_and_encrypt(b"\x00" * 64 * 1024 * 1024, alder, intake, "--compress-algo", "zlib", "-z", "9")
        assert len(bomb) < settings.UPLOAD_MAX_BYTES

        made = send(cast, bomb)

        assert made.state == "refused"
        assert bytes(made.content) == b""

    def test_with_a_private_key_inside_and_keeps_nothing_of_it(self, cast, alder, intake):
        secret = make.root("Careless Root")

        made = send(cast, sign_and_encrypt(hierarchy().bundle + secret.key_pem(), alder, intake))

        assert made.refusal_code == "private_key"
        assert bytes(made.content) == b""


class TestTheIntakeKey:
    def test_is_published_while_it_is_on(self, client, intake, settings):
        answer = client.get("/docs/intake-key.asc")
        assert answer.content == IntakeKey.objects.get().public_block.encode()
        assert b"PRIVATE" not in answer.content

        settings.ENCRYPTED_INTAKE = False
        assert client.get("/docs/intake-key.asc").status_code == 404

    def test_is_offered_on_the_page_for_submitting(self, cast, intake, settings):
        def page() -> str:
            return cast.alder.verifier.client().get(f"{PAGE}new/").content.decode()

        assert "--recipient-file intake-key.asc" in page()
        settings.ENCRYPTED_INTAKE = False
        assert "intake-key.asc" not in page()

    def test_is_sealed_at_rest(self, intake):
        sealed = IntakeKey.objects.get().private_sealed

        assert "PRIVATE KEY" not in sealed
        assert armor.PRIVATE_KEY in envelopes._secret_keys(clock())[0].decode()

    def test_is_made_and_shown_by_a_command(self, capsys):
        with pytest.raises(CommandError, match="There is no intake key"):
            call_command("intake_key", "show")

        call_command("intake_key", "new")
        call_command("intake_key", "new")

        assert IntakeKey.objects.filter(retired_at=None).count() == 1
        assert "ENCRYPTED_INTAKE is off" in capsys.readouterr().out

    def test_leaves_no_agent_and_no_file_behind(self, cast, alder, intake):
        import subprocess
        from pathlib import Path

        send(cast, sign_and_encrypt(hierarchy().bundle, alder, intake))

        running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert not [line for line in running.splitlines() if "gpg-agent" in line and "/iv-" in line]
        assert not [*Path("/dev/shm").glob("iv-*"), *Path("/tmp").glob("iv-*")]
