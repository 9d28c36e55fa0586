"""Where real data for tests lies: $IDIOLECT_CORPORA, else a folder corpora beside the checkout."""

import os
from pathlib import Path

BESIDE = Path(__file__).parents[2]
NAMED = os.environ.get("IDIOLECT_CORPORA")
CORPORA = Path(NAMED) if NAMED else next(iter(sorted(BESIDE.glob("*/corpora"))), Path("no-corpora"))
