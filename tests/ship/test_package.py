import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from test_archives import run
from test_merge import trained

import idiolect
from idiolect.data.example import Example
from idiolect.data.jsonl import write_examples
from idiolect.decode.opened import open_answering
from idiolect.decode.pipeline import Question
from idiolect.okt.blocks.ship import Merge
from idiolect.okt.check import check_file
from idiolect.plan.resolve import resolve
from idiolect.runs.stage import Inputs, StageError, StageResult, StageWork
from idiolect.ship.export_stage import run_export, run_merge
from idiolect.ship.package_stage import run_package
from idiolect.ship.wheel_list import NoWheels, fetch_wheels, pinned, write_own_wheel

ROUTING = Path(__file__).parent.parent.parent / "examples" / "tcl-routing"
SECRET = "c0ffee" * 10 + "beef"
SCRIPT = """# okto_version: "1.2"
PROJECT "routing"
DIALECT { name: "tcl" catalog: "catalog.json" policy: "policy.toml" }
MODEL { base: "student" }
DATASET { train: "train.jsonl" system: "You write Tcl." }
INFERENCE { mode: "custom" format: "Goal: {input}" params { temperature: 0 max_length: 60 } }
EXPORT { format: ["safetensors", "okm"] path: "export" }
PACKAGE { path: "package" include: ["weights", "gguf", "dialect", "retrieval", "cli"] }
SECURITY { access_token: "token-that-is-written" MORE }
"""


def project(root: Path, more: str = "") -> StageWork:
    """A project with a student whose adapter says something, a catalog and one training example."""
    trained(root, "qwen3")
    for name in ("catalog.json", "policy.toml"):
        shutil.copyfile(ROUTING / name, root / name)
    (root / "okt.yaml").write_text("project: routing\n")
    example = Example(instruction="route CLK on M3", target="my::route -net CLK -layer M3\n", level="micro")
    write_examples(root / "split" / "train.jsonl", [example])
    script = root / "routing.okt"
    script.write_text(SCRIPT.replace("MORE", more))
    checked = check_file(script)
    assert not checked.errors, checked.errors
    plan = resolve(checked, environment={}, root=root)
    (root / "out").mkdir()
    return StageWork(plan, root, root / "out", root / "kept", Inputs(stages={"split": root / "split"}))


def packed(root: Path, more: str = "") -> tuple[StageResult, Path]:
    result = run_package(project(root, more))
    return result, root / "package"


def test_a_package_holds_all_that_answering_needs_and_says_so(tmp_path: Path):
    result, folder = packed(tmp_path)
    names = {path.name for path in folder.iterdir()}
    assert names >= {"model", "dialect", "constraint", "index", "plan.json", "bundle.py", "README.md",
                     "requirements.txt", "wheels", "package.json", "gguf"}  # fmt: skip
    assert result.numbers["weights_divergence"] < 1e-6
    assert {path.name for path in (folder / "constraint").iterdir()} >= {"grammar.lark", "grammar.gbnf"}
    verified = subprocess.run([sys.executable, "-I", folder / "bundle.py", "verify"], capture_output=True)
    assert verified.returncode == 0, verified.stderr
    (folder / "plan.json").write_text((folder / "plan.json").read_text() + " ")
    verified = subprocess.run([sys.executable, "-I", folder / "bundle.py", "verify"], capture_output=True)
    assert verified.returncode == 1
    assert b"plan.json was changed" in verified.stderr
    everything = b"".join(
        path.read_bytes() for path in folder.rglob("*") if path.suffix != ".whl" and path.is_file()
    )
    assert str(tmp_path).encode() not in everything
    assert b"token-that-is-written" not in everything
    lines = (folder / "requirements.txt").read_text().splitlines()
    assert {"torch", "llguidance", "transformers", "idiolect"} <= {line.split("==")[0] for line in lines}


def test_a_moved_package_answers_by_its_own_index_and_dialect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _, made = packed(tmp_path / "project")
    moved = tmp_path / "elsewhere" / "box"
    moved.parent.mkdir()
    made.rename(moved)
    shutil.rmtree(tmp_path / "project")
    monkeypatch.chdir(tmp_path)
    found = open_answering(str(moved), root=Path(), device="cpu")
    outcome = found.pipeline.ask(Question("route CLK on M3"))
    assert outcome.valid
    assert "my::route" in outcome.context
    good, bad = tmp_path / "good.tcl", tmp_path / "bad.tcl"
    good.write_text("my::route -net CLK -layer M3\n")
    bad.write_text("my::unknown -net CLK\n")
    run("check", good, "--dialect", moved)
    assert "my::unknown" in run("check", bad, "--dialect", moved, code=1)
    (moved / "index" / "entries.jsonl").write_text("{}\n")
    with pytest.raises(Exception, match="not what the index was made of"):
        open_answering(str(moved), root=Path(), device="cpu")


def test_the_same_student_gives_the_same_package(tmp_path: Path):
    (_, left), (_, right) = packed(tmp_path / "a"), packed(tmp_path / "b")
    files = [json.loads((folder / "package.json").read_text())["files"] for folder in (left, right)]
    told = [{name: entry for name, entry in one.items() if not name.endswith(".whl")} for one in files]
    assert told[0] == told[1]


@pytest.mark.parametrize("stage", [run_export, run_package])
def test_a_planted_secret_is_in_nothing_that_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: object, capfd: pytest.CaptureFixture[str]
):
    run("okm", "keygen", tmp_path / "signing")
    private = (tmp_path / "signing").read_text().strip()
    root = tmp_path / "project"
    work = project(root, "encrypt_model: true watermark: true")
    monkeypatch.delenv("OKTO_KEY", raising=False)
    with pytest.raises(StageError, match="asks for a key"):
        stage(work)
    monkeypatch.setenv("OKTO_KEY", SECRET)
    monkeypatch.setenv("OKTO_SIGNING_KEY", str(tmp_path / "signing"))
    shutil.rmtree(work.folder)
    work.folder.mkdir()
    result = stage(work)
    written = [path for path in root.rglob("*") if path.is_file()]
    assert any(path.suffix == ".okm" for path in written)
    said = (repr(result) + "".join(capfd.readouterr())).encode()
    for data in [said, *(path.read_bytes() for path in written)]:
        assert SECRET.encode() not in data
        assert bytes.fromhex(SECRET) not in data
        assert private.encode() not in data
    if stage is run_export:
        assert any("safetensors: written open" in warning for warning in result.warnings)
        assert "signed by" in run("show", root / "export" / "model.okm")
    else:
        assert not (root / "package" / "model").exists()
        assert (root / "package" / "signature.json").is_file()
        found = open_answering(str(root / "package"), root=Path(), device="cpu")
        assert found.pipeline.ask(Question("route CLK on M3")).valid


def test_requirements_are_what_is_installed_here():
    from importlib.metadata import version

    lines = dict(line.split("==") for line in pinned())
    assert lines["numpy"] == version("numpy")
    assert lines["torch"] == version("torch").partition("+")[0]
    assert "pytest" not in lines


@pytest.mark.slow
def test_a_fresh_environment_without_network_generates_and_checks(tmp_path: Path):
    """Our wheel is installed from the package; the others' are those of this environment, by a path."""
    _, folder = packed(tmp_path / "project")
    shutil.move(folder, tmp_path / "box")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    command = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    wheel = next((tmp_path / "box" / "wheels").glob("idiolect-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
    subprocess.run([*command, "--find-links", tmp_path / "box" / "wheels", "idiolect"], check=True)
    site = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    (site / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    (site / "sitecustomize.py").write_text(
        "import socket\n"
        "def refuse(*_):\n    raise OSError('there is no network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
    )
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        whole = [python, tmp_path / "box" / "bundle.py", *words]
        return subprocess.run(whole, capture_output=True, text=True, env=clean, cwd=tmp_path)

    where = subprocess.run(
        [python, "-c", "import idiolect; print(idiolect.__file__)"], capture_output=True, text=True, env=clean
    )
    assert str(tmp_path) in where.stdout
    made = ask("generate", "-i", "route CLK on M3", "--out", "a.tcl", "--device", "cpu")
    assert made.returncode == 0, made.stderr
    checked = ask("check", "a.tcl")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    (tmp_path / "b.tcl").write_text("my::unknown -net CLK\n")
    assert ask("check", "b.tcl").returncode == 1
    assert ask("dance").returncode == 2


def test_wheels_are_taken_from_a_folder_alone(tmp_path: Path):
    (tmp_path / "list.txt").write_text(f"idiolect=={pinned_version('idiolect')}\n")
    home = tmp_path / "code"
    shutil.copytree(Path(idiolect.__file__).parent, home)
    write_own_wheel(tmp_path / "found", home)
    first = write_own_wheel(tmp_path / "again", home).read_bytes()
    assert next((tmp_path / "found").iterdir()).read_bytes() == first
    with pytest.raises(NoWheels, match="idiolect"):
        fetch_wheels(tmp_path / "list.txt", tmp_path / "none", found_in=tmp_path)
    wheel = next((tmp_path / "found").iterdir())
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "idiolect/ship/onnx_run.py" in names
    assert "idiolect/student/templates/chatml.jinja" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def pinned_version(name: str) -> str:
    return dict(line.split("==") for line in pinned())[name]


def test_an_archive_brings_its_language_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "project"
    run_export(project(root))
    (root / "export" / "model.okm").rename(tmp_path / "r.okm")
    shutil.rmtree(root)
    monkeypatch.chdir(tmp_path)
    found = open_answering("r.okm", root=Path(), device="cpu")
    assert found.dialect is not None
    assert found.pipeline.ask(Question("route CLK on M3")).valid
    shown = run("show", "r.okm")
    assert "dialect/catalog.json" in shown
    assert "models" not in shown
    assert str(tmp_path) not in shown


def test_the_block_merge_writes_its_formats_beside_its_output(tmp_path: Path):
    work = project(tmp_path)
    asked = Merge(
        source="student", target="base", output="merged/whole", format=["safetensors", "okm", "gguf"]
    )
    plan = work.plan.model_copy(update={"merge": asked})
    result = run_merge(replace(work, plan=plan))
    assert result.ending == "done"
    assert (tmp_path / "merged/whole/model.safetensors").is_file()
    assert (tmp_path / "merged/model.okm").is_file()
    assert (tmp_path / "merged/whole.f16.gguf").is_file()


def test_an_adapter_is_packed_with_its_base_where_it_shall_not_be_merged(tmp_path: Path):
    root = tmp_path / "project"
    work = project(root)
    export = work.plan.export.model_copy(update={"merge": False})
    package = work.plan.package.model_copy(update={"include": ["weights", "dialect"]})
    run_package(replace(work, plan=work.plan.model_copy(update={"export": export, "package": package})))
    (root / "package").rename(tmp_path / "box")
    shutil.rmtree(root)
    assert (tmp_path / "box/model/adapter_model.safetensors").is_file()
    assert (tmp_path / "box/model/base/model.safetensors").is_file()
    assert not (tmp_path / "box/bundle.py").exists()
    found = open_answering(str(tmp_path / "box"), root=Path(), device="cpu")
    assert found.student.has_adapter
    assert found.pipeline.ask(Question("route CLK on M3")).valid
