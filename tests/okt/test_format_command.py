"""`idiolect fmt` on files, links and the input."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from idiolect.cli.app import app

UGLY = 'PROJECT "x"\r\nMODEL {base:"b" # c\r\n}'
NEAT = 'PROJECT "x"\n\nMODEL {\n    base: "b"  # c\n}\n'


def fmt(*arguments: str | Path, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["fmt", *map(str, arguments)], input=given)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "a.okt"
    path.write_bytes(UGLY.encode())
    return path


def test_a_file_is_laid_out_in_place_and_left_alone_the_second_time(script: Path) -> None:
    first = fmt(script)
    assert (first.exit_code, script.read_bytes().decode()) == (0, NEAT)
    assert "a.okt: formatted" in first.stdout
    written = script.stat().st_mtime_ns
    second = fmt(script)
    assert (second.exit_code, second.output) == (0, "")
    assert script.stat().st_mtime_ns == written
    assert list(script.parent.iterdir()) == [script]


@pytest.mark.skipif(sys.platform == "win32", reason="mode bits are of POSIX")
def test_mode_bits_are_kept(script: Path) -> None:
    script.chmod(0o640)
    fmt(script)
    assert stat.S_IMODE(script.stat().st_mode) == 0o640


def test_a_link_stays_a_link_and_its_file_is_laid_out(script: Path) -> None:
    folder = script.parent / "elsewhere"
    folder.mkdir()
    link = folder / "link.okt"
    link.symlink_to(Path("..") / "a.okt")
    assert fmt(link).exit_code == 0
    assert link.is_symlink()
    assert script.read_bytes().decode() == NEAT


def test_the_input_is_laid_out_to_the_output() -> None:
    result = fmt("-", given=UGLY.encode())
    assert (result.exit_code, result.stdout_bytes.decode()) == (0, NEAT)


def test_check_names_what_would_change_and_writes_nothing(script: Path, tmp_path: Path) -> None:
    neat = tmp_path / "neat.okt"
    neat.write_text(NEAT)
    result = fmt(script, neat, "--check")
    assert result.exit_code == 1
    assert result.stdout == f"{script}: would change\n"
    assert script.read_bytes().decode() == UGLY
    assert fmt(neat, "--check").exit_code == 0


def test_diff_prints_the_change_and_writes_nothing(script: Path) -> None:
    result = fmt(script, "--diff")
    assert result.exit_code == 0
    assert '+    base: "b"  # c\n' in result.stdout
    assert "\\ No newline at end of file\n" in result.stdout
    assert script.read_bytes().decode() == UGLY
    assert fmt(script, "--diff", "--check").exit_code == 1


def test_a_file_with_syntax_errors_is_told_and_left_alone_and_the_others_are_laid_out(
    script: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.okt"
    broken.write_text("MODEL {\n  base:\n}")
    result = fmt(broken, script)
    assert result.exit_code == 1
    assert f"{broken}:2:3: error[L005]" in result.stderr
    assert f"{broken}: not formatted" in result.stderr
    assert broken.read_text() == "MODEL {\n  base:\n}"
    assert script.read_bytes().decode() == NEAT


@pytest.mark.parametrize("content", [b"\xff\xfeP\0", b"\0\1\2", b'PROJECT "\xe9"', b"x" * 6_000_000])
def test_what_is_no_text_is_told_in_one_line_with_a_cure(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.okt"
    path.write_bytes(content)
    for result in (fmt(path), fmt("-", given=content)):
        assert result.exit_code == 1
        assert "Traceback" not in result.output
        assert "error[" in result.stderr
        assert "help: " in result.stderr
    assert path.read_bytes() == content


def test_folders_and_missing_files_are_told(tmp_path: Path) -> None:
    result = fmt(tmp_path, tmp_path / "none.okt")
    assert result.exit_code == 1
    assert result.stderr.count("error[L014]") == 2


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_told(script: Path) -> None:
    script.parent.chmod(0o555)
    try:
        result = fmt(script)
    finally:
        script.parent.chmod(0o755)
    assert result.exit_code == 1
    assert "can't be written" in result.stderr
    assert script.read_bytes().decode() == UGLY


def test_a_failed_write_leaves_the_file_as_it_was(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_space)
    result = fmt(script)
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert script.read_bytes().decode() == UGLY
    assert list(script.parent.iterdir()) == [script]
