"""Writes a model's folder as an ONNX graph with its key-value cache, in 32 bits, or packed to int8 or int4.

    export_onnx(folder, out, "int8", prompt=turns)

One graph serves prefill and decoding: the past may be empty. Inputs and outputs have the names that
transformers.js and optimum use. The folder holds the graph, the tokenizer, and `run.py`, which answers with
onnxruntime, numpy and tokenizers alone. That it says what the model says is shown by `ship/parity.py`.
"""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from idiolect.files import write_beside
from idiolect.ship.gguf.vocabulary import CantConvert
from idiolect.student.quiet import quiet
from idiolect.student.trouble import libraries

GRAPH, RUNNER, PROMPT = "model.onnx", "run.py", "prompt.json"
KINDS = ("fp32", "int8", "int4")
_KEPT = (
    "tokenizer.json",
    "tokenizer_config.json",
    "config.json",
    "generation_config.json",
    "chat_template.jinja",
)
_INT4_BLOCK = 32
_MOST_INLINE = 1_500_000_000  # bytes of weights in the graph's own file, which protobuf bounds at 2 GiB
_NOISY = ("torch.onnx", "onnxscript", "onnx_ir", "root")


def check_onnx(config: Mapping[str, Any]) -> None:
    """CantConvert for a model that this export does not know how to write."""
    if config.get("is_encoder_decoder"):
        raise CantConvert(
            "encoder-decoder models can't be written as ONNX here", "safetensors and okm hold any"
        )
    kinds = set((config.get("text_config") or config).get("layer_types") or ())
    odd = kinds - {"full_attention", "sliding_attention"}
    if odd:
        what = (
            f"layers of the kind {', '.join(sorted(odd))} keep no keys and values, which the graph's cache is"
        )
        raise CantConvert(what, "safetensors and okm hold any")


def export_onnx(
    folder: Path, out: Path, kind: str = "fp32", *, prompt: Mapping[str, Any] | None = None
) -> Path:
    """Write a folder with a graph; CantConvert says what can't be written as such."""
    if kind not in KINDS:
        raise CantConvert(f'no ONNX weights of kind "{kind}"', f"kinds: {', '.join(KINDS)}")
    check_onnx(json.loads((folder / "config.json").read_text("utf-8")))
    with libraries("export", "ONNX exports"):
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    out.mkdir(parents=True)
    whole = out / GRAPH if kind == "fp32" else out / "whole.onnx"
    with _silent():
        _save_graph(_model(folder), whole)
        if kind != "fp32":
            pack_graph(whole, out / GRAPH, kind)
            for path in out.glob("whole.onnx*"):
                path.unlink()
    for name in _KEPT:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, out / name)
    write_beside(out / RUNNER, files("idiolect.ship").joinpath("onnx_run.py").read_text("utf-8"))
    if prompt is not None:
        write_beside(out / PROMPT, json.dumps(dict(prompt), indent=2, ensure_ascii=False) + "\n")
    return out


def _model(folder: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    with quiet():
        # the plain attention: what a graph says of fused ones depends on sizes that are seen while tracing
        return AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            attn_implementation="eager",
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        ).eval()


def _save_graph(model: Any, path: Path) -> None:
    import torch

    heads, width, layers = _cache_shape(model)
    batch, new, old = 2, 3, 5  # sizes to trace with, none of them special
    past = [torch.zeros(batch, heads, old, width) for _ in range(2 * layers)]
    example = (
        torch.zeros(batch, new, dtype=torch.long),
        torch.ones(batch, old + new, dtype=torch.long),
        torch.arange(old, old + new).expand(batch, new).clone(),
        torch.tensor(1),
        past,
    )
    any_size = torch.export.Dim.DYNAMIC
    shapes = ({0: any_size, 1: any_size},) * 3
    pairs = [(layer, part) for layer in range(layers) for part in ("key", "value")]
    made = torch.onnx.export(
        _cached_graph(model),
        example,
        dynamo=True,
        verbose=False,
        dynamic_shapes=(*shapes, None, [{0: any_size, 2: any_size} for _ in past]),
        input_names=[
            *("input_ids", "attention_mask", "position_ids", "num_logits_to_keep"),
            *(f"past_key_values.{layer}.{part}" for layer, part in pairs),
        ],
        output_names=["logits", *(f"present.{layer}.{part}" for layer, part in pairs)],
    )
    _forget_origins(made.model)
    weights = sum(one.numel() * 4 for one in model.parameters())
    made.save(str(path), external_data=weights > _MOST_INLINE)


def _cached_graph(model: Any) -> Any:
    """The model as a function of ids, mask, positions, how many logits to keep (0: all) and a flat past."""
    import torch
    from transformers import DynamicCache

    class CachedGraph(torch.nn.Module):  # type: ignore[misc]  # torch is not followed
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(
            self, input_ids: Any, attention_mask: Any, position_ids: Any, keep: Any, past: list[Any]
        ) -> tuple[Any, ...]:
            cache = DynamicCache()  # without a config: windows are the mask's, and every layer keeps all
            for at in range(0, len(past), 2):
                cache.update(past[at], past[at + 1], at // 2)
            count = input_ids.shape[1]
            at_end = torch.arange(count) >= count - keep
            kept = torch.nonzero(at_end | (keep == 0))[:, 0]
            torch._check(kept.shape[0] >= 1)
            torch._check(kept.shape[0] <= count)
            said = self.model(
                input_ids=input_ids,
                attention_mask=attention_mask,
                position_ids=position_ids,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=kept,
            )
            flat = [part for layer in cache.layers for part in (layer.keys, layer.values)]
            return (said.logits, *flat)

    return CachedGraph()


def _cache_shape(model: Any) -> tuple[int, int, int]:
    """Heads, width and layers of the model's keys; CantConvert where they are not all alike."""
    import torch
    from transformers import DynamicCache

    cache = DynamicCache()
    with torch.inference_mode():
        model(input_ids=torch.zeros(1, 2, dtype=torch.long), past_key_values=cache, use_cache=True)
    shapes = {tuple(part.shape) for layer in cache.layers for part in (layer.keys, layer.values)}
    if len(shapes) != 1 or len(next(iter(shapes))) != 4:
        raise CantConvert(
            "the layers of this model keep caches of several shapes", "safetensors and okm hold any"
        )
    _, heads, _, width = next(iter(shapes))
    return heads, width, len(cache.layers)


def _forget_origins(model: Any) -> None:
    """Take out where in the source each node came from: paths of this machine, and half of the file."""
    for graph in (model.graph, *model.functions.values()):
        for node in graph:
            node.metadata_props.clear()
            node.doc_string = None
            for value in node.outputs:
                value.metadata_props.clear()
    model.metadata_props.clear()


def pack_graph(whole: Path, out: Path, kind: str) -> None:
    """Pack the weights of a graph: int8 by onnxruntime's dynamic quantization, int4 in blocks of 32."""
    external = bool(list(whole.parent.glob(f"{whole.name}.data")))
    if kind == "int8":
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(whole, out, weight_type=QuantType.QInt8, use_external_data_format=external)
        return
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    packer = MatMulNBitsQuantizer(onnx.load(str(whole)), block_size=_INT4_BLOCK, is_symmetric=True)
    packer.process()
    packer.model.save_model_to_file(str(out), use_external_data_format=external)


@contextmanager
def _silent() -> Iterator[None]:
    """Nothing of what the exporter and the packer say while they work."""
    loggers = [logging.getLogger(name) for name in _NOISY]
    levels, root = [logger.level for logger in loggers], logging.getLogger()
    handlers = list(root.handlers)
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        root.handlers[:] = handlers  # the packer's first word gives the root logger one, for good
