"""Which number type a student's weights get. The deciding part is pure.

The loop's own arithmetic (autocast) is the trainer's business, not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from idiolect.problem import problem
from idiolect.student.trouble import StudentError

Precision = Literal["fp32", "fp16", "bf16"]
Device = Literal["cpu", "cuda", "mps"]

# Gemma 3's activations grow beyond the 65,504 that fp16 holds, and its losses turn NaN.
_NO_FP16 = frozenset(("gemma3", "gemma3_text"))
_AMPERE = (8, 0)
# Below it a model is quick in fp32 anyway, and small students suffer most from rounding.
_WORTH_IT = 100_000_000


@dataclass(frozen=True, slots=True)
class Hardware:
    """What decides a number type."""

    device: Device
    capability: tuple[int, int] | None = None  # of a CUDA device
    multiplies_bf16: bool = False  # a CPU with AMX or AVX512-BF16


def choose_precision(
    wanted: str | None,
    hardware: Hardware,
    *,
    model_type: str | None = None,
    stored: str | None = None,
    parameters: int | None = None,
) -> tuple[Precision, str]:
    """The type and why. `stored` is the type that the checkpoint's weights have, as "bfloat16"."""
    if wanted in ("fp32", "fp16", "bf16"):
        _refuse(wanted, hardware, model_type)
        return wanted, "as asked"  # type: ignore[return-value]
    if wanted not in (None, "auto"):
        what = f'precision "{wanted}" is no number type for weights'
        raise StudentError(problem("L611", what, help='write "fp32", "bf16", "fp16" or "auto"'))
    if hardware.device == "cuda":
        if hardware.capability and hardware.capability >= _AMPERE:
            return "bf16", "the GPU multiplies bf16"
        if model_type in _NO_FP16:
            return "fp32", f"the GPU has no bf16 and {model_type} can't be fp16"
        return "fp16", "the GPU has no bf16"
    if hardware.device == "mps":
        return "fp32", "the default on Apple GPUs"
    halved = stored in ("bfloat16", "float16") and (parameters or 0) >= _WORTH_IT
    if hardware.multiplies_bf16 and halved:
        # Measured on 1 core with AVX512-BF16, widths 256 to 2048: 189 to 201 GFLOP/s against 77 to 92.
        return "bf16", "the CPU multiplies bf16, and the weights are stored in 16 bits"
    return "fp32", "the default on a CPU"


def _refuse(wanted: str, hardware: Hardware, model_type: str | None) -> None:
    if wanted != "fp16":
        return
    if model_type in _NO_FP16:
        what = f"{model_type} overflows in fp16: its loss would turn NaN"
        raise StudentError(problem("L611", what, help='write precision: "bf16" or "fp32"'))
    if hardware.device == "cpu":
        what = "a CPU does not train in fp16"
        raise StudentError(problem("L611", what, help='write precision: "fp32" or "bf16"'))


def choose_device(wanted: str | None) -> Device:
    """The device for a wish; auto takes a GPU if there is one."""
    import torch

    has_mps = torch.backends.mps.is_available()
    if wanted in (None, "auto", "gpu"):
        return "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    if wanted == "cuda" and not torch.cuda.is_available():
        raise StudentError(problem("L503", 'device is "cuda", and no NVIDIA GPU can be used', help=_AUTO))
    if wanted == "mps" and not has_mps:
        raise StudentError(
            problem("L503", 'device is "mps", and this is no Mac with an Apple GPU', help=_AUTO)
        )
    if wanted not in ("cpu", "cuda", "mps"):
        raise StudentError(problem("L503", f'no device "{wanted}"', help=_AUTO))
    return wanted  # type: ignore[return-value]


_AUTO = 'write device: "auto" or "cpu"'


def hardware_of(device: Device) -> Hardware:
    """What this machine's device can do."""
    import torch

    if device == "cuda":
        return Hardware(device, torch.cuda.get_device_capability())
    names = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    probes = [getattr(torch.cpu, name, None) for name in names]
    return Hardware(device, None, device == "cpu" and any(probe() for probe in probes if probe))


def torch_type(precision: str) -> object:
    """torch's own name for a number type."""
    import torch

    return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]
