"""Writes a value in the one way that a schema's grammar takes, or says where it does not fit.

Walks the same shapes that the grammar was made of, so what it writes is in the grammar's language.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from idiolect.grammar.json_schema.emit import key_order
from idiolect.grammar.json_schema.normalize import Normalizer
from idiolect.grammar.json_schema.resolve import pointer_step
from idiolect.grammar.json_schema.shapes import Array, Number, Object, Plain, Shape, Spec, String, spec_for
from idiolect.grammar.json_schema.values import (
    DEEPEST_VALUE,
    exact,
    is_number,
    key_of,
    write_number,
    write_string,
)


class Writer:
    """Writes values of one schema."""

    def __init__(self, normalizer: Normalizer) -> None:
        self.normalizer = normalizer

    def write(self, root: Spec, value: Any) -> str:
        """The value's text; ValueError with a pointer where it does not fit the schema."""
        attempt = _Attempt(self.normalizer)
        written = attempt.text(root, value, "", 0)
        if written is None:
            raise ValueError(f"the value does not fit the schema at {attempt.deepest or '/'}")
        return written


class _Attempt:
    def __init__(self, normalizer: Normalizer) -> None:
        self.normalizer = normalizer
        self.known: dict[tuple[Spec, int], str | None] = {}
        self.deepest = ""

    def text(self, spec: Spec, value: Any, path: str, depth: int) -> str | None:
        if depth > DEEPEST_VALUE:
            raise ValueError(f"the value is nested deeper than {DEEPEST_VALUE}, at {path[:60]}...")
        key = (spec, id(value))
        if key not in self.known:
            shapes = self.normalizer.shapes(spec)
            found = None
            for shape in shapes:
                found = self._by_shape(shape, shapes, value, path, depth)
                if found is not None:
                    break
            self.known[key] = found
        if self.known[key] is None and path.count("/") >= self.deepest.count("/"):
            self.deepest = path
        return self.known[key]

    def _by_shape(
        self, shape: Shape, shapes: tuple[Shape, ...], value: Any, path: str, depth: int
    ) -> str | None:
        match shape:
            case Plain(texts) if value is None or isinstance(value, bool):
                text = key_of(value)
                return text if text in texts else None
            case Number(numbers) if is_number(value):
                number: Fraction = exact(value)
                return write_number(number) if numbers.holds(number) else None
            case String(strings) if isinstance(value, str):
                return write_string(value) if strings.holds(value) else None
            case Array() if isinstance(value, list | tuple):
                return self._array(shape, list(value), path, depth)
            case Object() if isinstance(value, dict):
                return self._object(shape, key_order(shapes), value, path, depth)
            case _:
                return None

    def _array(self, shape: Array, value: list[Any], path: str, depth: int) -> str | None:
        if len(value) < shape.low or (shape.high is not None and len(value) > shape.high):
            return None
        unique = shape.unique is not None and not self.normalizer.skips(shape.unique, "uniqueItems")
        if unique and len({key_of(one) for one in value}) < len(value):
            return None
        for wanted, _ in shape.contains:
            hits = sum(self.text(wanted.spec, one, path, depth + 1) is not None for one in value)
            if hits < wanted.least or (wanted.most is not None and hits > wanted.most):
                return None
        written = []
        for number, item in enumerate(value):
            text = self.text(shape.item(number), item, path + pointer_step(number), depth + 1)
            if text is None:
                return None
            written.append(text)
        return f"[{','.join(written)}]"

    def _object(
        self, shape: Object, order: dict[str, int], value: dict[str, Any], path: str, depth: int
    ) -> str | None:
        if len(value) < shape.low or (shape.high is not None and len(value) > shape.high):
            return None
        if any(slot.required and name not in value for name, slot in shape.named.items()):
            return None
        written = []
        # Names of this alternative in schema order; the others behind them, as the grammar has it.
        for name in sorted(value, key=lambda one: order[one] if one in shape.named else len(order)):
            text = self.text(spec_for(shape, name), value[name], path + pointer_step(name), depth + 1)
            if text is None:
                return None
            written.append(f"{write_string(name)}:{text}")
        return "{" + ",".join(written) + "}"
