from pathlib import Path

import pytest
import torch

from idiolect.ship.merge import load_for_merge, merge, save_merged
from idiolect.ship.parity import compare_logits
from idiolect.ship.probes import Probe, logits_of, plain_probes
from idiolect.ship.runtimes import ask_peft, ask_transformers
from idiolect.student.adapters import AdapterSettings, attach_adapter
from idiolect.student.load import load_student
from idiolect.student.save import save_student
from idiolect.student.trouble import StudentError
from tiny_models import DECODERS, tiny_model


def trained(root: Path, shape: str, *, dora: bool = False) -> Path:
    """A student whose adapter says something: its zero matrices are filled."""
    from dataclasses import replace

    tiny_model(root / "base", shape)
    student = load_student("base", root=root, device="cpu", precision="fp32")
    model = attach_adapter(student.model, AdapterSettings(4, 8, dora=dora), seed=1)
    torch.manual_seed(2)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.5)
    save_student(replace(student, model=model.eval()), root / "student")
    return root / "student"


@pytest.mark.parametrize("shape", DECODERS)
@pytest.mark.parametrize("dora", [False, True])
def test_a_merged_model_says_what_base_and_adapter_say(tmp_path: Path, shape: str, dora: bool):
    folder = trained(tmp_path, shape, dora=dora)
    student = load_for_merge(folder, root=tmp_path)
    probes = plain_probes(student.tokenizer)
    before = [logits_of(student.model, probe) for probe in probes]
    base = load_student("base", root=tmp_path, device="cpu", precision="fp32")
    plain = [logits_of(base.model, probe) for probe in probes]
    assert max(float((a - b).abs().max()) for a, b in zip(plain, before, strict=True)) > 0.1
    merged = merge(student, probes)
    assert merged.difference < 1e-4
    out = save_merged(merged, tmp_path / "merged")
    said = ask_transformers(out, probes)
    assert compare_logits(before, said.logits, kind="fp32", runtime=said.runtime).passed
    again = load_student(out, root=tmp_path)
    assert not again.has_adapter
    assert again.form == student.form
    adapter = ask_peft(base.model, folder, probes)
    assert compare_logits(before, adapter.logits, kind="fp32", runtime=adapter.runtime).passed


def test_an_adapter_trained_on_packed_weights_is_merged_into_whole_ones(tmp_path: Path):
    pytest.importorskip("bitsandbytes")
    from dataclasses import replace

    tiny_model(tmp_path / "base", "llama", hidden_size=64, intermediate_size=128)
    student = load_student("base", root=tmp_path, device="cpu", precision="fp32", quantization="nf4")
    model = attach_adapter(student.model, AdapterSettings(4, 8), seed=1)
    save_student(replace(student, model=model), tmp_path / "student")
    loaded = load_for_merge(tmp_path / "student", root=tmp_path)
    merged = merge(loaded, plain_probes(loaded.tokenizer))
    out = save_merged(merged, tmp_path / "merged")
    weights = {str(weight.dtype) for weight in load_student(out, root=tmp_path).model.parameters()}
    assert weights == {"torch.float32"}


def test_a_student_without_an_adapter_has_nothing_to_merge(tmp_path: Path):
    tiny_model(tmp_path / "base", "llama")
    with pytest.raises(StudentError, match="nothing to fold in"):
        load_for_merge("base", root=tmp_path)


def test_a_merge_that_would_change_the_answers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    student = load_for_merge(trained(tmp_path, "llama"), root=tmp_path)
    probes = plain_probes(student.tokenizer)
    tuner = type(student.model.base_model)
    whole = tuner.merge_and_unload

    def damaged(self: object, **settings: object) -> object:
        model = whole(self, **settings)
        with torch.no_grad():
            model.model.layers[0].mlp.up_proj.weight[0] += 1.0
        return model

    monkeypatch.setattr(tuner, "merge_and_unload", damaged)
    with pytest.raises(StudentError, match="logits differ by"):
        merge(student, probes)


def test_the_divergence_is_that_of_the_distributions():
    wanted = torch.tensor([[1.0, 2.0, 0.0], [0.5, 0.5, 3.0]])
    found = torch.tensor([[1.0, 1.0, 0.0, 9.0], [0.5, 0.5, 3.0, 9.0]])
    told = compare_logits([wanted], [found], kind="q8_0", runtime="toy")
    p, q = wanted[0].softmax(-1), found[0, :3].softmax(-1)
    by_hand = sum(float(a * torch.log(a / b)) for a, b in zip(p, q, strict=True)) / 2
    assert told.divergence == pytest.approx(by_hand, rel=1e-6)
    assert told.top_1 == 0.5
    assert not told.passed
    assert Probe((1, 2, 3), 1).positions == 2


def test_an_adapter_alone_in_a_file_is_merged_as_its_folder_is(tmp_path: Path):
    from idiolect.ship.adapter_file import opened_adapter, write_adapter_file

    folder = trained(tmp_path, "qwen3")
    path = write_adapter_file(folder, tmp_path / "adapter.safetensors")
    probes = plain_probes(load_student("base", root=tmp_path, device="cpu").tokenizer)
    found = [
        logits_of(merge(load_for_merge("base", root=tmp_path, adapter=one), probes).student.model, probes[0])
        for one in (folder, path)
    ]
    assert torch.equal(*found)
    (tmp_path / "other.safetensors").write_bytes((folder / "adapter_model.safetensors").read_bytes())
    with pytest.raises(StudentError, match="what kind of adapter"):
        opened_adapter(tmp_path / "other.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    with pytest.raises(StudentError, match="no safetensors file"):
        opened_adapter(tmp_path / "broken.safetensors")
