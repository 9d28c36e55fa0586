import json
from pathlib import Path

import pytest
from test_merge import trained

from idiolect.ship import runtimes
from idiolect.ship.export import REPORT, check_formats, export
from idiolect.ship.exported import ExportJob
from idiolect.ship.runtimes import NoRuntime, RuntimeFailed
from idiolect.student.trouble import StudentError


def job(root: Path, *formats: str, **more: object) -> ExportJob:
    return ExportJob(
        source=root / "student", root=root, into=root / "export", formats=formats, name="toy", **more
    )


def test_an_adapter_and_a_merged_model_are_delivered_with_their_proof(tmp_path: Path):
    trained(tmp_path, "qwen3")
    alone, adapter, whole = export(job(tmp_path, "safetensors"))
    assert (alone.path, alone.parity.passed) == ("adapter.safetensors", True)
    assert (adapter.format, whole.format) == ("adapter", "safetensors")
    assert adapter.parity.passed
    assert whole.parity.passed
    assert whole.parity.same_tokens
    assert (tmp_path / "export/adapter/adapter_model.safetensors").is_file()
    assert (tmp_path / "export/model/model.safetensors").is_file()
    report = json.loads((tmp_path / "export" / REPORT).read_text())
    assert [one["proven"] for one in report["exports"]] == [True, True, True]
    assert not (tmp_path / "export/.making").exists()


def test_a_gguf_file_without_its_runtime_is_delivered_and_said_to_be_unproven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def absent(*_: object) -> None:
        raise NoRuntime("llama.cpp is not installed here: pip install llama-cpp-python")

    monkeypatch.setattr(runtimes, "ask_llama_cpp", absent)
    trained(tmp_path, "llama")
    found, modelfile = export(job(tmp_path, "gguf"))
    assert found.delivered
    assert found.parity is None
    assert "not proven" in found.why
    assert (tmp_path / "export/toy.f16.gguf").is_file()
    assert modelfile.path == "Modelfile"


@pytest.mark.parametrize("failure", ["differs", "dies"])
def test_a_form_that_differs_or_can_not_be_loaded_is_not_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str
):
    def wrong(folder: Path, probes: list) -> object:
        if failure == "dies":
            raise RuntimeFailed("it ended with code -11")
        said = right(folder, probes)
        return type(said)(said.runtime, tuple(-logits for logits in said.logits), said.tokens)

    right = runtimes.ask_transformers
    monkeypatch.setattr(runtimes, "ask_transformers", wrong)
    trained(tmp_path, "llama")
    *_, whole = export(job(tmp_path, "safetensors"))
    assert not whole.delivered
    assert ("does not say what the student says" in whole.why) == (failure == "differs")
    assert not (tmp_path / "export/model").exists()


@pytest.mark.parametrize("shape", ["llama", "qwen3"])
@pytest.mark.parametrize("kind", ["f16", "q8_0"])
def test_llama_cpp_itself_proves_a_gguf_file(tmp_path: Path, shape: str, kind: str):
    pytest.importorskip("llama_cpp")
    trained(tmp_path, shape)
    found, _ = export(job(tmp_path, "gguf", gguf_type=kind))
    assert found.parity.passed
    assert found.parity.same_tokens
    assert found.parity.runtime.startswith("llama.cpp")


def test_a_format_that_nobody_writes_is_refused_with_those_that_are_written():
    with pytest.raises(StudentError, match="tflite") as caught:
        check_formats(["gguf", "tflite"])
    assert "safetensors" in caught.value.help


@pytest.mark.parametrize("shape", ["llama", "qwen3"])
def test_llama_cpp_itself_proves_an_adapter_on_its_base(tmp_path: Path, shape: str):
    pytest.importorskip("llama_cpp")
    trained(tmp_path, shape)
    adapter, base, modelfile = export(job(tmp_path, "gguf", merged=False))
    assert adapter.path == "toy.adapter.gguf"
    assert adapter.parity.passed
    assert adapter.parity.divergence < 1e-5
    assert (tmp_path / "export" / base.path).is_file()
    text = (tmp_path / "export" / modelfile.path).read_text()
    assert "FROM ./toy.base.f16.gguf\nADAPTER ./toy.adapter.gguf\n" in text


def test_an_adapter_that_is_not_plain_lora_is_refused_as_gguf(tmp_path: Path):
    trained(tmp_path, "llama", dora=True)
    with pytest.raises(StudentError, match="not DoRA") as caught:
        export(job(tmp_path, "gguf", merged=False))
    assert "EXPORT.merge: true" in caught.value.help
