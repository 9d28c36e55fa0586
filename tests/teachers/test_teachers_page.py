"""The page's program runs as it stands, against the fake server as one starts it from a shell."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "teachers.md"


def test_the_program_of_the_page_runs_against_the_fake_server(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    command = [sys.executable, "-m", "idiolect.teachers.fake", "--model", "gpt-oss:120b"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = next(line for line in server.stdout if "url" in line).split('"')[1]
            here = program.replace('"gpt-oss:120b", ', f'"gpt-oss:120b", url="{url}", ')
            assert here != program
            done = subprocess.run(
                [sys.executable, "-c", here], cwd=tmp_path, capture_output=True, text=True, timeout=60
            )
        finally:
            server.kill()
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:100] == [f"An answer to Ask for order {number}." for number in range(100)]
    assert lines[100].startswith("TeacherReport(teacher='gpt-oss:120b'")
    assert (tmp_path / "teacher.sqlite").is_file()
