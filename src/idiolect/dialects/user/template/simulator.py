"""Runs a scene: how bright each lamp is in the end, and how long it took.

The program calls run(text, inputs) with a text that the grammar has accepted.
"""

import re
from typing import Any

MAX_STEPS = 100_000
TOKEN = re.compile(r"#[^\n]*|[a-z_]+|\d+%|\d+s|\d+|[{};]")


def run(text: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs: {"levels": {lamp: percent}} at the start. Outputs: {"levels": ..., "seconds": ...}."""
    tokens = [token for token in TOKEN.findall(text) if not token.startswith("#")]
    levels = dict(inputs.get("levels", {}))
    seconds = steps = at = 0
    loops = []  # (where the body starts, rounds left), innermost last
    while at < len(tokens):
        steps += 1
        if steps > MAX_STEPS:
            raise ValueError(f"more than {MAX_STEPS} steps")
        word = tokens[at]
        if word == "scene":
            loops.append((at + 3, 0))
            at += 3
        elif word == "repeat":
            loops.append((at + 3, int(tokens[at + 1]) - 1))
            at += 3
        elif word == "}":
            body, rounds = loops.pop()
            if rounds > 0:
                loops.append((body, rounds - 1))
                at = body
            else:
                at += 1
        elif word == "wait":
            seconds += int(tokens[at + 1].rstrip("s"))
            at += 3
        else:
            levels[tokens[at + 1]] = int(tokens[at + 2].rstrip("%"))
            if word == "fade":
                seconds += int(tokens[at + 4].rstrip("s"))
            at += 4 if word == "set" else 6
    return {"levels": levels, "seconds": seconds}
