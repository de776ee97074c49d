"""Requests that were made before the portal had one word for the OpenPGP key show that word too.

Only the label of the request is changed, by which people find it. The documents of calls, which are hashed and signed, and the
events of the log keep the word that was read then.
"""

from django.db import migrations

WORDS = {"Signing key": "OpenPGP key", "Next signing key": "Next OpenPGP key"}


def rename(apps, schema_editor):
    requests = apps.get_model("trust", "VerificationRequest").objects.filter(item_kind="openpgp_key")
    for old, new in WORDS.items():
        requests.filter(label=old).update(label=new)


class Migration(migrations.Migration):
    dependencies = [
        ("trust", "0019_notices_name_a_revoked_ca"),
    ]

    operations = [
        migrations.RunPython(rename, migrations.RunPython.noop),
    ]
