"""The signature, judged by the libraries that receivers use, and by Ed25519 itself where they have none."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
import standardwebhooks
import svix.webhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from notifications.webhooks import signing

BODY = '{"type":"notice.received","data":{"summary":"Hälden ✓"}}'


def moment() -> datetime:
    return datetime.now(UTC)


def verify_v1a(public: str, headers: dict, body: str) -> None:
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    for each in headers["webhook-signature"].split(" "):
        version, _, signature = each.partition(",")
        if version == "v1a":
            try:
                return key.verify(base64.b64decode(signature), content)
            except InvalidSignature:
                continue
    raise InvalidSignature


class TestHmac:
    @pytest.mark.parametrize("library", [standardwebhooks.Webhook, svix.webhooks.Webhook], ids=["standard", "svix"])
    def test_is_accepted_by_the_receivers_library(self, library):
        key = signing.new_hmac()

        headers = signing.headers("msg_1", moment(), BODY, [key])

        library(key.secret).verify(BODY.encode(), headers)

    def test_is_accepted_whatever_zone_the_clock_was_read_in(self):
        key = signing.new_hmac()
        local = moment().astimezone(timezone(timedelta(hours=9)))

        headers = signing.headers("msg_1", local, BODY, [key])

        standardwebhooks.Webhook(key.secret).verify(BODY, headers)

    @pytest.mark.parametrize("which", ["old", "new"])
    def test_is_accepted_with_either_key_during_a_rotation(self, which):
        keys = {"old": signing.new_hmac(), "new": signing.new_hmac()}

        headers = signing.headers("msg_1", moment(), BODY, keys.values())

        standardwebhooks.Webhook(keys[which].secret).verify(BODY, headers)

    def test_is_refused_for_another_body(self):
        key = signing.new_hmac()
        headers = signing.headers("msg_1", moment(), BODY, [key])

        with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError):
            standardwebhooks.Webhook(key.secret).verify(BODY + " ", headers)

    def test_uses_32_random_bytes(self):
        secret = signing.new_hmac().secret

        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32


class TestEd25519:
    def test_is_accepted_with_the_published_key(self):
        key = signing.new_ed25519()

        verify_v1a(key.public, signing.headers("msg_1", moment(), BODY, [key]), BODY)

    def test_is_refused_with_the_key_of_another_endpoint(self):
        headers = signing.headers("msg_1", moment(), BODY, [signing.new_ed25519()])

        with pytest.raises(InvalidSignature):
            verify_v1a(signing.new_ed25519().public, headers, BODY)

    def test_stands_beside_hmac_when_an_endpoint_changes_over(self):
        old, new = signing.new_hmac(), signing.new_ed25519()

        headers = signing.headers("msg_1", moment(), BODY, [new, old])

        verify_v1a(new.public, headers, BODY)
        standardwebhooks.Webhook(old.secret).verify(BODY, headers)

    def test_never_shows_its_secret(self):
        key = signing.new_ed25519()

        assert key.secret not in repr(key)


@pytest.mark.parametrize("message_id", ["", "a.b"])
def test_an_id_that_would_make_the_content_ambiguous_is_refused(message_id):
    with pytest.raises(ValueError, match="dot"):
        signing.headers(message_id, moment(), BODY, [signing.new_hmac()])
