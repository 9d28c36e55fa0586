"""How long the language server thinks: diagnostics, completion and the other answers on a 1,000-line script.

Measures the server's own work in this process, without the pause between the last key and the check, and
without the pipe. Usage: python benchmarks/editor_latency.py [--lines 1000] [--rounds 20]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

from idiolect.okt.lsp import coloring, edits, links, outline
from idiolect.okt.lsp.analysis import Analysis
from idiolect.okt.lsp.completion import complete
from idiolect.okt.lsp.hover import hover

BUDGET_MS = 50  # for diagnostics: what is not felt while typing

_HEAD = """\
# okto_version: "1.2"
PROJECT "latency"
TAGS ["one", "two"]

DATASET {
    mix_datasets: [
        { path: "data/a.jsonl", weight: 70 },  # most of it
        { path: "data/b.jsonl", weight: 30 }
    ]
}

MODEL {
    base: "google/flan-t5-base"
    inherit: "parent0"
}

TRAIN {
    epochs: 3
    batch_size: 8
    optimizer: "adamw"
}
"""
_PARENT = """
# Parent number {number}.
MODEL "parent{number}" {{
    architecture: "t5"
    precision: "fp16"  # halves the memory
    context_window: 1024
    device: "auto"
    ADAPTER {{
        type: "lora"
        path: "adapters/{number}"
        rank: 16
    }}
}}
"""
_RULE = """\
    IF loss > {number}.5 AND epoch >= 2 {{
        LOG "the loss is {number}"
        DECREASE LR BY 0.5
    }}
"""


def script_of(lines: int) -> str:
    """A valid script of about so many lines: half of it models, half of it rules."""
    parts = [_HEAD]
    count = _HEAD.count("\n")
    number = 0
    while count < lines / 2:
        parts.append(_PARENT.format(number=number))
        count += _PARENT.count("\n")
        number += 1
    parts.append("\nCONTROL {\n")
    while count < lines - 3:
        parts.append(_RULE.format(number=number))
        count += _RULE.count("\n")
        number += 1
    return "".join([*parts, "}\n"])


def milliseconds(work: Callable[[Analysis], object], text: str, rounds: int, *, checked: bool) -> list[float]:
    """The times of several rounds, each on a text that was never seen before."""
    times = []
    for round_number in range(rounds + 2):
        analysis = Analysis("file:///nowhere/latency.okt", f"{text}# {round_number}\n", round_number)
        if checked:
            _ = analysis.diagnostics
        start = time.perf_counter()
        work(analysis)
        times.append((time.perf_counter() - start) * 1000)
    return times[2:]  # the first rounds build the definitions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    text = script_of(asked.lines)
    broken = text.replace('optimizer: "adamw"', 'optimzer: "adanw').replace("LOG ", "LOGG ", 20)
    middle = Analysis("file:///nowhere/latency.okt", text).positions.position(
        text.index("context_window", len(text) // 4)
    )
    rows: list[tuple[str, Callable[[Analysis], object], str, bool]] = [
        ("diagnostics", lambda analysis: analysis.diagnostics, text, False),
        ("diagnostics, 22 faults", lambda analysis: analysis.diagnostics, broken, False),
        ("completion", lambda analysis: complete(analysis, middle), text, True),
        ("hover", lambda analysis: hover(analysis, middle), text, True),
        ("outline", outline.symbols, text, True),
        ("folding", outline.folds, text, True),
        ("colours", coloring.semantic_tokens, text, True),
        ("links", links.document_links, text, True),
        ("formatting", edits.layout_edits, text.replace("    ", "  "), True),
        ("fix all", lambda analysis: edits.fix_all(analysis.text), broken, True),
    ]
    print(f"{text.count(chr(10)):,} lines, {len(text):,} characters, {asked.rounds} rounds, milliseconds")
    print(f"{'':24}{'median':>8}{'worst':>8}")
    slow = False
    for name, work, one, checked in rows:
        times = milliseconds(work, one, asked.rounds, checked=checked)
        median = statistics.median(times)
        slow = slow or (name.startswith("diagnostics") and median > BUDGET_MS)
        print(f"{name:24}{median:8.1f}{max(times):8.1f}")
    print(f"diagnostics {'miss' if slow else 'keep'} their budget of {BUDGET_MS} ms")


if __name__ == "__main__":
    main()
