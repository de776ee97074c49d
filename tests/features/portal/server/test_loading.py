"""What a process of the server has loaded when it begins to serve."""

import json
import os
import subprocess
import sys

from tests.makers.running import ROOT

ASKED = """
import gc, json, sys
from django.conf import settings
import portal.asgi
loaded = settings.ROOT_URLCONF in sys.modules
print(json.dumps({"pages": loaded, "frozen": gc.get_freeze_count(), "left": len(gc.get_objects())}))
"""


def test_every_view_is_there_and_garbage_is_not_looked_for_among_what_stays(tmp_path):
    environment = os.environ | {"EXCHANGE_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "portal.settings"}
    done = subprocess.run(
        [sys.executable, "-c", ASKED], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )

    found = json.loads(done.stdout)
    assert found["pages"]
    assert found["frozen"] > 100 * found["left"]
