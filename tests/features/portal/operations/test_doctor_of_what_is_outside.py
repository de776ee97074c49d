"""What the doctor says of the address, its certificate, and the mail server."""

import socket
import ssl
import threading

import pytest

from portal.operations.doctor import outside
from portal.operations.doctor.rules import State
from tests.features.portal.operations.test_doctor import wrong
from tests.makers.certificates import leaf


class Closing(threading.Thread):
    """A server on a free port that says one line to whoever comes, and goes on."""

    def __init__(self, line: bytes) -> None:
        super().__init__(daemon=True)
        self.line, self.listener = line, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(self.line)


class TestOutside:
    def test_a_portal_on_one_machine_is_well(self, settings, now):
        settings.BASE_URL, settings.HTTPS = "http://127.0.0.1:8000", False
        settings.ALLOWED_HOSTS = ["127.0.0.1"]

        assert outside._address().state is outside._https(now).state is State.WELL

    @pytest.mark.parametrize(
        ("address", "word"),
        [
            ("portal.example", "https://portal.example"),
            ("https://portal.example/exchange", "more than scheme and name"),
            ("https://other.example", "Add other.example to ALLOWED_HOSTS"),
            ("http://portal.example", "HTTPS is on"),
        ],
    )
    def test_an_address_that_cannot_be_right_is_said(self, settings, address, word):
        settings.BASE_URL, settings.ALLOWED_HOSTS, settings.HTTPS = address, ["portal.example"], True

        wrong([outside._address()], "address", word)

    def test_links_that_lead_nowhere_are_a_warning(self, settings):
        settings.BASE_URL, settings.ALLOWED_HOSTS = "https://localhost", ["localhost"]
        settings.HTTPS, settings.EMBEDDED = True, False

        assert outside._address().state is State.WARNING

    @pytest.mark.enable_socket
    def test_a_certificate_that_browsers_refuse_is_said(self, settings, now, tmp_path):
        made = leaf()
        (tmp_path / "both.pem").write_bytes(made.pem + made.key_pem())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "both.pem")
        listener = socket.create_server(("127.0.0.1", 0))

        def answer():
            plain, _ = listener.accept()
            try:
                context.wrap_socket(plain, server_side=True).close()
            except OSError:
                plain.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        settings.BASE_URL, settings.HTTPS = f"https://127.0.0.1:{listener.getsockname()[1]}", True

        found = outside._https(now)
        thread.join(10)
        listener.close()

        wrong([found], "https", "certificate")

    @pytest.mark.enable_socket
    def test_nobody_at_the_address_is_a_warning(self, settings, now):
        settings.BASE_URL, settings.HTTPS = "https://127.0.0.1:1", True

        assert outside._https(now).state is State.WARNING

    @pytest.mark.enable_socket
    def test_a_mail_server_that_is_away_is_said(self, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

        wrong([outside._mail()], "mail", "127.0.0.1:1", "EMAIL_URL")

    @pytest.mark.enable_socket
    def test_a_mail_server_that_does_not_want_us_is_said(self, settings):
        server = Closing(b"554 no\r\n")
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port

        found = outside._mail()
        server.listener.close()

        wrong([found], "mail", "554")

    def test_mail_that_goes_nowhere_is_a_warning(self, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

        assert outside._mail().state is State.WARNING

    def test_debugging_in_production_is_wrong(self, settings):
        settings.EMBEDDED, settings.DEBUG = False, True

        wrong([outside._advice()], "settings", "DEBUG")
