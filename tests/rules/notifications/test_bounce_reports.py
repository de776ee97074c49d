"""Reading delivery status notifications (RFC 3464): the forms that mail servers send, and what is none."""

import pytest

from notifications.mail import reports
from tests.makers.bounces import dsn


def test_a_failure_says_what_the_server_answered():
    report = reports.read(dsn(status="5.1.1", diagnostic="smtp; 550 5.1.1 <ana@birch.example>: user unknown"))

    assert (report.failed, report.permanent, report.status) == (True, True, "5.1.1")
    assert report.said == "550 5.1.1 <ana@birch.example>: user unknown"


def test_a_delay_is_no_failure():
    assert not reports.read(dsn(action="delayed", status="4.4.1")).failed


def test_of_several_recipients_the_worst_counts():
    content = dsn(action="delivered", status="2.0.0", more=[("failed", "5.2.1")])

    assert reports.read(content).status == "5.2.1"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Subject: Out of office\r\n\r\nI am away. Status: 5.1.1\r\nAction: failed\r\n",
        b"\xff\xfe\x00" * 1000,
        dsn().replace(b"report-type=delivery-status", b"report-type=disposition-notification"),
        dsn().replace(b"Action: failed", b"Action: nonsense"),
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n" + b"--x\r\n\r\n" * 5000,
        b"Content-Type: multipart/report; report-type*0*=utf-8''%ff; boundary=x\r\n\r\n--x--",
        b"A" * (reports.MAX_BYTES + 1),
    ],
)
def test_anything_else_is_no_report(content):
    with pytest.raises(reports.NotAReport):
        reports.read(content)


def test_what_it_says_stays_short_and_on_one_line():
    report = reports.read(dsn(diagnostic="smtp; 550 \x1b[31m" + "no " * 1000))

    assert len(report.said) <= reports.MAX_SAID
    assert report.said.isprintable()
