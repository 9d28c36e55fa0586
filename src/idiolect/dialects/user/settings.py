"""`dialect.toml`: what a dialect folder says of itself, read strictly and with places.

One class is one section. Every fault of the file is reported in one go. It does **not** open the
files that the settings name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from idiolect.dialects.user.problems import BadDialect, Problem, did_you_mean, problem
from idiolect.dialects.user.toml_places import key_places
from idiolect.source import SourceText, Span

FILE = "dialect.toml"

_Share = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class GrammarSettings(_Section):
    """[grammar]: the one grammar, and how it is parsed."""

    file: str = "grammar.lark"
    start: str = "start"
    parser: Literal["auto", "lalr", "earley"] = "auto"  # auto: LALR, else Earley within the time limit
    time_limit_s: Annotated[float, Field(gt=0, le=60)] = 1.0  # a longer parse is "could not judge"
    max_nesting: Annotated[int, Field(ge=1, le=100_000)] = 1_000  # deeper nesting of brackets is a fault


class CommentSettings(_Section):
    """[comments]: what starts a comment, and whether the canonical form keeps it."""

    line: str | None = None  # runs to the end of the line
    keep: bool = False


class CanonicalSettings(_Section):
    """[canonical]: the white space that the canonical form puts between two tokens."""

    space: Literal["single", "needed"] = "single"  # needed: only where two tokens would run together
    no_space_before: tuple[str, ...] = (",", ";", ")", "]")
    no_space_after: tuple[str, ...] = ("(", "[")
    newline_after: tuple[str, ...] = ()
    final_newline: bool = True


class SampleSettings(_Section):
    """[sample]: how long samples get, by level, in steps of the grammar."""

    micro: Annotated[int, Field(ge=1, le=10_000)] = 30
    multi: Annotated[int, Field(ge=1, le=10_000)] = 90
    scenario: Annotated[int, Field(ge=1, le=10_000)] = 240
    tries: Annotated[int, Field(ge=1, le=10_000)] = 60  # walks that do not verify are thrown away


class CatalogSettings(_Section):
    """[catalog]: the names that some rules or terminals must come from."""

    file: str = "catalog.json"
    uses: dict[str, str] = {}  # rule or terminal of the grammar -> what it names in the catalog


class PolicySettings(_Section):
    """[policy]: where the forbidden, deprecated and required words stand."""

    file: str = "policy.toml"


class EmbedSettings(_Section):
    """[embed]: blocks of another dialect inside a terminal of this one."""

    terminal: str
    open: str
    close: str
    dialect: str  # a built-in name, or a folder beside this one


class CommandSettings(_Section):
    """[command]: an outside validator, run without a shell."""

    run: str
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 10.0
    valid_exit_codes: tuple[int, ...] = (0,)
    invalid_exit_codes: tuple[int, ...] | None = None  # given: any other exit code is "could not judge"
    encoding: str = "utf-8"


class SimulatorSettings(_Section):
    """[simulator]: the script that runs texts, and its limits."""

    file: str = "simulator.py"
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 5.0
    memory_mb: Annotated[int, Field(ge=32, le=65_536)] = 512


class CodeSettings(_Section):
    """[code]: a Python class that replaces parts of the dialect."""

    dialect: str  # "file.py:ClassName"; the class extends FolderDialect


class TestSettings(_Section):
    """[test]: the shares that `idiolect dialect test` asks for."""

    examples: _Share = 1.0
    bad_examples: _Share = 1.0
    samples: _Share = 1.0
    mutants: _Share = 1.0
    agreement: _Share = 1.0
    coverage: _Share = 0.0
    runs: _Share = 1.0


class Settings(_Section):
    """A whole dialect.toml."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    description: str = ""
    suffixes: tuple[Annotated[str, Field(pattern=r"^\.\S+$")], ...] = ()
    brackets: tuple[tuple[str, str], ...] = (("(", ")"), ("[", "]"), ("{", "}"))
    grammar: GrammarSettings | None = None
    comments: CommentSettings = CommentSettings()
    canonical: CanonicalSettings = CanonicalSettings()
    sample: SampleSettings = SampleSettings()
    terminals: dict[str, str] = {}  # terminal -> what to call it in messages, as in "a table name"
    describe: dict[str, str] = {}  # rule -> template in words, with {rule} or {TERMINAL} for its parts
    catalog: CatalogSettings | None = None
    policy: PolicySettings | None = None
    embed: EmbedSettings | None = None
    command: CommandSettings | None = None
    simulator: SimulatorSettings | None = None
    code: CodeSettings | None = None
    test: TestSettings = TestSettings()


def read_settings(source: SourceText) -> Settings:
    """The settings in a dialect.toml; BadDialect with every fault of the file."""
    try:
        data = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise BadDialect([_not_toml(source, str(error))]) from error
    except RecursionError as error:
        raise BadDialect([problem(source, "settings.nesting", "values are nested too deep")]) from error
    try:
        # strict mode refuses lists where the model has tuples, which is all that TOML can give
        return Settings.model_validate(_tupled(data))
    except ValidationError as error:
        raise BadDialect(_setting_problems(source, error)) from error


def _tupled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tupled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return tuple(_tupled(inner) for inner in value)
    return value


def _not_toml(source: SourceText, message: str) -> Problem:
    found = re.search(r"\s*\(at line (\d+), column (\d+)\)$", message)
    if found:
        start = source.offset(int(found.group(1)), int(found.group(2)))
        return problem(source, "settings.toml", message[: found.start()], Span(start, start + 1))
    end = len(source.text)
    return problem(source, "settings.toml", message.removesuffix(" (at end of document)"), Span(end, end))


def _setting_problems(source: SourceText, error: ValidationError) -> Iterator[Problem]:
    places = key_places(source.text)
    for item in error.errors():
        path = tuple(str(part) for part in item["loc"])
        span = next((places[path[:n]] for n in range(len(path), 0, -1) if path[:n] in places), None)
        dotted = ".".join(path)
        match item["type"]:
            case "extra_forbidden":
                known = _known_keys(path[:-1])
                yield problem(
                    source,
                    "settings.unknown_key",
                    f'unknown key "{dotted}"',
                    span,
                    did_you_mean(path[-1], known),
                )
            case "missing":
                hint = f'write {path[-1]} = "..." ' + (
                    f"under [{'.'.join(path[:-1])}]" if path[:-1] else "at the top"
                )
                yield problem(
                    source, "settings.missing_key", f'"{dotted}" is missing', span or Span(0, 0), hint
                )
            case _:
                shown = repr(item["input"])[:60]
                message = f"{dotted} = {shown} does not fit: {item['msg'][:1].lower()}{item['msg'][1:]}"
                yield problem(source, "settings.bad_value", message, span)


def _known_keys(path: tuple[str, ...]) -> list[str]:
    """The keys that the section at a path takes."""
    model: Any = Settings
    for part in path:
        field = model.model_fields.get(part)
        if field is None:
            return []
        kinds = getattr(field.annotation, "__args__", (field.annotation,))
        model = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if model is None:
            return []
    return list(model.model_fields)
