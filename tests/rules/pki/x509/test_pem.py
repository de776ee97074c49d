"""Reading PEM: every block that begins is read or refused (RFC 7468)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.makers import certificates as make
from trust.pki.pem import decode_base64, read_pem

BLOCK = make.pem("CERTIFICATE", b"0123456789" * 10)
OTHER = make.pem("X509 CRL", b"abc")


def codes(content: bytes) -> list[str]:
    return [finding.code for finding in read_pem(content).findings]


class TestReadPem:
    def test_reads_each_block_with_its_label_number_and_line(self):
        reading = read_pem(BLOCK + OTHER)

        assert [(one.label, one.der, one.number, one.line) for one in reading.blocks] == [
            ("CERTIFICATE", b"0123456789" * 10, 1, 1),
            ("X509 CRL", b"abc", 2, 6),
        ]
        assert reading.findings == ()

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"\xef\xbb\xbf" + BLOCK, id="byte order mark"),
            pytest.param(BLOCK.replace(b"\n", b"\r\n"), id="CR LF"),
            pytest.param(BLOCK.rstrip(), id="no last line end"),
            pytest.param(BLOCK.replace(b"\n", b" \n"), id="blanks at line ends"),
            pytest.param(make.pem("CERTIFICATE", b"0123456789" * 10).replace(b"\n", b"\r"), id="lone CR"),
        ],
    )
    def test_takes_what_ordinary_tools_write(self, content):
        reading = read_pem(content)

        assert [one.der for one in reading.blocks] == [b"0123456789" * 10]
        assert reading.findings == ()

    def test_takes_text_around_blocks_and_says_so(self):
        reading = read_pem(b"Subject: CN=Some other name\n" + BLOCK + b"\xff\xfe trailing words\n")

        assert len(reading.blocks) == 1
        assert [one.code for one in reading.findings] == ["pem_text_around"]

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            pytest.param(BLOCK + b"-----BEGIN CERTIFICATE-----\nAAAA\n", "pem_boundary", id="no END"),
            pytest.param(b"-----END CERTIFICATE-----\n" + BLOCK, "pem_boundary", id="END without BEGIN"),
            pytest.param(BLOCK.replace(b"END CERT", b"END XCERT"), "pem_boundary", id="labels differ"),
            pytest.param(b" " + BLOCK, "pem_boundary", id="indented BEGIN"),
            pytest.param(b"> -----BEGIN CERTIFICATE-----\n" + BLOCK, "pem_boundary", id="quoted BEGIN"),
            pytest.param(BLOCK.replace(b"-----\n", b"----\n", 1), "pem_boundary", id="four dashes"),
            pytest.param(BLOCK.replace(b"CERTIFICATE", b"certificate", 1), "pem_boundary", id="lower case"),
            pytest.param(b"-----BEGIN CERTIFICATE-----\n" + BLOCK, "pem_boundary", id="BEGIN in a block"),
            pytest.param(BLOCK.replace(b"-----\n", b"-----\nProc-Type: 4\n", 1), "pem_header", id="header"),
            pytest.param(BLOCK.replace(b"MDEy", b"M*Ey"), "pem_base64", id="not base64"),
            pytest.param(make.pem("CERTIFICATE", b""), "pem_base64", id="empty"),
            pytest.param(BLOCK.replace(b"MDEy", b"MDE=", 1), "pem_base64", id="padding inside"),
            pytest.param(make.pem("CERTIFICATE", b"a").replace(b"YQ==", b"YR=="), "pem_base64", id="spare bits"),
        ],
    )
    def test_refuses_what_readers_disagree_on(self, content, code):
        assert code in codes(content)

    def test_names_the_broken_block_among_good_ones(self):
        broken = BLOCK.replace(b"MDEy", b"M*Ey")

        reading = read_pem(BLOCK + BLOCK + broken + BLOCK)

        assert reading.findings[0].sentence.startswith("Block 3 (line 11)")

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=300))
    def test_never_raises_and_never_loses_a_block(self, noise):
        reading = read_pem(BLOCK + noise + BLOCK)

        begins = (BLOCK + noise + BLOCK).count(b"-----BEGIN")
        assert len(reading.blocks) == begins or reading.findings


class TestDecodeBase64:
    @given(st.binary(min_size=1, max_size=100))
    def test_accepts_exactly_one_spelling(self, data):
        import base64

        assert decode_base64(base64.b64encode(data).decode()) == data
