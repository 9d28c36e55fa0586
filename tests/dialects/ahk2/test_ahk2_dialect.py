from pathlib import Path

import pytest

from idiolect.dialects.ahk2.dialect import Ahk2
from idiolect.dialects.ahk2.extract import read_elements
from idiolect.dialects.catalog import Catalog, Proc
from idiolect.dialects.contract import Context
from idiolect.dialects.policy import Forbidden, Policy
from idiolect.dialects.verdict import Level, Severity


def codes(verdict):
    return {fault.code for fault in verdict.faults}


def test_a_missing_include_has_its_own_code_and_weight(tmp_path):
    text = "#Include gone.ahk\n#Include *i maybe.ahk\n"
    here = Context(folder=tmp_path)
    warned = Ahk2().verify(text, here)
    assert warned.ok
    assert [(f.code, f.level, f.severity) for f in warned.faults] == [
        ("ahk2.include.missing", Level.VALID, Severity.WARNING)
    ]
    assert not Ahk2(includes="require").verify(text, here).ok
    assert Ahk2(includes="ignore").verify(text, here).faults == ()


def test_includes_are_found_as_windows_finds_them(tmp_path):
    (tmp_path / "Lib").mkdir()
    (tmp_path / "Lib" / "Tools.ahk").write_text("")
    text = "#Include lib\\tools.ahk\n#Include <Tools>\n#Include %A_ScriptDir%\\Lib\n#Include Tools.ahk\n"
    found = Ahk2().includes(text, tmp_path)
    assert [item.path is not None for item in found] == [True, True, True, True]


@pytest.mark.parametrize(
    ("requirement", "setting", "ok"),
    [
        ("AutoHotkey v2.0", "require", True),
        ("AutoHotkey >=2.0 <3", "require", True),
        ("AutoHotkey v2.0.18+", "require", True),
        ("AutoHotkey v2.1-alpha.17", "warn", True),
        ("AutoHotkey v2.1-alpha.17", "require", False),
        ("AutoHotkey v2.0.99", "warn", False),
        ("AutoHotkey v1.1", "ignore", False),
        ("v2.0", "ignore", False),
    ],
)
def test_the_version_asked_for_is_judged_by_the_setting(requirement, setting, ok):
    assert Ahk2(newer=setting).verify(f"#Requires {requirement}\n").ok is ok


def test_an_unknown_setting_is_refused():
    with pytest.raises(ValueError, match="ignore, warn or require"):
        Ahk2(includes="maybe")


def test_with_a_catalog_an_unknown_function_is_an_error():
    catalog = Catalog(procs=(Proc(name="Greet", kind="function"),))
    assert Ahk2().verify("Greet(1)\n", Context(catalog=catalog)).ok
    verdict = Ahk2().verify("Grete(1)\n", Context(catalog=catalog))
    assert not verdict.ok
    assert "greet" in verdict.faults[0].hint.lower()


def test_a_policy_forbids_functions():
    policy = Policy(forbidden=(Forbidden(name="Run", why="no programs are started"),))
    verdict = Ahk2().verify('f() {\n    Run("a.exe")\n}\n', Context(policy=policy))
    assert verdict.policy is False
    assert codes(verdict) == {"ahk2.policy.forbidden"}


def test_symbols_of_sources_become_a_catalog(tmp_path):
    (tmp_path / "a.ahk").write_text(
        "; Adds two numbers.\nAdd(a, b := 1, rest*) {\n    return a + b\n}\n"
        "class Box {\n    static Make() => Box()\n    Size => 1\n    width := 2\n}\n"
        "^j::Add(1)\n::btw::by the way\n#Include b.ahk\n",
        encoding="utf-8",
    )
    catalog = Ahk2().extract([tmp_path, tmp_path / "gone.ahk"])
    kinds = {(proc.kind, proc.name) for proc in catalog.procs}
    assert kinds == {
        ("function", "Add"),
        ("class", "Box"),
        ("method", "Box.Make"),
        ("property", "Box.Size"),
        ("field", "Box.width"),
        ("hotkey", "^j"),
        ("hotstring", "btw"),
    }
    add = catalog.proc("Add")
    assert add.notes == "Adds two numbers."
    assert [(arg.name, arg.required, arg.variadic) for arg in add.args] == [
        ("a", True, False),
        ("b", False, False),
        ("rest", False, True),
    ]
    assert catalog.packages == ("b.ahk",)
    assert "gone.ahk" in catalog.notes


def test_a_table_of_built_ins_becomes_a_catalog(tmp_path):
    path = tmp_path / "elements.csv"
    path.write_text(
        "SourceFile,ElementType,Name,Type,ReturnType,Symbol,Path,Description,Parameters\n"
        'F.xml,Method,"StrReplace(Haystack, Needle [, New])",,String,,,Replaces text.,\n'
        "V.xml,Variable,A_Now,String,,,,The time,\n",
        encoding="utf-8",
    )
    catalog = read_elements(path)
    assert [(arg.name, arg.required) for arg in catalog.proc("StrReplace").args] == [
        ("Haystack", True),
        ("Needle", True),
        ("New", False),
    ]
    assert catalog.variable("A_Now").notes == "The time"


def test_a_table_without_the_columns_is_refused_with_their_names(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="ElementType"):
        read_elements(Path(path))
