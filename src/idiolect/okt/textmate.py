"""The grammar that editors colour scripts with, made from the block definitions.

`python -m idiolect.okt.textmate FILE` writes it; `--check` only says whether the file is current. It knows
words and not places: what a word means where it stands is told by the language server.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from idiolect.okt.fields import FieldSpec, Kind
from idiolect.okt.language import BLOCK_ALIASES, BLOCKS, walk_blocks
from idiolect.okt.vocab import (
    CONTROL_DIRECTIVES,
    CONTROL_EVENTS,
    CONTROL_STRUCTURES,
    INFERENCE_SIGNALS,
    METRICS,
    MONITOR_METRICS,
    TRAINING_SIGNALS,
)

SCOPE = "source.okt"
_BLOCK_KINDS = {Kind.BLOCK, Kind.FLAGS, Kind.CONDITIONS, Kind.STATEMENTS}
# What may stand between a block's keyword and its brace: a label.
_TO_BRACE = r'(?=\s*:?\s*(?:"[^"\r\n]*")?\s*\{)'
_TO_COLON = r"(?=\s*[:=](?!=))"


def grammar() -> dict[str, Any]:
    """The grammar as the editor's JSON has it."""
    return {
        "information_for_contributors": "Written by python -m idiolect.okt.textmate; change the definitions.",
        "name": "okt",
        "scopeName": SCOPE,
        "patterns": [{"include": f"#{name}"} for name in _rules()],
        "repository": _rules(),
    }


def _rules() -> dict[str, Any]:
    """The rules in the order in which they are tried."""
    return {
        "pragma": {
            "match": r'(#)\s*(okto_?version)\s*[:=]\s*("?[^"\r\n]*"?)\s*$',
            "name": "comment.line.number-sign.pragma.okt",
            "captures": _captures(
                "punctuation.definition.comment", "keyword.other.pragma", "constant.other.version"
            ),
        },
        "comment": {
            "match": r"(#).*$",
            "name": "comment.line.number-sign.okt",
            "captures": _captures("punctuation.definition.comment"),
        },
        "string": _string(),
        "wrong": {
            "match": "[\u201c\u201d\u201e\u00ab\u00bb\u2026]|\\.\\.\\.+",
            "name": "invalid.illegal.okt",
        },
        "single": _words(_forms("scalar"), "keyword.other.single.okt", r'(?=\s*:?\s*["\[])'),
        "block": _words(_forms("block", "words", "statements"), "storage.type.block.okt", _TO_BRACE),
        "event": _words(CONTROL_EVENTS, "entity.name.function.event.okt", r"(?=\s*\{)"),
        "nested": _words(_names(_BLOCK_KINDS), "entity.name.section.okt", _TO_BRACE),
        "field": _words(_names(set(Kind) - _BLOCK_KINDS), "support.type.property-name.okt", _TO_COLON),
        "unknown_field": {"match": rf"[^\W\d]\w*{_TO_COLON}", "name": "variable.other.property.okt"},
        "structure": _words(CONTROL_STRUCTURES, "keyword.control.okt"),
        "directive": _words(CONTROL_DIRECTIVES, "keyword.control.directive.okt"),
        "joiner": _words(("AND", "BY", "WITH", "custom", "steps", "epochs"), "keyword.operator.word.okt"),
        "truth": _words(("true", "false"), "constant.language.okt"),
        "flag": _words(_flags(), "support.constant.okt"),
        "signal": _words(_signals(), "variable.language.okt"),
        "number": {
            "match": r"(?<!\w)([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(%|[A-Za-z]+)?",
            "captures": _captures("constant.numeric", "keyword.other.unit"),
        },
        "operator": {"match": ">=|<=|==|!=|[<>=]", "name": "keyword.operator.okt"},
        "punctuation": {"match": "[{}\\[\\]:,]", "name": "punctuation.okt"},
    }


def _string() -> dict[str, Any]:
    """A string ends with its line at the latest."""
    return {
        "begin": '"',
        "end": r'(")|((?<=[^\r\n])$)',
        "name": "string.quoted.double.okt",
        "beginCaptures": {"0": {"name": "punctuation.definition.string.begin.okt"}},
        "endCaptures": {
            "1": {"name": "punctuation.definition.string.end.okt"},
            "2": {"name": "invalid.illegal.unclosed-string.okt"},
        },
        "patterns": [
            {"match": r'\\[ntr"\\]', "name": "constant.character.escape.okt"},
            {"match": r"\\.", "name": "invalid.deprecated.escape.okt"},
            {"match": r"\{[a-z_]+\}", "name": "constant.other.placeholder.okt"},
        ],
    }


def _captures(*scopes: str) -> dict[str, Any]:
    return {str(number): {"name": f"{scope}.okt"} for number, scope in enumerate(scopes, start=1)}


def _words(words: Iterable[str], scope: str, behind: str = "") -> dict[str, Any]:
    return {"match": rf"\b(?:{'|'.join(sorted(set(words)))})\b{behind}", "name": scope}


def _forms(*forms: str) -> list[str]:
    keywords = [spec.keyword for spec in BLOCKS.values() if spec.form in forms]
    return keywords + [alias for alias, keyword in BLOCK_ALIASES.items() if keyword in keywords]


def _fields() -> list[FieldSpec]:
    return [field for block in walk_blocks() for field in block.fields]


def _names(kinds: set[Kind]) -> list[str]:
    """The names of fields of some kinds."""
    found = [field for field in _fields() if field.kind in kinds and not field.implicit]
    return [name for field in found for name in field.all_names if name not in CONTROL_EVENTS]


def _flags() -> list[str]:
    """Values that are written as bare words."""
    bare = [field for field in _fields() if field.kind is Kind.FLAGS or (field.implicit and field.values)]
    return [value for field in bare for value in field.values if value not in CONTROL_DIRECTIVES]


def _signals() -> list[str]:
    return [*TRAINING_SIGNALS, *INFERENCE_SIGNALS, *METRICS, *MONITOR_METRICS]


def render() -> str:
    """The text of the grammar's file."""
    return json.dumps(grammar(), indent=2) + "\n"


def main(arguments: list[str]) -> int:
    """Write or check the file; 1 where it is not current, 2 for a wrong call."""
    files = [Path(argument) for argument in arguments if not argument.startswith("-")]
    if len(files) != 1 or set(arguments) - {str(files[0]), "--check"}:
        print("usage: python -m idiolect.okt.textmate FILE [--check]", file=sys.stderr)
        return 2
    path = files[0]
    try:
        current = path.is_file() and path.read_text(encoding="utf-8") == render()
        if "--check" in arguments:
            print(f"{path}: {'current' if current else 'not what the definitions say; write it anew'}")
            return 0 if current else 1
        if not current:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(render(), encoding="utf-8", newline="\n")
    except OSError as error:
        print(f"{path}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
