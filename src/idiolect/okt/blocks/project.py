"""PROJECT, DESCRIPTION, VERSION, TAGS, AUTHOR (single values) and ENV (the machine)."""

from __future__ import annotations

from typing import Literal

from idiolect.okt.fields import Block, Size, Status, field


class Head(Block):
    """Single values at the top of a script; each field is written `NAME value`, with no colon."""

    project: str | None = field(
        "Names the project; also the name of its run folder.",
        name="PROJECT",
        required=True,
        length=(1, 100),
        form='PROJECT "name"',
        example='PROJECT "bank-queries"',
    )
    description: str | None = field(
        "Free text about the project.", name="DESCRIPTION", length=(0, 500), form='DESCRIPTION "text"'
    )
    version: str | None = field(
        "Version of your project, not of the language.", name="VERSION", form='VERSION "1.0"'
    )
    tags: list[str] | None = field(
        "Search labels, compared without regard to case.", name="TAGS", length=(0, 10), form='TAGS ["a", "b"]'
    )
    author: str | None = field("Who wrote the script.", name="AUTHOR", form='AUTHOR "name"')


class Env(Block):
    """What the machine has to offer; checked before any other stage and answered by env_report.json."""

    accelerator: Literal["auto", "cpu", "gpu", "tpu"] = field("Kind of compute unit wanted.", default="auto")
    min_memory: Size = field(
        "Least amount of main memory that the machine must have.",
        default=8 * 1024**3,
        default_text='"8GB"',
        open_values=("4GB", "8GB", "16GB", "32GB", "64GB"),
        example='min_memory: "16GB"',
    )
    precision: Literal["auto", "fp16", "fp32", "bf16"] = field(
        "Numeric precision asked of the run.", default="auto"
    )
    backend: Literal["auto", "oktoseek"] = field("Which execution engine to prefer.", default="auto")
    install_missing: bool = field(
        "Whether absent dependencies may be installed; if not, an absent one is an error.", default=False
    )
    platform: Literal["windows", "linux", "mac", "any"] = field(
        "Operating system that the script is meant for; checked unless it is any.", default="any"
    )
    network: Literal["online", "offline", "required"] = field(
        "Whether the internet may or must be reachable; required is tested first.",
        default="online",
    )
    blas_backend: Literal["oktoblas", "cublas", "auto"] | None = field(
        "Matrix library of the whole run.", since="1.3", status=Status.PROPOSED
    )
    tensor_cores: Literal["enabled", "disabled", "auto"] | None = field(
        "Tensor core use of the whole run.", since="1.3", status=Status.PROPOSED
    )
    cuda_streams: int | None = field(
        "Number of parallel CUDA streams.", at_least=1, since="1.3", status=Status.PROPOSED
    )
