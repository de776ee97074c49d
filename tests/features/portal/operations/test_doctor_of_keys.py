"""What the doctor says of keys, and of the certificates beside them."""

import json
from datetime import timedelta

from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet

from notifications.mail import keys as mail_keys
from portal import sealing
from portal.operations.doctor import keys, rules
from portal.operations.doctor.rules import State
from tests.features.portal.operations.test_doctor import only, wrong
from tests.makers import stores
from tests.makers.certificates import leaf
from trust.stores.tuf.models import TufRepository
from trust.stores.tuf.signing import new_key


class TestKeys:
    def test_that_are_no_keys_are_refused(self, settings):
        settings.FIELD_ENCRYPTION_KEYS = ["tooshort"]

        wrong([keys.usable()], "encryption keys", "scripts/make-secrets")

    def test_open_what_they_sealed(self, cast, now):
        stores.published(cast)

        found = list(keys.check(now))

        assert rules.worst(found) is State.WELL
        assert "1 stores" in only(found, "signing keys").said

    def test_that_were_exchanged_leave_second_factors_closed(self, cast, settings, now):
        assert Authenticator.objects.exists()
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

        wrong(keys.check(now), "sealed texts", "second factors", "FIELD_ENCRYPTION_KEYS")

    def test_may_be_followed_by_newer_ones(self, cast, settings, now):
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEYS]

        assert only(keys.check(now), "sealed texts").state is State.WELL

    def test_that_the_root_does_not_name_are_strangers(self, cast, now):
        version = stores.published(cast)
        stranger = {role: new_key() for role in ("targets", "snapshot", "timestamp")}
        TufRepository.objects.update(sealed_keys=sealing.seal(json.dumps(stranger)))

        wrong(keys.check(now), "signing keys", version.store.name)

    def test_signed_stores_that_end_are_named(self, cast, now):
        stores.published(cast)

        wrong(keys.check(now + timedelta(hours=20)), "signed stores", "timestamp", "trust.stores.sign_again")

    def test_a_client_certificate_belongs_to_its_key_and_has_not_ended(self, settings, tmp_path, now):
        made, other = leaf(), leaf(service="payments")
        for name, text in (("certificate", made.pem), ("key", made.key_pem()), ("other", other.key_pem())):
            (tmp_path / name).write_bytes(text)
        settings.WEBHOOK_CLIENT_CERTIFICATE = str(tmp_path / "certificate")
        settings.WEBHOOK_CLIENT_KEY = str(tmp_path / "key")
        assert keys.client_certificate(now).state is State.WELL

        ended = keys.client_certificate(made.certificate.not_valid_after_utc)
        settings.WEBHOOK_CLIENT_KEY = str(tmp_path / "other")
        mixed_up = keys.client_certificate(now)

        wrong([ended], "client certificate", "ended")
        wrong([mixed_up], "client certificate", "do not belong together")

    def test_a_client_certificate_that_is_not_there_is_said(self, settings, now):
        settings.WEBHOOK_CLIENT_CERTIFICATE = "/nowhere/certificate.pem"

        wrong([keys.client_certificate(now)], "client certificate", "WEBHOOK_CLIENT_KEY")


class TestMailKey:
    def test_that_is_missing_is_a_warning(self, db, now):
        found = only([keys.mail_key(now)], "mail key")

        assert found.state is State.WARNING
        assert "manage.py mail_key" in found.fix

    def test_that_ends_soon_is_a_warning(self, db, now):
        made = mail_keys.make(now=now)

        assert keys.mail_key(now).state is State.WELL
        assert keys.mail_key(made.expires_at - timedelta(days=29)).state is State.WARNING

    def test_that_cannot_be_opened_is_said(self, db, now, settings):
        mail_keys.make(now=now)
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

        wrong(keys.check(now), "sealed texts", "1 mail keys")
