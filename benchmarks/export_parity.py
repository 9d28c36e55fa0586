"""How near every exported form is to its student, in its own runtime: three shapes, trained for a few steps.

    python benchmarks/export_parity.py [--steps 200] [--shapes llama qwen3 gemma3]

Prints a table: mean divergence in nats, share of positions with the same likeliest token, bytes. Models are
of six layers and width 256, with norms that differ from one; they are trained on the text of our docs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "ship")]

GGUF = ("f32", "f16", "q8_0", "q5_k_m", "q4_k_m", "q4_0")
ONNX = ("fp32", "int8", "int4")


def trained(folder: Path, shape: str, steps: int) -> Path:
    """A model's folder after a few steps on our docs."""
    import torch
    from test_gguf import model_folder
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model_folder(folder, shape, hidden_size=256, intermediate_size=512)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).train()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md")))[:200_000]
    ids = torch.tensor(tokenizer(text, add_special_tokens=False)["input_ids"])
    draws = torch.Generator().manual_seed(0)
    loop = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(steps):
        at = torch.randint(0, len(ids) - 65, (4,), generator=draws)
        batch = torch.stack([ids[one : one + 64] for one in at.tolist()])
        loss = model(input_ids=batch, labels=batch).loss
        loop.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        loop.step()
    print(f"{shape}: {steps} steps, loss {loss.item():.2f}", flush=True)
    model.eval().save_pretrained(folder)
    return folder


def measure(shape: str, steps: int) -> None:
    from idiolect.ship.export import export
    from idiolect.ship.exported import ExportJob

    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        trained(root / "base", shape, steps)
        jobs = [("gguf", {"gguf_type": kind}, kind) for kind in GGUF]
        jobs += [("safetensors", {}, "fp32"), ("okm", {}, "fp32"), ("onnx", {}, "fp32")]
        for format, settings, kind in jobs:
            started = time.perf_counter()
            job = ExportJob(
                source="base", root=root, into=root / "out", formats=(format,), name="m",
                bounds=dict.fromkeys((*GGUF, *ONNX), 10.0), **settings,
            )  # fmt: skip
            one = export(job)[0]
            proof = one.parity
            told = "not proven" if proof is None else f"{proof.divergence:.1e} | {proof.top_1:.3f}"
            print(f"| {shape} | {format} {kind} | {told} | {one.bytes:,} |", end=" ")
            print(f"{time.perf_counter() - started:.0f} s", flush=True)
        packed_graphs(root, shape)


def packed_graphs(root: Path, shape: str) -> None:
    """The graph that was exported, packed: writing it anew for each kind would take minutes."""
    import shutil

    from idiolect.ship.onnx_export import GRAPH, pack_graph
    from idiolect.ship.parity import compare_logits
    from idiolect.ship.probes import logits_of, plain_probes
    from idiolect.ship.runtimes import ask_onnx
    from idiolect.student.load import load_student

    student = load_student("base", root=root, device="cpu", precision="fp32")
    probes = plain_probes(student.tokenizer)
    wanted = [logits_of(student.model, probe) for probe in probes]
    for kind in ONNX[1:]:
        folder = shutil.copytree(root / "out" / "onnx", root / kind)
        pack_graph(root / "out" / "onnx" / GRAPH, folder / GRAPH, kind)
        proof = compare_logits(wanted, ask_onnx(folder, probes).logits, kind=kind, runtime="onnxruntime")
        told = f"{proof.divergence:.1e} | {proof.top_1:.3f} | {(folder / GRAPH).stat().st_size:,}"
        print(f"| {shape} | onnx {kind} | {told} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--shapes", nargs="+", default=["llama", "qwen3", "gemma3"])
    asked = parser.parse_args()
    for shape in asked.shapes:
        measure(shape, asked.steps)


if __name__ == "__main__":
    main()
