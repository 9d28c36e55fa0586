"""What a broken keyword is called, said in words, and how to mend it.

One function makes the finding of each keyword. It does not decide whether a keyword is broken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from idiolect.dialects.json_ast.document import Node, pointer, show, type_name
from idiolect.dialects.json_ast.outcome import MAX_FAULTS, Finding
from idiolect.dialects.json_ast.repairs import (
    add_member,
    drop_item,
    last_day,
    mended_date,
    near_name,
    near_value,
    rename,
    replace_value,
    retyped,
    written,
)
from idiolect.dialects.verdict import Fault, Fix, Level

# Keywords that one value answers by itself, in the order in which they are reported.
LEAVES = (
    *("type", "const", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType"),
    *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
    *("required", "dependentRequired"),
)

FORMAT_EXAMPLES = {
    "date": "2024-02-29",
    "time": "13:45:00Z",
    "date-time": "2024-02-29T13:45:00Z",
    "duration": "P3DT4H",
    "email": "ada@example.org",
    "idn-email": "ada@example.org",
    "hostname": "db1.example.org",
    "idn-hostname": "db1.example.org",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
    "uri": "https://example.org/a",
    "uri-reference": "/a/b",
    "iri": "https://example.org/a",
    "iri-reference": "/a/b",
    "uri-template": "/a/{id}",
    "json-pointer": "/a/0",
    "relative-json-pointer": "1/a",
    "regex": "^[a-z]+$",
}


def subject(node: Node) -> str:
    """How a message names a value."""
    name = pointer(node.path) or "the value"
    return name if len(name) <= 60 else "..." + name[-57:]


def listed(values: Sequence[Any], limit: int = 12) -> str:
    """Values as a list in a message, cut where it is long."""
    shown = ", ".join(show(value, 40) for value in values[:limit])
    return shown + (f" and {len(values) - limit} more" if len(values) > limit else "")


def worded(
    code: str,
    message: str,
    node: Node,
    hint: str | None = None,
    fix: Fix | None = None,
    *,
    on_key: bool = False,
) -> Fault:
    """A fault about a value, or about the key that names it."""
    span = node.name_span if on_key else node.span
    return Fault(f"json.schema.{code}", message, span, hint, Level.VALID, fix=fix)


def leaf_finding(keyword: str, schema: Mapping[str, Any], node: Node) -> Finding:
    """What is wrong where one keyword alone is broken."""
    wanted = schema[keyword]
    if keyword in ("required", "dependentRequired"):
        missing = _missing(keyword, wanted, node)
        return Finding(
            node,
            keyword,
            lambda: [required_fault(schema, node, name, since) for name, since in missing],
            weight=len(missing),
        )
    if keyword == "uniqueItems":
        return Finding(node, keyword, lambda: _repeated(node))
    if keyword == "type":
        types = [wanted] if isinstance(wanted, str) else wanted
        return Finding(node, keyword, lambda: [type_fault(node, types)], types)
    if keyword in ("const", "enum"):
        allowed = [wanted] if keyword == "const" else wanted
        return Finding(node, keyword, lambda: [enum_fault(node, allowed, keyword)], allowed)
    if keyword == "format":
        return Finding(node, keyword, lambda: [_format(wanted, node)])
    return Finding(node, keyword, lambda: [_limit(keyword, schema, node)])


def always_wrong(node: Node) -> Fault:
    """The fault of the schema `false`."""
    return worded("false", f"{subject(node)} may not stand here", node, "leave it out")


def reference_fault(node: Node, reference: str) -> Fault:
    """A value that breaks a schema which can't be looked into."""
    return worded("ref", f"{subject(node)} does not match {reference}", node)


def type_fault(node: Node, types: Sequence[str]) -> Fault:
    article = {"array": "an array", "object": "an object", "integer": "an integer", "null": "null"}
    names = " or ".join(article.get(name, f"a {name}") for name in types)
    found = type_name(node.value)
    is_a = article.get(found, f"a {found}")
    mended = retyped(node.value, types)
    hint = f"write {names}" if mended is None else f"write {show(mended)}"
    if mended is None and "array" in types and found not in ("object", "null"):
        hint = f"write [{show(node.value)}]"
    fix = None if mended is None else replace_value(node, mended)
    shown = "" if isinstance(node.value, dict | list) or node.value is None else f" ({show(node.value)})"
    return worded("type", f"{subject(node)} is {is_a}{shown}, not {names}", node, hint, fix)


def enum_fault(node: Node, allowed: Sequence[Any], code: str = "enum") -> Fault:
    unique = list({written(value): value for value in allowed}.values())
    near = near_value(node.value, unique)
    if near is None and len(unique) == 1:
        near = unique[0]
    expected = f"not {show(unique[0])}" if len(unique) == 1 else f"not one of {listed(unique)}"
    message = f"{subject(node)} is {show(node.value)}, {expected}"
    if near is None:
        return worded(code, message, node, f"write one of {listed(unique)}")
    hint = f"write {show(near)}" if len(unique) == 1 else f"did you mean {show(near)}?"
    return worded(code, message, node, hint, replace_value(node, near))


def _format(name: str, node: Node) -> Fault:
    example = FORMAT_EXAMPLES.get(name)
    message = f"{subject(node)} is {show(node.value)}, which is no {name}"
    if name == "date" and (mended := mended_date(node.value)):
        return worded("format", message, node, f'write "{mended}"', replace_value(node, mended))
    if name == "date" and (last := last_day(node.value)):
        return worded("format", message, node, f"that month ends on {last}")
    return worded("format", message, node, f"write it like {show(example)}" if example else None)


LIMITS: dict[str, tuple[str, str]] = {
    "minimum": ("is {value}, less than {limit}", "write {limit} or more"),
    "maximum": ("is {value}, more than {limit}", "write {limit} or less"),
    "exclusiveMinimum": ("is {value}, not more than {limit}", "write more than {limit}"),
    "exclusiveMaximum": ("is {value}, not less than {limit}", "write less than {limit}"),
    "multipleOf": ("is {value}, not a multiple of {limit}", "write a multiple of {limit}"),
    "minLength": ("has {length} characters, fewer than {limit}", "write {limit} characters or more"),
    "maxLength": ("has {length} characters, more than {limit}", "write {limit} characters or fewer"),
    "pattern": ("is {value}, which does not match {limit}", "write text that matches {limit}"),
    "minItems": ("has {length} items, fewer than {limit}", "write {limit} items or more"),
    "maxItems": ("has {length} items, more than {limit}", "write {limit} items or fewer"),
    "minProperties": ("has {length} keys, fewer than {limit}", "write {limit} keys or more"),
    "maxProperties": ("has {length} keys, more than {limit}", "write {limit} keys or fewer"),
    "contentEncoding": ("is not encoded as {limit}", "encode it as {limit}"),
    "contentMediaType": ("does not hold {limit}", "write {limit} in it"),
}


def _limit(keyword: str, schema: Mapping[str, Any], node: Node) -> Fault:
    limit = schema[keyword]
    flag = "exclusiveM" + keyword[1:]
    if keyword in ("minimum", "maximum") and schema.get(flag) is True and node.value == limit:
        keyword = flag
    says, cure = LIMITS[keyword]
    length = len(node.value) if isinstance(node.value, str | list | dict) else 0
    words = {"value": show(node.value), "limit": show(limit), "length": str(length)}
    return worded(keyword, f"{subject(node)} {_filled(says, words)}", node, _filled(cure, words))


def _filled(template: str, words: Mapping[str, str]) -> str:
    pieces = template.split("{")
    return pieces[0] + "".join(
        words[name] + rest for name, _, rest in (one.partition("}") for one in pieces[1:])
    )


def _missing(keyword: str, wanted: Any, node: Node) -> list[tuple[str, str | None]]:
    """The missing keys, each with the key that asks for it."""
    if keyword == "required":
        return [(name, None) for name in wanted if name not in node.value]
    return [
        (name, present)
        for present, names in wanted.items()
        if present in node.value
        for name in names
        if name not in node.value
    ]


def required_fault(schema: Mapping[str, Any], node: Node, name: str, since: str | None = None) -> Fault:
    """A key that must stand and does not."""
    known = schema.get("properties", {})
    because = f", which {show(since)} asks for" if since else ""
    message = f"{subject(node)} lacks the key {show(name)}{because}"
    code = "dependentRequired" if since else "required"
    near = near_name(name, [key for key in node.value if key not in known])
    if near is not None and node.members is not None:
        hint = f"rename {show(near)} to {show(name)}"
        return worded(code, message, node, hint, rename(node.members[near], name))
    only = _only_value(known.get(name))
    if only:
        hint = f"add {show(name)}: {show(only[0])}"
        return worded(code, message, node, hint, add_member(node, name, only[0]))
    return worded(code, message, node, f"add {show(name)}: ...")


def _only_value(part: Any) -> tuple[Any, ...]:
    if not isinstance(part, Mapping):
        return ()
    if "const" in part:
        return (part["const"],)
    allowed = part.get("enum", ())
    return tuple(allowed) if len(allowed) == 1 else ()


def _repeated(node: Node) -> list[Fault]:
    """The second of two equal items; true and 1 are not equal."""
    first: dict[str, int] = {}
    found: list[Fault] = []
    for index, item in enumerate(node.items or ()):
        if len(found) >= MAX_FAULTS:
            break
        image = _image(item.value)
        if image in first:
            message = f"{subject(item)} is {show(item.value)}, which item {first[image]} is already"
            found.append(worded("uniqueItems", message, item, "delete it", drop_item(node, index)))
        else:
            first[image] = index
    return found


def _image(value: Any) -> str:
    from idiolect.dialects.json_ast.equality import image_of_value

    return image_of_value(value)


def unknown_fault(
    child: Node, name: str, node: Node, known: Mapping[str, Any], code: str = "additionalProperties"
) -> Fault:
    """A key that may not stand here."""
    free = [key for key, part in known.items() if part is not False and key not in node.value]
    near = near_name(name, free)
    message = f"{subject(node)} may not have the key {show(name)}"
    if near is not None:
        return worded(code, message, child, f"did you mean {show(near)}?", rename(child, near), on_key=True)
    hint = f"leave it out, or write one of {listed(free)}" if free else "leave it out"
    return worded(code, message, child, hint, on_key=True)


def name_fault(child: Node, name: str, key: Node, inner: Finding) -> Fault:
    """A key whose name breaks `propertyNames`."""
    fault = inner.say()[0]
    why = fault.message.removeprefix(subject(key))
    message = f"the key {show(name)}{why}" if why.startswith(" ") else f"the key {show(name)} is not allowed"
    return worded("propertyNames", message, child, fault.hint, on_key=True)


def forbidden_item(child: Node, index: int, node: Node, limit: int, keyword: str) -> Fault:
    message = f"{subject(node)} may hold {limit} items here; item {index} is one too many"
    return worded(keyword, message, child, "leave it out", drop_item(node, index) if index else None)


def contains_fault(node: Node, part: Any, count: int, wanted: str, keyword: str) -> Fault:
    message = f"{subject(node)} has {count} items like {show(part)}, not {wanted}"
    return worded(keyword, message, node, f"write {wanted} of them")


def several_fault(node: Node, names: str, count: int) -> Fault:
    """A value that fits more than one branch of oneOf."""
    message = f"{subject(node)} matches {count} forms at once: {names}"
    return worded("oneOf.several", message, node, "write it so that only one fits")


def excluded_fault(excluded: Any, node: Node) -> Fault:
    """A value that fits what `not` excludes."""
    message, hint = excluded_words(excluded, node)
    return worded("not", message, node, hint)


def condition_words(condition: Any, node: Node, holds: bool) -> str:
    """An `if` schema in words, where it only looks at members: the values found there."""
    if not isinstance(condition, Mapping) or not isinstance(condition.get("properties"), Mapping):
        return ""
    said = [
        f"{show(name)} is {show(node.value[name])}"
        for name in condition["properties"]
        if isinstance(node.value, dict) and name in node.value
    ]
    absent = [
        name for name in condition["properties"] if not isinstance(node.value, dict) or name not in node.value
    ]
    if not holds or not said:
        said += [f"{show(name)} is absent" for name in absent]
    return " and ".join(said)


def _excluded_keys(excluded: Any, node: Node) -> list[str]:
    """The keys that `not` excludes together, or the first of several such exclusions that holds here."""
    if not isinstance(excluded, Mapping) or len(excluded) != 1:
        return []
    for part in excluded.get("anyOf", [excluded]):
        keys = part.get("required", ()) if isinstance(part, Mapping) and len(part) == 1 else ()
        if keys and all(key in node.value for key in keys):
            return list(keys)
    return []


def excluded_words(excluded: Any, node: Node) -> tuple[str, str]:
    """What `not` excludes, in words, and what to do."""
    keys = _excluded_keys(excluded, node)
    if keys:
        names = listed(keys)
        if len(keys) == 1:
            return f"{subject(node)} may not have the key {names}", "leave it out"
        return f"{subject(node)} may not have the keys {names} together", "leave one of them out"
    if isinstance(excluded, Mapping) and set(excluded) <= {"const", "enum"} and excluded:
        return f"{subject(node)} may not be {show(node.value)}", "write another value"
    words = condition_words(excluded, node, True)
    because = f" while {words}" if words else ""
    return f"{subject(node)} has an excluded form{because}", f"write what does not match {show(excluded)}"
