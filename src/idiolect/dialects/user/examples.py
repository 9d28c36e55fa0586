"""The examples of a dialect folder: good ones, their tests, and bad ones with the code they must get.

`examples/NAME.suffix` must verify; `examples/NAME.tests.json` beside it lists tests for the simulator;
`examples/bad/expected.toml` gives the expected code of each file in `examples/bad`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from idiolect.dialects.checking import gather
from idiolect.dialects.conformance import Example
from idiolect.dialects.user.problems import BadDialect, Problem, did_you_mean, problem
from idiolect.source import SourceText

FOLDER = "examples"
EXPECTED = "expected.toml"


def read_examples(folder: Path, suffixes: tuple[str, ...]) -> tuple[list[Example], list[Example]]:
    """Good and bad examples of a dialect folder; BadDialect lists the files that can't be used."""
    problems: list[Problem] = []
    good = list(_texts(folder / FOLDER, suffixes, problems))
    good = [Example(one.name, one.text, tests=_tests(folder / FOLDER / one.name, problems)) for one in good]
    bad = list(_texts(folder / FOLDER / "bad", suffixes, problems))
    codes = _expected_codes(folder / FOLDER / "bad" / EXPECTED, [one.name for one in bad], problems)
    if problems:
        raise BadDialect(problems)
    return good, [Example(f"bad/{one.name}", one.text, codes.get(one.name)) for one in bad]


def _texts(folder: Path, suffixes: tuple[str, ...], problems: list[Problem]) -> Iterator[Example]:
    if not folder.is_dir():
        return
    paths = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name.endswith(suffixes)]
    for path, item in zip(paths, gather(paths, suffixes), strict=True):
        if item.unreadable:
            problems.append(problem(SourceText("", str(path)), "examples.unreadable", item.unreadable))
        else:
            yield Example(path.name, item.text)


def _tests(path: Path, problems: list[Problem]) -> tuple[dict[str, Any], ...]:
    beside = path.with_suffix(".tests.json")
    if not beside.is_file():
        return ()
    try:
        tests = json.loads(beside.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        problems.append(problem(SourceText("", str(beside)), "examples.tests", f"not JSON: {error}"))
        return ()
    shape = isinstance(tests, list) and all(
        isinstance(test, dict)
        and set(test) == {"input", "expected"}
        and isinstance(test["input"], dict)
        and isinstance(test["expected"], dict)
        for test in tests
    )
    if not shape:
        hint = 'write [{"input": {...}, "expected": {...}}, ...]'
        source = SourceText("", str(beside))
        problems.append(problem(source, "examples.tests", "not a list of tests", None, hint))
        return ()
    return tuple(tests)


def _expected_codes(path: Path, names: list[str], problems: list[Problem]) -> dict[str, str]:
    if not path.is_file():
        return {}
    source = SourceText("", str(path))
    try:
        codes = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        problems.append(problem(source, "examples.expected", f"not TOML: {error}"))
        return {}
    for name, code in codes.items():
        if not isinstance(code, str):
            hint = f'write "{name}" = "dialect.parse.some_code", the file\'s name in quotes'
            problems.append(problem(source, "examples.expected", f"{name} has no code", None, hint))
        elif name not in names:
            hint = did_you_mean(name, names)
            problems.append(problem(source, "examples.expected", f'there is no file "{name}"', None, hint))
    return {name: code for name, code in codes.items() if isinstance(code, str)}
