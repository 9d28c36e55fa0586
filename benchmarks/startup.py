"""How long commands take from start to end, as whole processes, with a peer's beside them.

    python benchmarks/startup.py [--peer "trl --help"] [--runs 7]

Prints the median of wall and processor time of each, and the ratio to the peer's. Goals: `--help` under
0.3 s, `validate` of a 1,000-line script under 0.6 s. On a busy machine the processor time tells more.
"""

from __future__ import annotations

import argparse
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IDIOLECT = Path(sys.executable).with_name("idiolect")


def long_script(folder: Path, lines: int = 1_000) -> Path:
    """A correct script of so many lines: parents, and CONTROL rules of every shape."""
    (folder / "a.jsonl").write_text('{"input": "a", "output": "b"}\n' * 20)
    text = ['PROJECT "long"', 'DATASET { train: "a.jsonl" }', 'MODEL { base: "nano" }']
    text += ["TRAIN {", "    epochs: 3", "    batch_size: 4", "}"]
    text += ['EXPORT { format: ["okm"] path: "out/" }', "CONTROL {"]
    for number in range((lines - len(text)) // 5):
        text += [
            f"    EVERY {number + 10} steps {{",
            f"        IF loss > {number}.5 AND epoch >= 2 {{",
            f'            LOG "rule {number}"',
            "        }",
            "    }",
        ]
    path = folder / "long.okt"
    path.write_text("\n".join([*text, "}"]) + "\n")
    return path


def measure(command: list[str], runs: int) -> tuple[float, float]:
    """Median wall and processor seconds of a command."""
    walls, processors = [], []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        walls.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processors.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(walls), statistics.median(processors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", help='a command of a peer, such as "trl --help"')
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        script = long_script(Path(folder))
        count = len(script.read_text().splitlines())
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "idiolect --help": [str(IDIOLECT), "--help"],
            f"idiolect validate ({count} lines)": [str(IDIOLECT), "validate", str(script)],
            f"idiolect plan ({count} lines)": [str(IDIOLECT), "plan", str(script), "--json"],
        }
        if options.peer:
            commands[options.peer] = shlex.split(options.peer)
        found = {name: measure(command, options.runs) for name, command in commands.items()}
    for name, (wall, processor) in found.items():
        print(f"{name:<36} {wall:6.2f} s wall {processor:6.2f} s processor")
    if options.peer:
        ratio = found[options.peer][0] / found["idiolect --help"][0]
        print(f"{options.peer} takes {ratio:.1f} times as long as idiolect --help")


if __name__ == "__main__":
    main()
