from __future__ import annotations

import pickle
import random
import shutil
import sys
from pathlib import Path

import pytest

from idiolect.dialects.user.starter import make_folder
from idiolect.okt.check import check_file
from idiolect.plan.resolve import resolve
from idiolect.runs.dialect_of import allow_code_of, dialect_of, dialect_source
from idiolect.runs.stage import StageError

INVERTER = "MODULE N(INPUT A, OUTPUT Y) {\n    Y = ~A;\n}\n"
BUFFER = "MODULE N(INPUT A, OUTPUT Y) {\n    Y = A;\n}\n"
# Only modules of one input and one output, whose output is the input's inverse.
INVERTERS_ONLY = """
start: "MODULE" NAME "(" "INPUT" "A" "," "OUTPUT" "Y" ")" "{" "Y" "=" "~" "A" ";" "}"
NAME: /N[A-Z]*/
%ignore /[ \\n]+/
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "okt.yaml").write_text("project: lamps\n")
    return folder


def plan_with(root: Path, *fields: str):
    script = root / "train.okt"
    script.write_text('PROJECT "lamps"\nDIALECT {\n' + "".join(f"    {field}\n" for field in fields) + "}\n")
    return resolve(check_file(script), root=root)


def test_a_built_in_dialect_comes_with_the_context_that_the_block_names(root):
    (root / "schema.json").write_text('{"type": "object", "required": ["a"]}')
    dialect, context = dialect_of(plan_with(root, 'name: "json_ast"', 'schema: "schema.json"'), root)
    assert context.schema == {"type": "object", "required": ["a"]}
    assert dialect.verify('{"a":1}', context).ok
    assert not dialect.verify("{}", context).ok


def test_paths_are_found_beside_the_script_too(root):
    (root / "scripts").mkdir()
    (root / "scripts" / "schema.json").write_text('{"type": "object"}')
    script = root / "scripts" / "train.okt"
    script.write_text('PROJECT "lamps"\nDIALECT { name: "json_ast" schema: "schema.json" }\n')
    plan = resolve(check_file(script), root=root)
    assert dialect_of(plan, root)[1].schema == {"type": "object"}


def test_a_grammar_replaces_that_of_a_dialect_folder(root):
    make_folder("mine", root / "mine")
    own, _ = dialect_of(plan_with(root, 'name: "mine"'), root)
    (root / "other.lark").write_text('start: "lamp" ("on" | "off")\n%ignore " "\n')
    (root / "mine" / "dialect.toml").write_text('name = "mine"\n')
    dialect, context = dialect_of(plan_with(root, 'name: "mine"', 'grammar: "other.lark"'), root)
    try:
        assert dialect.verify("lamp on", context).ok
        assert not dialect.verify("lamp", context).ok
        assert not own.verify("lamp on").ok
        assert dialect.sample(random.Random(1), context).text.startswith("lamp")
    finally:
        dialect.close()
        own.close()


def test_a_grammar_narrows_a_built_in_dialect(root):
    (root / "inverters.lark").write_text(INVERTERS_ONLY)
    plan = plan_with(root, 'name: "gates"', 'grammar: "inverters.lark"')
    dialect, context = dialect_of(plan, root)
    assert dialect.verify(INVERTER, context).ok
    refused = dialect.verify(BUFFER, context)
    assert [fault.code for fault in refused.faults] == ["gates.grammar.refused"]
    assert refused.parsed
    assert dialect.verify("MODULE", context).faults[0].code != "gates.grammar.refused"
    made = dialect.sample(random.Random(3), context)
    assert dialect.verify(made.text, context).ok
    mutant = dialect.mutate(INVERTER, random.Random(1), context)
    assert mutant is not None
    assert not dialect.verify(mutant.text, context).ok


def test_an_embedded_dialect_judges_the_blocks_of_its_host(root):
    dialect, context = dialect_of(plan_with(root, 'name: "tcl"', 'embed: "gates"'), root)
    assert dialect.verify(f"set a 1\ndsl {{\n{INVERTER}}}\n", context).ok
    wrong = dialect.verify("dsl {\nMODULE N(INPUT A, OUTPUT Y) { Y = ~B; }\n}\n", context)
    assert wrong.faults
    assert all(fault.code.startswith("tcl.dsl.") for fault in wrong.faults)


def test_a_dialect_without_blocks_takes_none(root):
    with pytest.raises(StageError, match="ahk2 has no blocks of another language"):
        dialect_of(plan_with(root, 'name: "ahk2"', 'embed: "gates"'), root)


def test_a_folder_says_where_its_blocks_stand_before_it_takes_a_dialect(root):
    make_folder("mine", root / "mine")
    with pytest.raises(StageError, match="the folder says not where blocks of gates stand"):
        dialect_of(plan_with(root, 'name: "mine"', 'embed: "gates"'), root)


def command_in(root: Path) -> str:
    checker = root / "checker.py"
    checker.write_text("import sys\nsys.exit('NOT' in open(sys.argv[1]).read())\n")
    return f'command: "{sys.executable} checker.py {{file}}"'


def test_a_command_runs_only_once_it_was_allowed_and_while_it_does_not_change(root):
    plan = plan_with(root, 'name: "gates"', command_in(root))
    with pytest.raises(StageError, match="not allowed to run here") as stopped:
        dialect_of(plan, root)
    assert "--allow-code" in stopped.value.help
    assert allow_code_of(plan, root) == (f'"{plan.dialect.command}"',)
    assert allow_code_of(plan, root) == ()
    dialect, context = dialect_of(plan, root)
    assert dialect.verify(INVERTER, context).ok
    refused = dialect.verify(INVERTER.replace("MODULE N", "MODULE NOT"), context)
    assert refused.valid is False
    assert [fault.code for fault in refused.faults] == ["gates.command.refused"]
    (root / "checker.py").write_text("pass\n")
    with pytest.raises(StageError, match="not allowed"):
        dialect_of(plan, root)


def test_a_record_of_another_machine_allows_nothing(root, tmp_path, monkeypatch):
    plan = plan_with(root, 'name: "gates"', command_in(root))
    allow_code_of(plan, root)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(StageError, match="not allowed"):
        dialect_of(plan, root)


def test_code_of_a_folder_runs_only_once_it_was_allowed(root):
    make_folder("mine", root / "mine")
    assert (root / "mine" / "simulator.py").is_file()
    plan = plan_with(root, 'name: "mine"')
    assert not dialect_source(plan, root).allow_code
    assert allow_code_of(plan, root) == ("the code in mine",)
    assert dialect_source(plan, root).allow_code


def test_a_source_can_be_sent_to_another_process(root):
    (root / "inverters.lark").write_text(INVERTERS_ONLY)
    source = dialect_source(plan_with(root, 'name: "gates"', 'grammar: "inverters.lark"'), root)
    dialect, context = pickle.loads(pickle.dumps(source))()
    assert dialect.verify(INVERTER, context).ok
    assert not dialect.verify(BUFFER, context).ok


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([], "the script has no DIALECT block"),
        (['name: "ahk3"'], 'no dialect "ahk3"'),
        (['name: "tcl"', 'catalog: "none.json"'], 'DIALECT.catalog: "none.json" does not exist'),
        (['name: "gates"', 'grammar: "broken.lark"'], "broken.lark"),
        (['name: "json_ast"', 'schema: "list.json"'], "a JSON Schema is an object"),
    ],
)
def test_what_is_wrong_with_the_block_is_told_in_words(root, fields, message):
    (root / "broken.lark").write_text("start: (\n")
    (root / "list.json").write_text("[]")
    plan = plan_with(root, *fields)
    if not fields:
        plan = plan.model_copy(update={"dialect": None})
    with pytest.raises(StageError, match=message):
        dialect_of(plan, root)


def test_a_folder_that_moved_is_not_allowed(root):
    make_folder("mine", root / "mine")
    allow_code_of(plan_with(root, 'name: "mine"'), root)
    shutil.move(root / "mine", root / "yours")
    assert not dialect_source(plan_with(root, 'name: "yours"'), root).allow_code
