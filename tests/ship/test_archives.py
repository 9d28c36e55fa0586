import subprocess
from pathlib import Path

import pytest
from test_merge import trained
from typer.testing import CliRunner

from idiolect.cli.app import app
from idiolect.okt.blocks.ship import Encryption, Security
from idiolect.ship.probes import logits_of, plain_probes
from idiolect.ship.security import CHECKSUMS, NoKey, protection_of, write_checksums
from idiolect.student.load import load_student
from idiolect.student.trouble import StudentError

KEY = "5a" * 32


def run(*words: object, code: int = 0, **environment: str) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], env=environment)
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("OKTO_KEY", "OKTO_KEY_FILE", "OKTO_SIGNING_KEY"):
        monkeypatch.delenv(name, raising=False)


def same(left: Path, right: Path, root: Path) -> bool:
    found = []
    for source in (left, right):
        student = load_student(source, root=root, device="cpu", precision="fp32")
        found.append(logits_of(student.model, plain_probes(student.tokenizer)[0]))
    return bool((found[0] - found[1]).abs().max() < 1e-6)


def test_a_student_packed_signed_and_sealed_is_shown_loaded_and_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    trained(tmp_path, "qwen3")
    public = run("okm", "keygen", "key").splitlines()[1].removeprefix("public key ")
    assert oct((tmp_path / "key").stat().st_mode)[-3:] == "600"
    run("okm", "pack", "student", "--out", "a.okm", "--sign", "key", "--seal", OKTO_KEY=KEY)
    assert b"adapter_model" not in (tmp_path / "a.okm").read_bytes()
    assert "a key is needed" in run("show", "a.okm", code=1)
    shown = run("show", "a.okm", OKTO_KEY=KEY)
    assert f"signed by {public}" in shown
    assert "adapter_model.safetensors" in shown
    with pytest.raises(StudentError, match="a key is needed"):
        load_student("a.okm", root=tmp_path, device="cpu")
    monkeypatch.setenv("OKTO_KEY", KEY)
    assert same(tmp_path / "student", tmp_path / "a.okm", tmp_path)
    assert not (tmp_path / "cache").exists()  # what is sealed is left in no cache
    run("okm", "unpack", "a.okm", "--into", "out")
    assert (tmp_path / "out/idiolect.json").read_bytes() == (tmp_path / "student/idiolect.json").read_bytes()
    assert "is there already" in run("okm", "unpack", "a.okm", "--into", "out", code=1)


def test_an_open_archive_is_unpacked_once_and_a_changed_one_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    trained(tmp_path, "llama")
    run("okm", "pack", "student", "--out", "a.okm")
    assert same(tmp_path / "student", tmp_path / "a.okm", tmp_path)
    first = sorted((tmp_path / "cache").rglob("*"))
    assert same(tmp_path / "student", tmp_path / "a.okm", tmp_path)
    assert sorted((tmp_path / "cache").rglob("*")) == first
    data = bytearray((tmp_path / "a.okm").read_bytes())
    data[-5000] ^= 1
    (tmp_path / "b.okm").write_bytes(bytes(data))
    with pytest.raises(StudentError, match=r"b\.okm"):
        load_student("b.okm", root=tmp_path, device="cpu")
    assert "error: " in run("show", "b.okm", code=1)


def test_convert_goes_from_an_archive_to_other_forms_and_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    trained(tmp_path, "qwen3")
    assert "divergence" in run("convert", "student", "--to", "okm", "--out", "a.okm")
    assert "transformers" in run("convert", "a.okm", "--to", "safetensors", "--out", "whole")
    assert same(tmp_path / "student", tmp_path / "whole", tmp_path)
    run("convert", "whole", "--to", "gguf", "--gguf-type", "q8_0", "-o", "b.gguf")
    assert (tmp_path / "b.gguf").read_bytes()[:4] == b"GGUF"
    assert "has no adapter" in run("convert", "whole", "--to", "adapter", "-o", "c", code=1)
    assert "PEFT" in run("convert", "student", "--to", "adapter", "-o", "c")
    assert "write adapter" not in run("convert", "whole", "--to", "tflite", "-o", "d", code=2)
    assert "is there already" in run("convert", "whole", "--to", "safetensors", "-o", "c", code=1)
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_security_without_its_keys_is_refused(tmp_path: Path):
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    seals, signs = Security(encrypt_model=True), Security(watermark=True)
    with pytest.raises(NoKey, match="encrypt_model asks for a key"):
        protection_of(seals, project, {})
    with pytest.raises(NoKey, match="12 characters"):
        protection_of(seals, project, {"OKTO_KEY": "short"})
    with pytest.raises(NoKey, match="asks for a signing key"):
        protection_of(signs, project, {})
    run("okm", "keygen", outside)
    assert protection_of(signs, project, {"OKTO_SIGNING_KEY": str(outside)}).signing_key == outside
    (project / "key").write_text(outside.read_text())
    with pytest.raises(NoKey, match="lies in the project"):
        protection_of(signs, project, {"OKTO_SIGNING_KEY": str(project / "key")})
    (project / "okt.yaml").write_text("project: x\n")
    assert "lies in the project" in run("okm", "keygen", project / "k2", code=2)
    found = protection_of(Security(encryption=Encryption(algorithm="SHA-256")), project, {})
    assert found.checksums
    assert found.secret is None
    assert "encrypts nothing" in found.notes[0]
    assert KEY not in repr(protection_of(seals, project, {"OKTO_KEY": KEY}))


def test_an_rsa_key_wraps_the_archives_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    monkeypatch.chdir(tmp_path)
    trained(tmp_path, "llama")
    key = generate_private_key(65537, 2048)
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
    public = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo).decode()
    (tmp_path / "private.pem").write_text(private)
    asked = Security(encryption=Encryption(algorithm="RSA"))
    with pytest.raises(NoKey, match="takes a public RSA key"):
        protection_of(asked, tmp_path, {"OKTO_KEY": KEY})
    with pytest.raises(NoKey, match="asks for AES-256"):
        protection_of(Security(encrypt_model=True), tmp_path, {"OKTO_KEY": public})
    assert protection_of(asked, tmp_path, {"OKTO_KEY": public}).opening_secret is None
    run("okm", "pack", "student", "--out", "a.okm", "--seal", OKTO_KEY=public)
    assert "private key in PEM opens it" in run("show", "a.okm", code=1, OKTO_KEY=public)
    assert "private key in PEM opens it" in run("show", "a.okm", code=1, OKTO_KEY=KEY)
    assert "every hash is" in run("show", "a.okm", "--key-file", "private.pem")
    monkeypatch.setenv("OKTO_KEY_FILE", "private.pem")
    assert same(tmp_path / "student", tmp_path / "a.okm", tmp_path)


def test_checksums_are_those_that_sha256sum_checks(tmp_path: Path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/a").write_text("a")
    (tmp_path / "b.gguf").write_text("b")
    write_checksums(tmp_path, ["model", "b.gguf"])
    done = subprocess.run(["sha256sum", "-c", CHECKSUMS], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["b.gguf: OK", "model/a: OK"]
