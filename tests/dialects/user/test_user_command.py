"""Dialects that a program verifies: its exit code and what it prints become a verdict."""

import stat
import sys
import time

import pytest
from user_dialects import load, problems_of, write

from idiolect.dialects.command import BadCommand, CommandDialect, read_faults
from idiolect.dialects.contract import NotOffered, offers
from idiolect.dialects.folder import load_folder
from idiolect.dialects.user.settings import CommandSettings
from idiolect.dialects.verdict import Severity

TEXT = "one\ntwo words\n  three\n"

# what a program prints; {file} is the checked file -> line, column, severity, message
SHAPES = [
    ("{file}:2:5: error: bad word", (2, 5, "error", "bad word")),
    ("{file}:2:5: warning: odd word", (2, 5, "warning", "odd word")),
    ("{file}:2: no such thing", (2, 1, "error", "no such thing")),
    ("checker: {file}:3:3: unexpected end", (3, 3, "error", "unexpected end")),
    ("{file} (3) : ==> Missing operand.", (3, 3, "error", "Missing operand.")),
    ("{file}(2,5): error C2143: syntax error", (2, 5, "error", "syntax error")),
    ("{file}: line 2: unexpected EOF", (2, 1, "error", "unexpected EOF")),
    ("  2:5  error  Unexpected token", (2, 5, "error", "Unexpected token")),
    ("syntax error at {file} line 2, near x", (2, 1, "error", "syntax error")),
    ("Error: line 2, column 5: bad word", (2, 5, "error", "bad word")),
    ("Line 3: unknown name", (3, 3, "error", "unknown name")),
    ("parse error on line 2", (2, 1, "error", "parse error on")),
    ("line 999: past the end", (4, 1, "error", "past the end")),
]


@pytest.mark.parametrize(("printed", "expected"), SHAPES)
def test_common_shapes_of_output_become_faults(printed, expected, tmp_path):
    from idiolect.source import SourceText

    path = tmp_path / "text.x"
    (fault,) = read_faults(printed.replace("{file}", str(path)), TEXT, path, "x")
    place = SourceText(TEXT).place(fault.span.start)
    assert (place.line, place.column, fault.severity.value, fault.message) == expected


def test_a_python_traceback_becomes_one_fault_with_its_last_line(tmp_path):
    path = tmp_path / "text.py"
    printed = f'  File "{path}", line 2\n    two words\n        ^\nSyntaxError: invalid syntax\n'
    (fault,) = read_faults(printed, TEXT, path, "py")
    assert fault.message == "SyntaxError: invalid syntax"
    assert TEXT[fault.span.start : fault.span.end] == "two words"


def script(tmp_path, body):
    path = tmp_path / "checker.py"
    path.write_text(f"#!{sys.executable}\nimport sys\ntext = open(sys.argv[1]).read()\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return f"{path} {{file}}"


def test_the_exit_code_decides(tmp_path):
    dialect = CommandDialect(
        script(tmp_path, "print(sys.argv[1] + ':1:2: error: no'); sys.exit('x' in text)")
    )
    assert dialect.verify("ok").ok
    verdict = dialect.verify("xx")
    assert verdict.parsed is False
    assert verdict.faults[0].code == "command.command.error"


def test_what_is_said_of_an_accepted_text_is_a_warning(tmp_path):
    dialect = CommandDialect(script(tmp_path, "print(sys.argv[1] + ':1: error: not really')"))
    verdict = dialect.verify("x")
    assert verdict.ok
    assert [fault.severity for fault in verdict.faults] == [Severity.WARNING]


def test_a_refusal_without_a_place_is_still_a_fault(tmp_path):
    verdict = CommandDialect(script(tmp_path, "print('I do not like it'); sys.exit(1)")).verify("x")
    assert verdict.parsed is False
    assert verdict.faults[0].message == "I do not like it"
    silent = CommandDialect(script(tmp_path, "sys.exit(7)")).verify("x")
    assert "exit code 7" in silent.faults[0].message


NOT_JUDGED = {
    "a missing program": ("no-such-program-here {file}", "can't run no-such-program-here"),
    "a program that is no program": ("/etc/passwd {file}", "can't run /etc/passwd"),
}


@pytest.mark.parametrize("case", NOT_JUDGED)
def test_a_program_that_can_not_run_is_not_a_wrong_text(case):
    command, reason = NOT_JUDGED[case]
    verdict = CommandDialect(command).verify("x")
    assert not verdict.judged
    assert reason in verdict.not_judged


def test_a_crash_and_an_unknown_exit_code_are_not_judged(tmp_path):
    crash = script(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert "SIGSEGV" in CommandDialect(crash).verify("x").not_judged
    settings = CommandSettings(run=script(tmp_path, "sys.exit(3)"), invalid_exit_codes=(1, 2))
    assert "exit code 3" in CommandDialect(settings).verify("x").not_judged


def test_a_program_that_takes_too_long_is_ended_with_its_children(tmp_path):
    mark = tmp_path / "still-there"
    child = f"import time; time.sleep(2); open({str(mark)!r}, 'w')"
    body = f"import subprocess, time\nsubprocess.Popen([sys.executable, '-c', {child!r}])\ntime.sleep(30)"
    dialect = CommandDialect(CommandSettings(run=script(tmp_path, body), timeout_s=0.5))
    started = time.monotonic()
    assert "within 0.5 s" in dialect.verify("x").not_judged
    assert time.monotonic() - started < 5
    time.sleep(2.2)
    assert not mark.exists()


def test_no_shell_reads_the_command(tmp_path):
    mark = tmp_path / "made-by-a-shell"
    command = f"echo {{file}} ; touch {mark}"
    assert CommandDialect(command).verify("x").ok
    assert not mark.exists()


def test_output_without_end_is_cut(tmp_path):
    dialect = CommandDialect(
        CommandSettings(run=script(tmp_path, "print('line 1: ' + 'x' * 5_000_000)\nsys.exit(1)"))
    )
    assert len(dialect.verify("x").faults[0].message) < 3_000


def test_the_program_sees_the_very_text(tmp_path):
    body = "data = open(sys.argv[1], 'rb').read(); sys.exit(data != 'é\\r\\n'.encode())"
    assert CommandDialect(script(tmp_path, body)).verify("é\r\n").ok


def test_a_command_is_checked_before_any_text():
    for command in ("", "check", "check '{file}"):
        with pytest.raises(BadCommand):
            CommandDialect(command)


def test_a_command_alone_offers_no_constraint(tmp_path):
    dialect = CommandDialect("check {file}")
    assert not any(offers(dialect, part) for part in ("sample", "mutate", "run", "describe", "extract"))
    with pytest.raises(NotOffered, match=r"grammar\.lark"):
        dialect.constraint()


def test_a_folder_with_a_command_alone_needs_permission(tmp_path):
    folder = tmp_path / "toy"
    folder.mkdir()
    command = script(tmp_path, "sys.exit('x' in text)")
    (folder / "dialect.toml").write_text(f'name = "toy"\n[command]\nrun = "{command}"\n')
    assert "--allow-code" in problems_of(folder)["dialect.code.not_allowed"]
    dialect = load_folder(folder, allow_code=True)
    assert dialect.verify("ok").ok
    assert dialect.verify("x").faults[0].code == "toy.command.refused"


def test_a_folders_command_runs_after_its_grammar_and_only_with_permission(tmp_path):
    command = script(tmp_path, "print('line 1: no lamp'); sys.exit('lamp' in text)")
    settings = f'name = "toy"\n[command]\nrun = "{command}"\n'
    folder = write(tmp_path / "toy", {"dialect.toml": settings})
    refused = load(folder)
    assert "--allow-code" in refused.verify("on lamp;").not_judged
    assert refused.verify("on lamp").judged, "what the grammar refuses needs no command"
    refused.close()
    allowed = load(folder, allow_code=True)
    assert allowed.verify("on fan;").ok
    verdict = allowed.verify("on lamp;")
    assert (verdict.parsed, verdict.valid) == (True, False)
    allowed.close()
