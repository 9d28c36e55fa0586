"""Makes the corpus that the nano base's tokenizer is trained on, and that its pre-training starts from.

    python recipes/nano/make_corpus.py --out build/nano --examples 4000

Each source of sources.py gives so many examples, into a file of its own. The same seed gives the same bytes.
A source whose recipe is not in this version is left out and named.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

from sources import sources

from idiolect.data.jsonl import write_examples
from idiolect.runs.stage import StageError


def make_corpus(out: Path, per_source: int, seed: int, only: list[str]) -> dict[str, int]:
    """Write the corpus; the number of examples of each source."""
    counts: dict[str, int] = {}
    for name, source in sources().items():
        if only and name not in only:
            continue
        try:
            counts[name] = write_examples(
                out / f"{name}.jsonl", source(random.Random(f"{seed} {name}"), per_source)
            )
        except (ModuleNotFoundError, StageError) as error:
            print(f"left out {name}: {error}", file=sys.stderr)
            continue
        print(f"{name}: {counts[name]:,} examples")
    (out / "corpus.json").write_text(json.dumps({"seed": seed, "examples": counts}, indent=2) + "\n", "utf-8")
    return counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--examples", type=int, default=4000, help="of each source")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--only", nargs="*", default=[], help="names of sources")
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    make_corpus(wanted.out, wanted.examples, wanted.seed, wanted.only)
