"""The wheel holds what the package needs at run time: data files and the examples."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_a_wheel_works_where_there_is_no_checkout(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("idiolect-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for path in (ROOT / "src" / "idiolect").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert f"idiolect/{path.relative_to(ROOT / 'src' / 'idiolect').as_posix()}" in names
    venv.create(tmp_path / "env", with_pip=True)
    bin_folder = tmp_path / "env" / "bin"
    subprocess.run([bin_folder / "pip", "install", "-q", wheel], check=True)
    project = tmp_path / "project"
    for arguments in (
        ["init", project, "--template", "lora-chat"],
        ["validate", project / "scripts" / "train.okt"],
        ["plan", project / "scripts" / "train.okt"],
    ):
        done = subprocess.run(
            [bin_folder / "idiolect", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
