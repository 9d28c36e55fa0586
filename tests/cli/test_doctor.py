import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from idiolect.cli.app import app
from idiolect.machine.record import Disk, Gpu, Library, Machine

GIB = 1 << 30
TRAIN = """\
PROJECT "p"
DATASET { train: "d.jsonl" }
MODEL { base: "nano" }
TRAIN { epochs: 1 batch_size: 1 device: "auto" }
"""
MACHINE = Machine(
    platform="linux",
    system="Linux 6.1",
    python="cpython 3.11.7",
    cpu="Some CPU [fast]",
    cores=8,
    memory_total=16 * GIB,
    memory_available=10 * GIB,
    disk=Disk(Path("/"), 100 * GIB, 50 * GIB),
    libraries=(
        Library("torch", "train", "2.13.0"),
        Library("pygls", "lsp", None),
        Library("onnx", "export", None),
    ),
)


@pytest.fixture(autouse=True)
def this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("idiolect.machine.survey.survey", lambda folder=None, system=None: MACHINE)


def doctor(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["doctor", *map(str, arguments)])


def script(tmp_path: Path, env: str) -> Path:
    path = tmp_path / "train.okt"
    path.write_text(f"{TRAIN}ENV {{ {env} }}\n")
    return path


def test_the_report_names_the_machine_and_what_is_missing() -> None:
    result = doctor()
    assert result.exit_code == 0
    for words in ("Linux 6.1", "Some CPU [fast], 8 cores", "16 GB, 10 GB available", "none found"):
        assert words in result.output
    assert "torch 2.13.0" in result.output
    assert 'pip install "idiolect[lsp]"' in result.output


def test_a_gpu_is_described_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Gpu("cuda", "Tesla T4", 15 * GIB, 14 * GIB, "580.65", "13.0", (7, 5))
    machine = Machine(**{**{name: getattr(MACHINE, name) for name in Machine.__slots__}, "gpus": (gpu,)})
    monkeypatch.setattr("idiolect.machine.survey.survey", lambda folder=None, system=None: machine)
    output = " ".join(doctor().output.split())
    assert "Tesla T4, 15 GB, 14 GB free, driver 580.65, CUDA 13.0, compute capability 7.5" in output


def test_json_holds_machine_problems_and_report() -> None:
    content = json.loads(doctor("--json").output)
    assert set(content) == {"machine", "problems", "report"}
    assert content["machine"]["cores"] == 8
    assert content["report"]["status"] == "compatible"


def test_the_environment_report_is_written_whole(tmp_path: Path) -> None:
    out = tmp_path / "new" / "env_report.json"
    assert doctor("--out", out).exit_code == 0
    assert set(json.loads(out.read_text())) == {
        "gpu_found", "gpu_name", "ram", "ram_available", "platform", "status", "auto_install", "warnings",
    }  # fmt: skip
    assert [path.name for path in out.parent.iterdir()] == ["env_report.json"]


def test_a_report_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = doctor("--out", tmp_path / "file" / "env_report.json")
    assert result.exit_code == 1
    assert "can't be written" in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


@pytest.mark.parametrize(
    ("env", "code"),
    [
        ('platform: "linux"', None),
        ('min_memory: "16GB"', None),
        ('platform: "windows"', "L501"),
        ('min_memory: "64GB"', "L502"),
        ('accelerator: "gpu"', "L503"),
    ],
)
def test_a_script_fits_or_the_exit_code_says_no(env: str, code: str | None, tmp_path: Path) -> None:
    result = doctor(script(tmp_path, env))
    assert result.exit_code == (1 if code else 0), result.output
    assert ("does not fit" in result.output) == bool(code)
    if code:
        assert f"error[{code}]" in result.output


def test_what_a_script_needs_installed_depends_on_its_stages(tmp_path: Path) -> None:
    path = tmp_path / "train.okt"
    path.write_text(TRAIN + 'EXPORT { format: ["onnx"] path: "e" }\n')
    result = doctor(path, "--json")
    (found,) = json.loads(result.stdout)["problems"]
    assert (result.exit_code, found["code"], found["help"]) == (1, "L505", 'pip install "idiolect[export]"')
    path.write_text(path.read_text() + "ENV { install_missing: true }\n")
    result = doctor(path, "--json")
    content = json.loads(result.stdout)
    assert (result.exit_code, content["report"]["auto_install"]) == (0, True)
    assert content["problems"][0]["severity"] == "warning"


def test_a_script_that_cannot_be_read_is_one_message(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.okt")
    for path in (tmp_path / "absent.okt", tmp_path, tmp_path / "pipe.okt"):
        result = doctor(path)
        assert result.exit_code == 1
        assert "Traceback" not in result.output
        assert "error[" in result.output


def test_a_script_with_errors_is_still_compared(tmp_path: Path) -> None:
    path = script(tmp_path, 'platform: "windows" min_memory: "lots"')
    result = doctor(path)
    assert result.exit_code == 1
    assert "in the script; idiolect validate shows them" in result.output
    assert "error[L501]" in result.output


def test_the_real_machine_is_reported_without_torch() -> None:
    probe = (
        "import sys, runpy; sys.argv = ['idiolect', 'doctor', '--json', '--no-report']\n"
        "from idiolect.cli.app import main\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code, 'torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stderr.split()[-2:] == ["0", "False"]
    assert json.loads(done.stdout)["machine"]["memory_total"] > 0
