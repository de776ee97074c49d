"""Armor, packets and clearsigned text are read strictly."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.pki import limits
from trust.pki.openpgp import armor, clearsign, inline, packets, signature_packet
from trust.pki.openpgp.errors import NotReadable
from trust.pki.openpgp.packets import Tag

BLOCK = armor.encode(armor.SIGNATURE, b"\xc2\x01x" * 20)


class TestArmor:
    @given(st.binary(min_size=1, max_size=300))
    def test_what_was_written_is_read_back(self, data):
        assert armor.decode(armor.encode(armor.SIGNATURE, data)) == armor.Block(armor.SIGNATURE, data)

    @pytest.mark.parametrize(
        "accepted",
        [
            BLOCK.replace(b"\n", b"\r\n"),
            b"\xef\xbb\xbf" + BLOCK,
            b"\n\n" + BLOCK + b"\n \n",
            BLOCK.replace(b"-----\n\n", b"-----\nVersion: GnuPG v2\nComment: https://gnupg.org\n\n", 1),
            b"\n".join(line for line in BLOCK.split(b"\n") if not line.startswith(b"=")),
            b"\n".join(b"=AAAA" if line.startswith(b"=") else line for line in BLOCK.split(b"\n")),
        ],
        ids=["CR LF", "byte order mark", "blank lines around", "known headers", "no checksum", "wrong checksum"],
    )
    def test_takes_the_forms_that_programs_write(self, accepted):
        assert armor.decode(accepted).data == b"\xc2\x01x" * 20

    @pytest.mark.parametrize(
        "refused",
        [
            b"hello\n" + BLOCK,
            BLOCK + b"hello\n",
            BLOCK + BLOCK,
            BLOCK.replace(b"-----\n\n", b"-----\nX-Evil: 1\n\n", 1),
            BLOCK.replace(b"-----\n\n", b"-----\n", 1),
            BLOCK.replace(b"END PGP SIGNATURE", b"END PGP MESSAGE"),
            BLOCK[:60],
            BLOCK.replace(b"\n\n", b"\n\n!!!\n", 1),
            BLOCK.replace(b"\n\n", b"\n\n\x1b[2J\n", 1),
            b"-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n",
            b"",
            b"\n",
        ],
        ids=[
            "text before", "text after", "two blocks", "unknown header", "no empty line", "other end", "cut off",
            "not base64", "escape", "no contents", "nothing", "blank",
        ],
    )  # fmt: skip
    def test_refuses_everything_else(self, refused):
        with pytest.raises(NotReadable):
            armor.decode(refused)

    @given(st.binary(max_size=400))
    def test_reads_or_refuses_any_bytes(self, data):
        with contextlib.suppress(NotReadable):
            armor.decode_or_binary(data, label=armor.SIGNATURE)


class TestPackets:
    @given(st.lists(st.tuples(st.integers(1, 63), st.binary(max_size=9000)), max_size=4))
    def test_what_was_written_is_walked_back(self, parts):
        data = b"".join(packets.encode(tag, body) for tag, body in parts)

        assert [(packet.tag, packet.body) for packet in packets.walk(data, at_most=8)] == parts

    @pytest.mark.parametrize(
        ("data", "body"),
        [
            (b"\x88\x02ab", b"ab"),
            (b"\x89\x00\x02ab", b"ab"),
            (b"\x8a\x00\x00\x00\x02ab", b"ab"),
            (b"\xc2\x02ab", b"ab"),
            (b"\xc2\xff\x00\x00\x00\x02ab", b"ab"),
        ],
    )
    def test_reads_old_and_new_lengths(self, data, body):
        assert packets.walk(data, at_most=1) == (packets.Packet(Tag.SIGNATURE, body),)

    @pytest.mark.parametrize("data", [b"\xc2\xe1ab\x01c", b"\x8bab"], ids=["partial", "indeterminate"])
    def test_marks_packets_without_a_definite_length(self, data):
        assert not packets.walk(data, at_most=1)[0].definite

    @pytest.mark.parametrize("data", [b"\xc2\x03ab", b"\xc2", b"hello", b"\xc2\x01ahello", b"\x89\x00"])
    def test_refuses_what_is_cut_off_or_no_packet(self, data):
        with pytest.raises(NotReadable):
            packets.walk(data, at_most=8)

    def test_stops_counting_at_its_limit(self):
        with pytest.raises(NotReadable, match="more than 8"):
            packets.walk(b"\xc2\x01a" * 9, at_most=8)

    @given(st.binary(max_size=400))
    def test_reads_or_refuses_any_bytes(self, data):
        for reader in (lambda: packets.walk(data, at_most=8), lambda: signature_packet.read(b"\x04" + data)):
            with contextlib.suppress(NotReadable):
                reader()

    @given(st.binary(max_size=400))
    def test_inline_messages_are_read_or_refused(self, data):
        for prefix in (b"", b"\xc8\xff\x00\x00\x01\x00\x01"):
            with contextlib.suppress(NotReadable):
                inline.read(prefix + data)


class TestClearsign:
    def made(self, text: bytes = b"hello", head: bytes = b"Hash: SHA256\n") -> bytes:
        return b"-----BEGIN PGP SIGNED MESSAGE-----\n" + head + b"\n" + text + b"\n" + BLOCK

    def test_unescapes_dashes_and_drops_blanks_at_line_ends(self):
        read = clearsign.read(self.made(b"a  \n- -----BEGIN X-----\n- From me\n- -\n- \n\nb\t"))

        assert read.text == b"a\n-----BEGIN X-----\nFrom me\n-\n\n\nb"

    @given(st.text(alphabet="ab -\nFrom", max_size=80))
    def test_rebuilding_and_reading_is_the_same_text(self, text):
        clean = b"\n".join(line.rstrip(b" ") for line in text.encode().split(b"\n"))
        built = clearsign.rebuild(clearsign.Clearsigned(clean, b""), digest_name="SHA256", signature=b"\xc2\x01x")

        assert clearsign.read(built).text == clean

    @pytest.mark.parametrize(
        "head",
        [b"Hash: MD5\n", b"Hash: SHA1\n", b"NotDashEscaped: yes\n", b"Comment: x\n", b"Hash: SHA256,SHA1\n", b"x\n"],
    )
    def test_takes_no_header_but_a_strong_hash(self, head):
        with pytest.raises(clearsign.UnsignedContent):
            clearsign.read(self.made(head=head))

    @pytest.mark.parametrize("control", [b"\x00", b"\x0c", b"\x1b", b"\r", b"\x7f", b"\x08"])
    def test_takes_no_control_characters(self, control):
        with pytest.raises(clearsign.UnsignedContent, match="Line 5"):
            clearsign.read(self.made(b"first\nab" + control + b"cd"))

    def test_takes_no_line_that_a_verifier_may_cut_off(self):
        with pytest.raises(NotReadable, match="Line 4 is longer"):
            clearsign.read(self.made(b"x" * (limits.CLEARSIGN_LINE_CHARACTERS + 1)))

    def test_takes_no_unescaped_dash(self):
        with pytest.raises(clearsign.UnsignedContent, match="Line 4 begins with a dash"):
            clearsign.read(self.made(b"-----BEGIN CERTIFICATE-----"))
