"""Files that no one writes: huge, deep, binary. All end in diagnostics, and soon."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from idiolect.cli.app import app
from idiolect.okt.check import check_text
from idiolect.okt.diagnostics import render
from idiolect.okt.format import format_text

# Each makes a text of about the given number of characters.
SHAPES: dict[str, Callable[[int], str]] = {
    "open braces": lambda size: "{" * size,
    "closing braces": lambda size: "}" * size,
    "braces with names": lambda size: "a {" * (size // 3),
    "pairs of braces": lambda size: "{}" * (size // 2),
    "open brackets": lambda size: "MODEL { a: " + "[" * size,
    "nested lists": lambda size: "MODEL { a: " + "[" * (size // 2) + "]" * (size // 2) + "}",
    "nested IF": lambda size: "CONTROL {" + "IF loss > 1 {" * (size // 14) + "}" * (size // 14) + "}",
    "one string": lambda size: 'PROJECT "' + "x" * size + '"',
    "one open string": lambda size: 'PROJECT "' + "x" * size,
    "one word": lambda size: "x" * size,
    "one number": lambda size: "MODEL { a: " + "9" * size + "}",
    "quoted digits": lambda size: 'TRAIN { epochs: "' + "1" * size + '!" }',
    "a quoted number with spaces": lambda size: 'TRAIN { epochs: "1' + " " * size + '!" }',
    "escapes": lambda size: 'PROJECT "' + "\\n" * (size // 2) + '"',
    "unknown escapes": lambda size: 'PROJECT "' + "\\q" * (size // 2) + '"',
    "comments": lambda size: "# c\n" * (size // 4),
    "trailing comments": lambda size: "MODEL {" + "a: 1 # c\n" * (size // 9) + "}",
    "a pragma with spaces": lambda size: "# okto_version:" + " " * size + 'x"',
    "pragmas": lambda size: '# okto_version: "1.2"\n' * (size // 22),
    "line feeds": lambda size: "\n" * size,
    "carriage returns": lambda size: "\r" * size,
    "NULs": lambda size: "\0" * size,
    "stray characters": lambda size: "$" * size,
    "commas": lambda size: "MODEL {" + "," * size + "}",
    "quotes": lambda size: '"' * size,
    "curly quotes": lambda size: "“" * size,
    "dots": lambda size: ". " * (size // 2),
    "words": lambda size: "METRICS {" + " loss" * (size // 5) + "}",
    "unknown words": lambda size: "METRICS {" + "".join(f" lozs{n}" for n in range(size // 9)) + "}",
    "unknown fields": lambda size: "MODEL {" + "".join(f"bsae{n}: 1\n" for n in range(size // 12)) + "}",
    "unknown blocks": lambda size: "".join(f"MODLE{n} {{ }}\n" for n in range(size // 14)),
    "inheritance": lambda size: "".join(f'MODEL "{n}" {{ inherit: "{n + 1}" }}\n' for n in range(size // 32)),
    "a long list": lambda size: "TAGS [" + '"a", ' * (size // 5) + '"b"]',
    "a list without commas": lambda size: "TAGS [" + '"a" ' * (size // 4) + "]",
    "objects": lambda size: "DATASET { mix_datasets: [" + '{ path: "a", weight: 1 },' * (size // 25) + "] }",
    "conditions": lambda size: "CONTROL { IF a > 1" + " AND a > 1" * (size // 10) + " { STOP } }",
    "OR": lambda size: "CONTROL { IF a > 1" + " OR a > 1" * (size // 9) + " { STOP } }",
    "events": lambda size: "CONTROL {" + "on_nan { STOP }\n" * (size // 16) + "}",
    "blocks that stay open": lambda size: "MODEL {\n" * (size // 8),
}  # fmt: skip


def seconds(text: str) -> float:
    """The processor's time for checking a text, printing its first faults and laying it out."""
    gc.collect()
    start = time.process_time()
    checked = check_text(text)
    for found in checked.diagnostics[:20]:
        assert render(found, checked.source)
    made = format_text(text)
    assert (made.text is None) == bool(made.errors)
    return time.process_time() - start


@pytest.mark.parametrize("shape", SHAPES)
def test_fifty_kilobytes_of_anything_take_a_second_for_each_job(shape: str) -> None:
    assert seconds(SHAPES[shape](50_000)) < 2


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_megabytes_take_time_in_proportion(shape: str) -> None:
    small, large = seconds(SHAPES[shape](100_000)), seconds(SHAPES[shape](1_000_000))
    # Ten times the text; a square would take a hundred times as long. Below 0.2 s the clock says little.
    assert large < 25 * max(small, 0.2)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "shape", ["one string", "one open string", "comments", "carriage returns", "open braces", "nested IF"]
)
def test_five_megabytes_end_too(shape: str) -> None:
    seconds(SHAPES[shape](5_000_000))


@pytest.mark.parametrize("command", [["validate"], ["fmt"], ["fmt", "--check"], ["fmt", "--diff"], ["plan"]])
def test_commands_refuse_what_is_no_script_in_a_line(command: list[str], tmp_path: Path) -> None:
    contents = {
        "ten megabytes": b"#" * 10_000_000,
        "binary": bytes(range(256)) * 100,
        "NULs": b"\0" * 1000,
        "UTF-16": 'PROJECT "x"'.encode("utf-16"),
        "Latin-1": 'PROJECT "\xe9"'.encode("latin-1"),
        "cut off UTF-8": "PROJECT é".encode()[:-1],
    }
    for name, content in contents.items():
        path = tmp_path / f"{name}.okt"
        path.write_bytes(content)
        result = CliRunner().invoke(app, [*command, str(path)])
        assert result.exit_code == 1, (name, result.output)
        assert isinstance(result.exception, SystemExit | None)
        assert "L014" in result.output
        assert path.read_bytes() == content
