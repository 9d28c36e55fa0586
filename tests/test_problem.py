import re
from pathlib import Path

import idiolect
from idiolect.problem import has_errors, problem, problem_codes

SOURCE = Path(idiolect.__file__).parent
# A code as the first argument of a call, or in a table of arguments.
USED = re.compile(r'(?:\b(?:problem|trouble)\(\s*|\(scan\.\w+, )"([VL]\d{3})"')


def test_every_code_in_use_is_in_the_table_and_the_other_way_round() -> None:
    used = {code for path in SOURCE.rglob("*.py") for code in USED.findall(path.read_text("utf-8"))}
    by_helper = {"L428", "L503"}  # their helpers call problem() with the code inside
    by_checker = {"L014", "L210", "L335", "L338"}  # told by a reporter, not by a probe
    assert len(used) > 30
    assert used | by_helper | by_checker == set(problem_codes())


def test_codes_have_a_title_a_meaning_and_a_cure() -> None:
    for code, entry in problem_codes().items():
        assert entry.severity in ("error", "warning", "info"), code
        assert all(text.strip() for text in (entry.title, entry.meaning, entry.cure)), code
        assert entry.meaning.endswith("."), code


def test_a_problem_has_its_codes_severity_unless_told_otherwise() -> None:
    assert problem("L402", "few").severity == "warning"
    assert problem("L402", "few", severity="error").severity == "error"
    assert has_errors([problem("L402", "few"), problem("V001", "gone")])
    assert not has_errors([problem("L402", "few")])
