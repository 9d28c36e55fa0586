"""Many subschemas that must hold at once, as one flat record: what a sampler has to keep.

Follows references and picks a branch wherever a schema offers several. It is not exact (`not` and
some overlaps are only noted), so whatever is made from it is checked afterwards.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from idiolect.dialects.json_ast.resources import OLD, Resources
from idiolect.dialects.json_ast.scalar_samples import Unsatisfiable

Part = Any  # a subschema of the document, as it stands there
MAX_PARTS = 500
TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")


@dataclass(slots=True)
class Conjunction:
    """What subschemas ask for together."""

    types: set[str] | None = None
    values: list[Any] | None = None  # enum and const
    limits: dict[str, Any] = field(default_factory=dict)  # the tightest of each numeric keyword
    multiples: list[Any] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    members: dict[str, list[Part]] = field(default_factory=dict)
    patterned: list[tuple[str, Part]] = field(default_factory=list)
    others: list[Part] = field(default_factory=list)
    required: list[str] = field(default_factory=list)
    needs: dict[str, list[str]] = field(default_factory=dict)  # a key, and the keys that it asks for
    dependent: dict[str, list[Part]] = field(default_factory=dict)
    firsts: list[list[Part]] = field(default_factory=list)
    items: list[Part] = field(default_factory=list)
    contains: list[tuple[Part, int, int | None]] = field(default_factory=list)
    unique: bool = False
    conditions: list[dict[str, Any]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)

    def kinds(self) -> list[str]:
        """The types that a value may have, by what is asked for where none is named."""
        if self.types is not None:
            return [name for name in TYPES if name in self.types]
        if self.members or self.required or self.patterned or self.others:
            return ["object"]
        if self.items or self.firsts or self.contains or self.unique or "minItems" in self.limits:
            return ["array"]
        if self.patterns or self.formats or "minLength" in self.limits or "maxLength" in self.limits:
            return ["string"]
        if self.multiples or any("imum" in keyword for keyword in self.limits):
            return ["number"]
        return ["string", "integer", "boolean"]


LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
Choose = Callable[[Sequence[Part]], Part]


class Gatherer:
    """Gathers subschemas into a conjunction."""

    def __init__(self, resources: Resources, rng: random.Random) -> None:
        self.resources = resources
        self.rng = rng

    def gather(self, parts: Sequence[Part], *, shallow: bool) -> Conjunction:
        """The conjunction of parts; `shallow` prefers branches that end soon."""
        found = Conjunction()
        waiting = list(reversed(parts))
        while waiting:
            part = waiting.pop()
            found.parts.append(part)
            if part is False or len(found.parts) > MAX_PARTS:
                raise Unsatisfiable("a subschema admits nothing")
            if not isinstance(part, dict):
                continue
            waiting.extend(self._referred(part))
            if "$ref" in part and self.resources.draft in OLD:
                continue
            waiting.extend(part.get("allOf", ()))
            for keyword in ("oneOf", "anyOf"):
                if part.get(keyword):
                    waiting.append(self._branch(part[keyword], shallow))
            self._own(part, found)
        if found.types is not None and not found.types:
            raise Unsatisfiable("no type fits")
        return found

    def _referred(self, part: dict[str, Any]) -> list[Part]:
        targets = []
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            if isinstance(part.get(keyword), str):
                target = self.resources.resolve(part[keyword], self.resources.base(part))
                targets.append(True if target is None else target)
        return targets

    def _branch(self, branches: Sequence[Part], shallow: bool) -> Part:
        open_branches = [branch for branch in branches if branch is not False] or list(branches)
        if not shallow:
            return self.rng.choice(open_branches)
        fewest = min(_references(branch) for branch in open_branches)
        return self.rng.choice([branch for branch in open_branches if _references(branch) == fewest])

    def _own(self, part: dict[str, Any], found: Conjunction) -> None:
        self._values(part, found)
        self._limits(part, found)
        self._object(part, found)
        self._array(part, found)
        if "if" in part:
            found.conditions.append(part)

    @staticmethod
    def _values(part: dict[str, Any], found: Conjunction) -> None:
        if "type" in part:
            types = {part["type"]} if isinstance(part["type"], str) else set(part["type"])
            if "number" in types:
                types.add("integer")
            found.types = types if found.types is None else found.types & types
        for allowed in ([part["const"]] if "const" in part else None, part.get("enum")):
            if allowed is not None:
                found.values = [one for one in allowed if found.values is None or one in found.values]
        if isinstance(part.get("pattern"), str):
            found.patterns.append(part["pattern"])
        if isinstance(part.get("format"), str):
            found.formats.append(part["format"])

    @staticmethod
    def _limits(part: dict[str, Any], found: Conjunction) -> None:
        for keywords, pick in ((LEAST, max), (MOST, min)):
            for keyword in keywords:
                limit = part.get(keyword)
                if limit is None or isinstance(limit, bool):
                    continue
                if part.get(f"exclusiveM{keyword[1:]}") is True:  # draft 4
                    keyword = f"exclusiveM{keyword[1:]}"
                found.limits[keyword] = pick(limit, found.limits.get(keyword, limit))
        if "multipleOf" in part:
            found.multiples.append(part["multipleOf"])

    @staticmethod
    def _object(part: dict[str, Any], found: Conjunction) -> None:
        for name, one in part.get("properties", {}).items():
            found.members.setdefault(name, []).append(one)
        found.patterned.extend(part.get("patternProperties", {}).items())
        if "additionalProperties" in part:
            found.others.append(part)
        if isinstance(part.get("required"), list):
            found.required.extend(name for name in part["required"] if name not in found.required)
        for name, wanted in {**part.get("dependentRequired", {}), **part.get("dependencies", {})}.items():
            if isinstance(wanted, list):
                found.needs.setdefault(name, []).extend(wanted)
        for name, wanted in {**part.get("dependentSchemas", {}), **part.get("dependencies", {})}.items():
            if isinstance(wanted, dict | bool):
                found.dependent.setdefault(name, []).append(wanted)

    @staticmethod
    def _array(part: dict[str, Any], found: Conjunction) -> None:
        rest = part.get("items")
        firsts = part.get("prefixItems", [])
        if isinstance(rest, list):
            firsts, rest = rest, part.get("additionalItems")
        for index, one in enumerate(firsts):
            if index >= len(found.firsts):
                found.firsts.append([])
            found.firsts[index].append(one)
        if rest is not None:
            found.items.append(rest)
        if "contains" in part:
            found.contains.append((part["contains"], part.get("minContains", 1), part.get("maxContains")))
        found.unique |= part.get("uniqueItems") is True


def _references(part: Part) -> int:
    """How much a branch leads on to: references in it, a stand-in for the depth that it needs."""
    return repr(part).count("'$ref'") + repr(part).count("Ref'")
