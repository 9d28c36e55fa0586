"""The hardware hints announced for 1.3: recognised, answered with one warning, and without effect here."""

from __future__ import annotations

from typing import Literal

from idiolect.okt.fields import Block, PathText, Status, field

_PROPOSED = Status.PROPOSED


class Blas(Block):
    """Matrix library settings; purely a performance hint."""

    backend: Literal["oktoblas", "cublas", "auto"] = field("Library to use.", default="auto", since="1.3")
    precision: Literal["fp16", "fp32", "auto", "tf32", "bf16"] = field(
        "Precision of matrix work.", default="auto", since="1.3"
    )
    streams: int = field("Parallel CUDA streams.", default=1, at_least=1, since="1.3")
    kernel: Literal["final_v1", "best_v3", "pure", "flash_attention", "auto"] = field(
        "Kernel by name.", default="auto", since="1.3", status=_PROPOSED
    )
    autoselect: bool = field("Choose the kernel by matrix size.", default=True, since="1.3", status=_PROPOSED)
    benchmark_mode: bool = field("Time kernels first.", default=False, since="1.3", status=_PROPOSED)
    memory_pool: Literal["enabled", "disabled", "auto"] = field(
        "Reuse device memory.", default="auto", since="1.3", status=_PROPOSED
    )


Engine = Literal["oktoblas", "native", "auto", "disabled"]


class Accelerate(Block):
    """Which operations may use the accelerated library."""

    gemm: Engine = field("Matrix products.", suggested="auto", since="1.3")
    attention: Engine = field("Attention.", suggested="auto", since="1.3")
    fused_ops: bool = field("Allow fused kernels.", suggested=False, since="1.3")
    softmax: Engine | None = field("Softmax.", since="1.3", status=_PROPOSED)
    layernorm: Engine | None = field("Layer normalisation.", since="1.3", status=_PROPOSED)


class TensorCores(Block):
    """Use of tensor cores."""

    enabled: bool | None = field("Switch.", since="1.3")
    precision: Literal["fp16", "bf16", "tf32"] | None = field("Number type.", since="1.3")
    min_matrix_size: int | None = field(
        "Smallest matrix that uses them.", above=0, since="1.3", status=_PROPOSED
    )


class Benchmark(Block):
    """Timing run before training."""

    operations: list[Literal["gemm_fp16", "gemm_fp32", "attention", "softmax", "layernorm"]] | None = field(
        "What to time.", since="1.3", status=_PROPOSED
    )
    matrix_sizes: list[int] | None = field("Sizes to time.", above=0, since="1.3", status=_PROPOSED)
    iterations: int | None = field("Repeats.", above=0, since="1.3", status=_PROPOSED)
    warmup: int | None = field("Untimed repeats.", at_least=0, since="1.3", status=_PROPOSED)
    compare_with: list[Literal["pytorch", "cublas", "cutlass"]] | None = field(
        "Rivals.", since="1.3", status=_PROPOSED
    )
    output: PathText | None = field("JSON result file.", since="1.3", status=_PROPOSED)
