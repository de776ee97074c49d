"""How much of a document we are willing to read. Each number carries its reason and source.

Sizes are bytes, durations seconds unless the type says otherwise.
"""

from datetime import timedelta

KIB = 1024
MIB = 1024 * KIB

# --- OpenPGP -----------------------------------------------------------------------------------

# The largest thing whose signature is checked: the archive limit of an exchange package (20 MB unpacked).
SIGNED_BYTES = 20 * MIB

# A signature of an RSA-4096 key is under 1 KiB; notations may blow it up, but never for a good reason.
SIGNATURE_BYTES = 64 * KIB

# More than this many packets is not a signature file but an attempt to keep the verifier busy.
SIGNATURE_PACKETS = 8

# Lines beyond 20,000 columns are cut by gpg 2.2 with only a remark on stderr, and the rest is *not* signed
# (fixed upstream in 2.4.0 by commit 976e9d608). PEM and JSON that people write stay far below 4,096.
CLEARSIGN_LINE_CHARACTERS = 4_096

# Armor lines are at most 76 characters (RFC 9580 section 6.2).
ARMOR_LINE_CHARACTERS = 76
ARMOR_HEADER_CHARACTERS = 200

# Keys with thousands of third-party certifications exist (CVE-2019-13050). They are read, stripped and then
# have to be small: a key with ten subkeys is about 8 KiB.
KEY_BYTES_TAKEN = MIB
KEY_BYTES_KEPT = 64 * KIB
KEY_PACKETS = 10_000

# One compression layer, which `gpg --sign` makes by default. Bounded, since nested layers are a bomb.
DECOMPRESSED_BYTES = SIGNED_BYTES + 128 * KIB

# gpgv takes 5 ms for a usual package. These bounds are for hostile ones.
TOOL_CPU_SECONDS = 10
TOOL_WALL_SECONDS = 20
TOOL_MEMORY_BYTES = 512 * MIB

# Clocks of signers may run ahead by this much; the portal guide allows the same for notices.
CLOCK_SKEW = timedelta(minutes=5)

# Keys should be replaced before people who made them have left. Warned about, not refused.
KEY_LIFETIME_LONGEST = timedelta(days=5 * 366)
KEY_EXPIRY_NEAR = timedelta(days=30)
RSA_BITS_REFUSED_BELOW = 2_048
RSA_BITS_WARNED_BELOW = 3_072
RSA_BITS_LARGEST = 8_192
