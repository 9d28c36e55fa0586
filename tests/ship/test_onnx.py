import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_export import job
from test_gguf import SHAPES, ids_of, model_folder
from test_merge import trained

from idiolect.ship.export import export
from idiolect.ship.gguf.vocabulary import CantConvert
from idiolect.ship.onnx_export import KINDS, check_onnx, export_onnx, pack_graph
from idiolect.ship.onnx_run import OnnxModel
from idiolect.ship.parity import compare_logits
from idiolect.student.load import load_student
from idiolect.student.prompt import conversation_text, formed

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def greedy(folder: Path, ids: list[int], most: int) -> list[int]:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        for _ in range(most):
            ids = [*ids, int(model(torch.tensor([ids])).logits[0, -1].argmax())]
    return ids


@pytest.mark.parametrize(
    "shape",
    ["llama", pytest.param("qwen3", marks=pytest.mark.slow), pytest.param("gemma3", marks=pytest.mark.slow)],
)
def test_onnxruntime_answers_as_the_model_does_with_its_cache(tmp_path: Path, shape: str):
    import numpy as np
    import torch
    from transformers import AutoModelForCausalLM

    layers = {} if shape == "gemma3" else {"num_hidden_layers": 2}
    folder = model_folder(tmp_path / shape, shape, **layers)
    out = export_onnx(folder, tmp_path / "onnx")
    model = OnnxModel(out, threads=1)
    model.stops = frozenset()
    ids = ids_of(folder, 40)
    with torch.inference_mode():
        whole = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        wanted = whole(torch.tensor([ids])).logits[0].numpy()
    assert np.abs(model.logits(ids) - wanted).max() < 1e-3
    assert model.logits(ids, 30).shape == (10, wanted.shape[1])
    start = ids[:20]
    assert [*start, *model.generate(start, most=15)] == greedy(folder, start, 15)
    for kind in KINDS[1:]:
        packed = shutil.copytree(out, tmp_path / kind)
        pack_graph(out / "model.onnx", packed / "model.onnx", kind)
        assert (packed / "model.onnx").stat().st_size < (out / "model.onnx").stat().st_size
        found = torch.from_numpy(OnnxModel(packed, threads=1).logits(ids))
        assert compare_logits([torch.from_numpy(wanted)], [found], kind=kind, runtime="").divergence < 0.5
    text = (out / "model.onnx").read_bytes()
    assert str(Path(__file__).parent.parent.parent).encode() not in text
    assert b"site-packages" not in text


def test_a_student_is_exported_packed_and_answers_without_torch(tmp_path: Path):
    trained(tmp_path, "llama")
    (found,) = export(job(tmp_path, "onnx", onnx_type="int8"))
    assert found.parity.passed
    assert found.parity.same_tokens
    assert found.parity.runtime.startswith("onnxruntime")
    folder = tmp_path / "export/onnx"
    student = load_student(tmp_path / "student", root=tmp_path, device="cpu")
    asked = [{"role": "user", "content": "Find all orders"}]
    about = json.loads((folder / "prompt.json").read_text())
    program = (
        "import sys, json, runpy\n"
        "run = runpy.run_path(sys.argv[1])\n"
        "about = json.loads(open(sys.argv[2]).read())\n"
        "print(run['prompt_of']('Find all orders', about), end='')\n"
        "assert 'torch' not in sys.modules and 'idiolect' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder / "run.py"), str(folder / "prompt.json")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == conversation_text(formed(asked, student.form), student.tokenizer, student.form)
    command = [sys.executable, str(folder / "run.py"), "--most", "8", "--threads", "1"]
    answered = subprocess.run([*command, "Find all orders"], capture_output=True, text=True, check=True)
    assert answered.stdout.endswith("\n")
    refused = subprocess.run([*command, "a " + about["special"][0]], capture_output=True, text=True)
    assert refused.returncode == 1
    assert "mark of the model's own" in refused.stderr


def test_models_without_keys_and_values_are_refused():
    with pytest.raises(CantConvert, match="linear_attention"):
        check_onnx({"layer_types": ["full_attention", "linear_attention"]})
    with pytest.raises(CantConvert, match="encoder-decoder"):
        check_onnx({"is_encoder_decoder": True})
    assert set(SHAPES) == {"llama", "qwen3", "gemma3"}
