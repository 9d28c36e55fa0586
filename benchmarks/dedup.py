"""Near repeats of many scripts, beside datasketch in one run, each in a process of its own.

    python benchmarks/dedup.py [--scripts 200000] [--peer-scripts 20000]

Makes scripts of about 2 kB, of which one in ten is a copy of another with some words changed. Both sides
use 5-token shingles, 128 permutations and the threshold 0.85. The peer may be given fewer scripts; its
time per script is then compared. Prints seconds, peak memory and how many of the copies were found.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice

THRESHOLD, PERMUTATIONS, WIDTH = 0.85, 128, 5
WORDS = [
    f"{a}{b}{c}"
    for a in ("get", "set", "make", "win", "msg")
    for b in ("Box", "Line", "Key")
    for c in range(90)
]


def scripts(count: int) -> Iterator[str]:
    """Scripts of about 2 kB, always the same; every tenth is nearly the one before it."""
    rng = random.Random(1)
    lines: list[str] = []
    for number in range(count):
        if number % 10 == 9:
            lines = list(lines)
            lines[rng.randrange(len(lines))] = _line(rng)
        else:
            lines = [_line(rng) for _ in range(58)]
        yield "\n".join(lines)


def _line(rng: random.Random) -> str:
    return f"{rng.choice(WORDS)} := {rng.choice(WORDS)}({rng.choice(WORDS)}, {rng.randrange(1000)})"


def ours(count: int) -> int:
    """How many near repeats Idiolect finds. The texts are made again when likeness is counted exactly."""
    from idiolect.data.near import candidates, estimates, signatures

    table = signatures(scripts(count))
    pairs = candidates(table, THRESHOLD)
    return len(set(pairs[estimates(table, pairs) >= THRESHOLD][:, 1].tolist()))


def peer(count: int) -> int:
    """The same with datasketch, as its documentation shows it."""
    from datasketch import MinHash, MinHashLSH

    token = re.compile(r"\w+|[^\w\s]+", re.ASCII)
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    found = 0
    for number, text in enumerate(scripts(count)):
        tokens = token.findall(text)
        shingles = {" ".join(tokens[at : at + WIDTH]).encode() for at in range(len(tokens) - WIDTH + 1)}
        sketch = MinHash(num_perm=PERMUTATIONS)
        sketch.update_batch(shingles)
        found += any(sketch.jaccard(index_sketch) >= THRESHOLD for index_sketch in _near(index, sketch))
        index.insert(number, sketch)
        _SKETCHES[number] = sketch
    return found


_SKETCHES: dict[int, object] = {}


def _near(index: object, sketch: object) -> list[object]:
    return [_SKETCHES[number] for number in index.query(sketch)]  # type: ignore[attr-defined]


def making(count: int) -> int:
    """Only the scripts: what both sides pay besides."""
    return sum(1 for _ in scripts(count))


def measured(side: str, count: int) -> dict[str, float]:
    """Seconds, peak memory and findings of one side, in a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--scripts", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scripts", type=int, default=200_000)
    parser.add_argument("--peer-scripts", type=int, default=None, help="default: as many as --scripts")
    parser.add_argument("--side", choices=["ours", "peer", "making"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        begin, before = time.perf_counter(), time.process_time()
        found = {"ours": ours, "peer": peer, "making": making}[options.side](options.scripts)
        seconds, processor = time.perf_counter() - begin, time.process_time() - before
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"found": found, "seconds": seconds, "processor": processor, "peak_mb": peak}))
        return
    counts = {"ours": options.scripts, "peer": options.peer_scripts or options.scripts}
    size = sum(map(len, islice(scripts(100), 100))) / 100
    print(f"scripts of {size:,.0f} bytes; every tenth is nearly the one before it")
    per_script = {}
    for side, count in counts.items():
        result, base = measured(side, count), measured("making", count)
        net = result["processor"] - base["processor"]
        per_script[side] = net / count
        print(
            f"{side:5} {count:>8,} scripts {net:7.1f} s of processor time, {result['peak_mb']:6.0f} MB peak,",
            end=" ",
        )
        print(f"{result['found']:,} of {count // 10:,} copies found")
    print(f"datasketch takes {per_script['peer'] / per_script['ours']:.1f} times as long a script")


if __name__ == "__main__":
    main()
