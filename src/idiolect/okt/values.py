"""Written values to Python values, by the field's definition; a value that can't be read is told.

What can be used as it stands is used and warned about; only the rest is an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final

from idiolect.okt.diagnostics import Edit, Reporter
from idiolect.okt.fields import FieldSpec, Kind
from idiolect.okt.lexer import encode_string, split_number
from idiolect.okt.syntax import Body, List, Missing, Number, String, Value, Word
from idiolect.okt.vocab import (
    EXPORT_HINTS,
    METRICS,
    MONITOR_METRICS,
    VALUE_ALIASES,
    known_metric,
    metric_name,
)
from idiolect.text_hints import nearest

MAX_TEXT = 10_000  # characters of a string, by the language
MAX_INT = 2**63 - 1


class Bad:
    """Stands for a value that could not be read; its fault is already told."""


BAD: Final = Bad()

_COUNTS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9}
_SIZES = {"KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_DURATIONS = {"s": 1.0, "ms": 0.001, "m": 60.0, "h": 3600.0}
_TRUTH = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_NOUNS = {
    "optimizer": "optimizer",
    "scheduler": "scheduler",
    "format": "format",
    "prevent": "kind of content",
    "action": "reaction",
}
_HOOK = re.compile(r".+\.(py|js|sh)|python:[\w.]+|api:https?://\S+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
# Each character can be read in one way only, or a long text that is no number would take its length squared.
_NUMERIC = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?\s*(%|[A-Za-z]*)")


class ValueReader:
    """Reads the values of one block's fields. `path` names the block in messages."""

    def __init__(self, path: str, reporter: Reporter) -> None:
        self.path = path
        self.reporter = reporter
        self._by_kind: dict[Kind, Callable[[FieldSpec, Value], Any]] = {
            Kind.STRING: self._text,
            Kind.PATH: self._path,
            Kind.MODEL: self._text,
            Kind.TEMPLATE: self._text,
            Kind.HOOK: self._hook,
            Kind.METRIC: self._metric,
            Kind.ENUM: self._enum,
            Kind.BOOL: self._bool,
            Kind.INT: self._int,
            Kind.FLOAT: self._float,
            Kind.COUNT: self._count,
            Kind.SIZE: self._size,
            Kind.DURATION: self._duration,
            Kind.SCALAR: self._scalar,
        }

    def read(self, spec: FieldSpec, value: Value) -> Any:
        """The Python value, or BAD."""
        if isinstance(value, Missing):
            return BAD
        return self._by_kind[spec.kind](spec, value)

    def read_item(self, spec: FieldSpec, value: Value) -> Any:
        """One item of a list."""
        if isinstance(value, Missing):
            return BAD
        assert spec.item is not None
        return self._by_kind[spec.item](spec, value)

    def read_flag(self, spec: FieldSpec, word: Word) -> Any:
        """A bare word out of a closed set."""
        return word.text if word.text in spec.values else self._not_allowed(spec, word, word.text)

    # --- texts

    def _text(self, spec: FieldSpec, value: Value) -> Any:
        text = self._plain_text(spec, value)
        if text is BAD:
            return BAD
        if len(text) > MAX_TEXT:
            return self._bad("L204", value, f'"{spec.name}" is longer than {MAX_TEXT} characters')
        if spec.kind is Kind.STRING and spec.length and not spec.length.hold(len(text)):
            most = spec.length.at_most
            limit = f"at most {most:g} characters" if most and len(text) > most else "not empty"
            return self._bad("V010", value, f'"{spec.name}" has {len(text)} characters; it must be {limit}')
        if spec.open_values:
            return self._open(spec, value, text)
        return text

    def _plain_text(self, spec: FieldSpec, value: Value) -> Any:
        if isinstance(value, String):
            return value.text
        if isinstance(value, (Word, Number)):
            text = value.text if isinstance(value, Word) else value.raw
            self.reporter.warning(
                "L202",
                value.span,
                f'"{spec.name}" is a text and wants quotes; read as "{text}"',
                f'write "{text}"',
                edits=(Edit("Add quotes", value.span, encode_string(text)),),
            )
            return text
        return self._wrong(spec, value, "a quoted text")

    def _open(self, spec: FieldSpec, value: Value, text: str) -> Any:
        if text in spec.values:
            return text
        near = nearest(text, spec.values, cutoff=0.8)
        help = f"usual values: {', '.join(spec.values)}"
        if spec.name == "language" and not _LANGUAGE.fullmatch(text):
            return self._bad("V010", value, f'"{text}" is no language code', help)
        self.reporter.warning(
            "V010",
            value.span,
            f'"{text}" is not among the usual values of "{spec.name}"; it is used as written',
            help,
            edits=self._replacement(near, value),
        )
        return text

    def _path(self, spec: FieldSpec, value: Value) -> Any:
        text = self._text(spec, value)
        if text is BAD:
            return BAD
        if not text.strip():
            return self._bad("V010", value, f'the path of "{spec.name}" is empty')
        if "\0" in text:
            return self._bad("L205", value, "a path can't hold a NUL character")
        odd = next((character for character in text if character < " "), None)
        if odd is not None:
            shown = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}.get(odd, ascii(odd)[1:-1])
            self.reporter.warning(
                "L205",
                value.span,
                f"the path holds a control character: {shown} was read as an escape",
                'write the path with "/" or with doubled backslashes',
            )
        return text

    def _hook(self, spec: FieldSpec, value: Value) -> Any:
        text = self._text(spec, value)
        if text is BAD or _HOOK.fullmatch(text):
            return text
        return self._bad(
            "V010",
            value,
            f'"{text}" is no hook',
            'a hook is a .py, .js or .sh file, "python:module.function" or "api:URL"',
        )

    def _metric(self, spec: FieldSpec, value: Value) -> Any:
        text = value.text if isinstance(value, Word) else self._text(spec, value)
        if text is BAD:
            return BAD
        return self.metric_text(text, value, monitored=self.path == "MONITOR")

    def metric_text(self, text: str, value: Value, *, monitored: bool = False) -> str:
        """A metric's one name; a name that nobody knows passes as a custom one unless it looks misspelt."""
        bare = text.removeprefix("val_").removeprefix("eval_")
        if known_metric(bare) or text in MONITOR_METRICS:
            return text if monitored else metric_name(text)
        near = nearest(text, (*METRICS, *MONITOR_METRICS), cutoff=0.8)
        if near is not None:
            self.reporter.warning(
                "L207",
                value.span,
                f'unknown metric "{text}"; it is taken for a custom one',
                f'did you mean "{near}"?',
                edits=self._replacement(near, value),
            )
        return text

    def _enum(self, spec: FieldSpec, value: Value) -> Any:
        aliases = VALUE_ALIASES.get(f"{self.path}.{spec.name}", {})
        if isinstance(value, Word) and value.text in ("true", "false") and (value.text == "true") in aliases:
            return aliases[value.text == "true"]
        text = value.text if isinstance(value, Word) else self._plain_text(spec, value)
        if text is BAD:
            return BAD
        if text in aliases:
            self.reporter.info("L316", value.span, f'"{text}" is read as "{aliases[text]}"')
            return aliases[text]
        if text in spec.values:
            if isinstance(value, Word):
                self._plain_text(spec, value)
            return text
        return self._not_allowed(spec, value, text)

    def _not_allowed(self, spec: FieldSpec, value: Value, text: str) -> Any:
        near = nearest(text, spec.values)
        noun = _NOUNS.get(spec.name, f'value of "{spec.name}"')
        block = self.path.rpartition(".")[2]
        listed = f"{block} takes {', '.join(spec.values)}"
        hint = EXPORT_HINTS.get(text) if spec.code == "V008" else None
        if hint:
            help = f"{hint}; {listed}"
        else:
            help = f'write "{near}"; {listed}' if near else listed
        code = spec.code if spec.code in ("V002", "V003", "V008", "V020", "V021") else "V010"
        return self._bad(code, value, f'unknown {noun} "{text}"', help, self._replacement(near, value))

    # --- numbers and truth

    def _bool(self, spec: FieldSpec, value: Value) -> Any:
        if isinstance(value, Word) and value.text in ("true", "false"):
            return value.text == "true"
        written = value.text if isinstance(value, (Word, String)) else getattr(value, "raw", "")
        truth = _TRUTH.get(written.strip().lower())
        if truth is None:
            return self._bad(
                "V018", value, f'"{spec.name}" is true or false', "write true or false, with no quotes"
            )
        right = "true" if truth else "false"
        self.reporter.warning(
            "V018",
            value.span,
            f'"{spec.name}" is read as {right}; a truth value is the bare word true or false',
            f"write {right}",
            edits=(Edit(f"Write {right}", value.span, right),),
        )
        return truth

    def _number(self, spec: FieldSpec, value: Value, what: str) -> tuple[int | float, str] | Bad:
        """The number and its unit; a quoted number is used and warned about where units are not customary."""
        if isinstance(value, Number):
            return value.number, value.unit
        if isinstance(value, String) and _NUMERIC.fullmatch(value.text.strip()):
            number, unit = split_number("".join(value.text.split()))
            if spec.kind not in (Kind.COUNT, Kind.SIZE, Kind.DURATION):
                bare = value.text.strip()
                self.reporter.warning(
                    "L202",
                    value.span,
                    f'"{spec.name}" is a number and wants no quotes',
                    f"write {bare}",
                    edits=(Edit("Remove the quotes", value.span, bare),),
                )
            return number, unit
        self._wrong(spec, value, what)
        return BAD

    def _plain_number(self, spec: FieldSpec, value: Value, what: str) -> int | float | Bad:
        found = self._number(spec, value, what)
        if isinstance(found, Bad):
            return BAD
        number, unit = found
        if unit:
            self._bad("L206", value, f'"{spec.name}" takes {what} without a unit, not "{unit}"')
            return BAD
        if not math.isfinite(number) or abs(number) > MAX_INT:
            self._bad("V010", value, f'the number of "{spec.name}" is too large')
            return BAD
        return number

    def _int(self, spec: FieldSpec, value: Value) -> Any:
        number = self._plain_number(spec, value, "a whole number")
        if isinstance(number, Bad):
            return BAD
        if number != int(number):
            return self._bad("V010", value, f'"{spec.name}" is a whole number, not {number:g}')
        return self._in_bounds(spec, value, int(number))

    def _float(self, spec: FieldSpec, value: Value) -> Any:
        number = self._plain_number(spec, value, "a number")
        return BAD if isinstance(number, Bad) else self._in_bounds(spec, value, float(number))

    def _in_bounds(self, spec: FieldSpec, value: Value, number: float) -> Any:
        if spec.bounds.hold(number):
            return number
        code = "V017" if spec.code == "V017" and number > (spec.bounds.at_most or 0) else "V010"
        shown = getattr(value, "raw", number)
        return self._bad(
            code,
            value,
            f'"{spec.name}" is out of range: {shown}',
            f"{self.path}.{spec.name} takes {spec.bounds}",
        )

    def _count(self, spec: FieldSpec, value: Value) -> Any:
        return self._with_unit(spec, value, _COUNTS, "a count such as 120M", int)

    def _size(self, spec: FieldSpec, value: Value) -> Any:
        size = self._with_unit(spec, value, _SIZES, 'a size such as "16GB"', int)
        if isinstance(value, Number) and size is not BAD:
            self.reporter.info(
                "L202",
                value.span,
                f'"{spec.name}" is customarily quoted',
                f'write "{value.raw}"',
                edits=(Edit("Add quotes", value.span, f'"{value.raw}"'),),
            )
        if size is not BAD and spec.open_values:
            usual = [split_number(text)[0] * 1024**3 for text in spec.values]
            if size not in usual:
                self.reporter.warning(
                    "V010",
                    value.span,
                    f'this size is not among the usual values of "{spec.name}"; it is used as written',
                    f"usual values: {', '.join(spec.values)}",
                )
        return size

    def _duration(self, spec: FieldSpec, value: Value) -> Any:
        seconds = self._with_unit(spec, value, {**_DURATIONS, "": 1.0}, "a duration such as 2s", float)
        if seconds is BAD or spec.bounds.hold(seconds):
            return seconds
        if seconds > 0:  # usable as written, only slower or faster than asked for
            self.reporter.warning(
                "V010",
                value.span,
                f'"{spec.name}" is below its limit',
                f"{self.path}.{spec.name} takes {spec.bounds} s",
            )
            return seconds
        return self._in_bounds(spec, value, seconds)

    def _with_unit(
        self, spec: FieldSpec, value: Value, units: dict[str, Any], what: str, make: Callable[[float], Any]
    ) -> Any:
        found = self._number(spec, value, what)
        if isinstance(found, Bad):
            return BAD
        number, unit = found
        factor = units.get(unit)
        if factor is None:
            factor = {name.lower(): by for name, by in units.items()}.get(unit.lower())
            listed = ", ".join(name for name in units if name)
            if factor is None:
                said = f'unknown unit "{unit}"' if unit else f'"{spec.name}" wants a unit'
                return self._bad("L206", value, said, f"units: {listed}; write {what}")
            self.reporter.warning(
                "L206", value.span, f'the unit "{unit}" is read without regard to case', f"units: {listed}"
            )
        result = number * factor
        if not math.isfinite(result) or abs(result) > MAX_INT:
            return self._bad("V010", value, f'the number of "{spec.name}" is too large')
        if spec.kind is not Kind.DURATION and not spec.bounds.hold(result):
            return self._in_bounds(spec, value, result)
        if result < 0:
            return self._bad("V010", value, f'"{spec.name}" is negative')
        return make(result)

    def _scalar(self, spec: FieldSpec, value: Value) -> Any:
        if isinstance(value, Number) and not value.unit:
            return value.number
        if isinstance(value, String):
            return value.text
        if isinstance(value, Word):
            return {"true": True, "false": False}.get(value.text, value.text)
        return self._wrong(spec, value, "a number, a text, true or false")

    # --- faults

    def _bad(
        self, code: str, value: Value, message: str, help: str | None = None, edits: tuple[Edit, ...] = ()
    ) -> Bad:
        self.reporter.error(code, value.span, message, help, edits=edits)
        return BAD

    def _wrong(self, spec: FieldSpec, value: Value, wanted: str) -> Bad:
        found = {List: "a list", Body: "a block", String: "a text", Number: "a number", Word: "a word"}[
            type(value)
        ]
        example = f"for example {spec.example}" if spec.example else None
        return self._bad("L201", value, f'"{spec.name}" wants {wanted}, not {found}', example)

    def _replacement(self, near: str | None, value: Value) -> tuple[Edit, ...]:
        if near is None:
            return ()
        text = near if isinstance(value, Word) else f'"{near}"'
        return (Edit(f'Write "{near}"', value.span, text),)
