"""Errors in a user's own files: each is a problem with a place and a cure, and all come at once."""

import pytest
from user_dialects import GRAMMAR, problems_of, write

# what is wrong: files, and the text that must be printed somewhere
WRONG = {
    "misspelt key": (
        {"dialect.toml": 'name = "toy"\n[grammer]\nfile = "grammar.lark"\n'},
        "dialect.settings.unknown_key",
        ["dialect.toml:2:2: error", 'unknown key "grammer"', 'did you mean "grammar"?'],
    ),
    "misspelt key in a section": (
        {"dialect.toml": 'name = "toy"\n\n[canonical]\nspaces = "single"\n'},
        "dialect.settings.unknown_key",
        ["dialect.toml:4:1", 'did you mean "space"?'],
    ),
    "wrong value": (
        {"dialect.toml": 'name = "toy"\ngrammar = { parser = "lr" }\n'},
        "dialect.settings.bad_value",
        ["dialect.toml:2:1", "grammar.parser = 'lr'", "'lalr'"],
    ),
    "no name": (
        {"dialect.toml": 'suffixes = [".toy"]\n'},
        "dialect.settings.missing_key",
        ['"name" is missing', 'write name = "..."'],
    ),
    "not TOML": (
        {"dialect.toml": 'name = "toy\n'},
        "dialect.settings.toml",
        ["dialect.toml:1:"],
    ),
    "undefined rule": (
        {"grammar.lark": 'start: statment+\nstatement: "x"\n'},
        "dialect.grammar.undefined",
        ["grammar.lark:1:8", 'rule "statment" is used but not defined', 'did you mean "statement"?'],
    ),
    "undefined terminal": (
        {"grammar.lark": 'start: NAME NUMBR\nNAME: "x"\nNUMBER: /1/\n'},
        "dialect.grammar.undefined",
        ["grammar.lark:1:13", '"NUMBR"', 'did you mean "NUMBER"?'],
    ),
    "grammar syntax": (
        {"grammar.lark": 'start: "x" (\n'},
        "dialect.grammar.syntax",
        ["grammar.lark:"],
    ),
    "regular expression": (
        {"grammar.lark": "start: A\nA: /[a-/\n"},
        "dialect.grammar.regexp",
        ["grammar.lark:2:1", "[a-"],
    ),
    "terminal that matches nothing": (
        {"grammar.lark": "start: A\nA: /a*/\n"},
        "dialect.grammar.empty_terminal",
        ["grammar.lark:2:1", "write + instead of *"],
    ),
    "rules that are not LALR, where LALR is asked for": (
        {
            "dialect.toml": 'name = "toy"\ngrammar = { parser = "lalr" }\n',
            "grammar.lark": 'start: a | b\na: "x"\nb: "x"\n',
        },
        "dialect.grammar.not_lalr",
        ['set parser = "auto"'],
    ),
    "missing import": (
        {"grammar.lark": "%import .words.NAME\nstart: NAME\n"},
        "dialect.grammar.import",
        ["words"],
    ),
    "catalog with an unknown key": (
        {"catalog.json": '{"procs": [{"nam": "x"}]}'},
        "dialect.catalog.wrong",
        ["$.procs[0]", "catalog.json"],
    ),
    "catalog that is no JSON": ({"catalog.json": "{"}, "dialect.catalog.wrong", ["not JSON"]),
    "policy with an unknown key": (
        {"policy.toml": 'forbiden = ["x"]\n'},
        "dialect.policy.wrong",
        ['did you mean "forbidden"?'],
    ),
    "use of an unknown rule": (
        {
            "dialect.toml": 'name = "toy"\n[catalog]\nuses = { NAMES = "procs" }\n',
            "catalog.json": '{"procs": [{"name": "x"}]}',
        },
        "dialect.settings.unknown_name",
        ["dialect.toml:3:1", 'did you mean "NAME"?'],
    ),
    "use of nothing known": (
        {
            "dialect.toml": 'name = "toy"\n[catalog]\nuses = { NAME = "tables" }\n',
            "catalog.json": '{"procs": [{"name": "x"}]}',
        },
        "dialect.catalog.use",
        ['"kind:<kind>"'],
    ),
    "use of an empty kind": (
        {
            "dialect.toml": 'name = "toy"\n[catalog]\nuses = { NAME = "kind:table" }\n',
            "catalog.json": '{"procs": [{"name": "x"}]}',
        },
        "dialect.catalog.empty",
        ['nothing for "kind:table"'],
    ),
    "description of an unknown rule": (
        {"dialect.toml": 'name = "toy"\n[describe]\nstart = "switch on {NAM}"\n'},
        "dialect.settings.unknown_name",
        ['"NAM"', 'did you mean "NAME"?'],
    ),
    "comments to keep that the grammar does not know": (
        {"dialect.toml": 'name = "toy"\n[comments]\nline = "#"\nkeep = true\n'},
        "dialect.comments.not_ignored",
        ["dialect.toml:4:1", "%ignore COMMENT"],
    ),
    "file outside of the folder": (
        {"dialect.toml": 'name = "toy"\n[grammar]\nfile = "../grammar.lark"\n'},
        "dialect.files.outside",
        ["dialect.toml:3:1", "copy it into the folder"],
    ),
    "missing file": (
        {"dialect.toml": 'name = "toy"\n[grammar]\nfile = "gramar.lark"\n'},
        "dialect.files.missing",
        ['no file "gramar.lark"', 'did you mean "grammar.lark"?'],
    ),
    "command that can't be split": (
        {"dialect.toml": 'name = "toy"\n[command]\nrun = "check \'{file}"\n'},
        "dialect.settings.bad_value",
        ["dialect.toml:3:1", "can't be split"],
    ),
    "command without a file": (
        {"dialect.toml": 'name = "toy"\n[command]\nrun = "check"\n'},
        "dialect.settings.bad_value",
        ["{file}"],
    ),
    "unknown embedded dialect": (
        {
            "dialect.toml": 'name = "toy"\n[embed]\nterminal = "NAME"\n'
            'open = "{"\nclose = "}"\ndialect = "gatse"\n'
        },
        "dialect.embed.unknown",
        ["dialect.toml:6:1", 'did you mean "gates"?'],
    ),
    "a class, which is code": (
        {"dialect.toml": 'name = "toy"\n[code]\ndialect = "mine.py:Mine"\n', "mine.py": ""},
        "dialect.code.not_allowed",
        ["--allow-code"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_a_problem_with_a_place_and_a_cure(case, tmp_path):
    files, code, printed = WRONG[case]
    found = problems_of(write(tmp_path / "toy", files))
    assert code in found
    for part in printed:
        assert part in found[code]


def test_all_problems_of_all_files_come_at_once(tmp_path):
    folder = write(
        tmp_path / "toy",
        {"grammar.lark": "start: x\n", "catalog.json": "{", "policy.toml": "= 1"},
    )
    assert set(problems_of(folder)) == {
        "dialect.grammar.undefined",
        "dialect.catalog.wrong",
        "dialect.policy.wrong",
    }


def test_all_wrong_keys_of_the_settings_come_at_once(tmp_path):
    folder = write(tmp_path / "toy", {"dialect.toml": 'name = "Toy"\nx = 1\n[sample]\nmicro = 0\ntrys = 3\n'})
    from idiolect.dialects.folder import load_folder
    from idiolect.dialects.user.problems import BadDialect

    with pytest.raises(BadDialect) as caught:
        load_folder(folder)
    places = {str(one).split(": ")[0].rpartition("dialect.toml")[2] for one in caught.value.problems}
    assert places == {":1:1", ":2:1", ":4:1", ":5:1"}


def test_a_folder_with_neither_grammar_nor_command_says_so(tmp_path):
    (tmp_path / "dialect.toml").write_text('name = "toy"\n')
    assert "grammar.lark" in problems_of(tmp_path)["dialect.files.missing"]


def test_a_file_that_is_not_text_is_a_problem(tmp_path):
    folder = write(tmp_path / "toy", {})
    (folder / "grammar.lark").write_bytes(b"start: \xff\n")
    assert "byte 7 is 0xff" in problems_of(folder)["dialect.files.encoding"]


def test_dialects_embedded_in_each_other_end(tmp_path):
    settings = 'name = "toy"\n[embed]\nterminal = "NAME"\nopen = "{"\nclose = "}"\ndialect = "."\n'
    folder = write(tmp_path / "toy", {"dialect.toml": settings})
    assert "without end" in problems_of(folder)["dialect.embed.depth"]


def test_a_grammar_nested_too_deep_is_a_problem(tmp_path):
    folder = write(tmp_path / "toy", {"grammar.lark": "start: " + "(" * 5000 + '"x"' + ")" * 5000 + "\n"})
    assert problems_of(folder)


def test_a_grammar_that_explodes_is_stopped(tmp_path, monkeypatch):
    from idiolect.dialects.user import parser

    monkeypatch.setattr(parser, "START_TIMEOUT_S", 2.0)
    letters = " ".join(f'"{chr(97 + n)}"?' for n in range(24))
    folder = write(tmp_path / "toy", {"grammar.lark": f"start: {letters}\n"})
    assert "dialect.grammar.unusable" in problems_of(folder)


def test_a_good_folder_has_no_problems(tmp_path):
    assert GRAMMAR
    assert problems_of(write(tmp_path / "toy", {})) == {}
