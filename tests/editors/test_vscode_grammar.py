"""The colouring grammar: current, and right about words, strings and comments by the editor's own engine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from scripts import tokens_of_script, written

from idiolect.okt.language import BLOCKS, walk_blocks
from idiolect.okt.lexer import TokenKind, tokenize
from idiolect.okt.textmate import grammar, main, render

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "editors" / "vscode"
WRITTEN = EXTENSION / "syntaxes" / "okt.tmLanguage.json"


def colored(*texts: str) -> list[list[list[tuple[str, str]]]]:
    """For each text its lines, each as pieces with their scopes."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    if not (EXTENSION / "node_modules" / "vscode-textmate").is_dir():
        pytest.skip("the extension's node modules are not installed: npm ci in editors/vscode")
    given = json.dumps({"grammar": grammar(), "texts": texts})
    command = [node, str(Path(__file__).with_name("tokenize.js")), str(EXTENSION)]
    done = subprocess.run(command, input=given.encode(), capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    told: list[list[list[tuple[str, str]]]] = json.loads(done.stdout)
    return told


def flat(lines: list[list[tuple[str, str]]]) -> dict[str, str]:
    return {piece: scope for line in lines for piece, scope in line if piece.strip()}


def test_the_written_grammar_is_what_the_definitions_say() -> None:
    assert WRITTEN.read_text(encoding="utf-8") == render()


def test_the_module_writes_checks_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a" / "okt.json"
    assert main([str(path), "--check"]) == 1
    assert main([str(path)]) == 0
    assert main([str(path), "--check"]) == 0
    assert json.loads(path.read_text())["scopeName"] == "source.okt"
    assert main([]) == 2
    assert main([str(path), "--wrong"]) == 2
    assert main([str(tmp_path)]) == 1
    assert "Traceback" not in capsys.readouterr().err
    done = subprocess.run([sys.executable, "-m", "idiolect.okt.textmate"], capture_output=True, check=False)
    assert done.returncode == 2


def test_words_get_their_scopes() -> None:
    (lines,) = colored(
        '# okto_version: "1.2"\nPROJECT "a \\n {input} \\q" # note\nMODEL "m" {\n  base: "x"\n  own: 16GB\n'
        "  ADAPTER { rank: 8 }\n}\nCONTROL {\n  on_nan { STOP }\n"
        "  IF gpu_usage >= 90% AND loss > 2 { SET LR = 0.1 }\n}\n"
        "GUARD { prevent { toxicity } }\nTRAIN { early_stopping: true }"
    )
    found = flat(lines)
    expected = {
        "okto_version": "comment.line.number-sign.pragma.okt keyword.other.pragma.okt",
        "PROJECT": "keyword.other.single.okt",
        "\\n": "string.quoted.double.okt constant.character.escape.okt",
        "{input}": "string.quoted.double.okt constant.other.placeholder.okt",
        "\\q": "string.quoted.double.okt invalid.deprecated.escape.okt",
        " note": "comment.line.number-sign.okt",
        "MODEL": "storage.type.block.okt",
        "base": "support.type.property-name.okt",
        "own": "variable.other.property.okt",
        "16": "constant.numeric.okt",
        "GB": "keyword.other.unit.okt",
        "ADAPTER": "entity.name.section.okt",
        "on_nan": "entity.name.function.event.okt",
        "STOP": "keyword.control.directive.okt",
        "IF": "keyword.control.okt",
        "gpu_usage": "variable.language.okt",
        ">=": "keyword.operator.okt",
        "%": "keyword.other.unit.okt",
        "AND": "keyword.operator.word.okt",
        "SET": "keyword.control.directive.okt",
        "toxicity": "support.constant.okt",
        "true": "constant.language.okt",
    }
    assert {word: found.get(word) for word in expected} == expected


def test_a_string_that_is_not_closed_ends_with_its_line() -> None:
    (lines,) = colored('PROJECT "x\nMODEL { }')
    assert flat(lines)["MODEL"] == "storage.type.block.okt"
    (curly,) = colored("PROJECT “x”")
    assert flat(curly)["“"] == "invalid.illegal.okt"


def test_every_block_and_field_is_coloured_as_what_it_is() -> None:
    named = [
        spec
        for block in walk_blocks()
        if block.form != "scalar"
        for spec in block.fields
        if not spec.implicit
    ]
    lines = [f"{spec.name} : 1" for spec in named]
    blocks = [f"{spec.keyword} {{" for spec in BLOCKS.values() if spec.form != "scalar"]
    told, told_blocks = colored("\n".join(lines), "\n".join(blocks))
    assert len(named) > 200
    assert {line[0][1].split(".")[0] for line in told} <= {"support", "variable"}
    plain = [spec for spec in named if spec.kind not in ("block", "flags", "conditions", "statements")]
    known = {line[0][0] for line in told if line[0][1] == "support.type.property-name.okt"}
    assert {spec.name for spec in plain} <= known
    assert {line[0][1] for line in told_blocks} == {"storage.type.block.okt"}


def test_strings_and_comments_are_those_of_the_lexer() -> None:
    rng = Random(5)
    texts = [
        written(tokens_of_script(rng, blocks=6), rng).replace("\r\n", "\n").replace("\r", "\n")
        for _ in range(15)
    ]
    texts += [path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("examples/**/*.okt"))]
    compared = 0
    for text, lines in zip(texts, colored(*texts), strict=True):
        tokens, comments = tokenize(text)
        strings = "".join(token.text for token in tokens if token.kind is TokenKind.STRING)
        assert _joined(lines, "string.") == strings
        assert _joined(lines, "comment.").replace(" ", "") == "".join(c.text for c in comments).replace(
            " ", ""
        )
        compared += len(strings)
    assert compared > 1000


def _joined(lines: list[list[Any]], scope: str) -> str:
    return "".join(piece for line in lines for piece, scopes in line if scopes.startswith(scope))
