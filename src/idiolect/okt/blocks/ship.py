"""EXPORT, DEPLOY, SECURITY, MERGE and PACKAGE: what leaves the run."""

from __future__ import annotations

from typing import Literal

from idiolect.okt.fields import Block, PathText, Status, field
from idiolect.okt.vocab import DeployFormat, ExportFormat


class Export(Block):
    """The only place that defines what leaves the run."""

    format: list[ExportFormat] | None = field(
        "Formats to write.", required=True, code="V008", example='format: ["safetensors", "gguf"]'
    )
    path: PathText = field("Target folder; created when absent.", suggested="export/")
    quantization: Literal["int8", "int4", "fp16", "fp32"] | None = field(
        "Weight type of the exported files.", default_text="fp16 when gguf is asked for"
    )
    optimize_for: Literal["speed", "size", "accuracy"] | None = field("What the exporter should favour.")
    gguf_type: Literal["f16", "q8_0", "q4_0", "q4_k_m", "q5_k_m"] | None = field(
        "GGUF weight type.",
        default_text="follows quantization: int8 q8_0, int4 q4_k_m, fp16 f16",
        status=Status.EXTENSION,
    )
    merge: bool = field(
        "Fold the adapter into the base for formats that hold whole models.",
        suggested=True,
        status=Status.EXTENSION,
    )


class Deploy(Block):
    """Where and how the exported model is served."""

    target: Literal["local", "cloud", "edge", "api", "android", "ios", "web", "desktop"] | None = field(
        "Kind of destination.", required=True
    )
    endpoint: str | None = field(
        "Route of the service; older files put a full URL here.",
        default_text="/<project>",
        example='endpoint: "/ask"',
    )
    host: str | None = field("Address to listen on.", suggested="127.0.0.1", since="1.2")
    requires_auth: bool = field("Ask callers for credentials.", suggested=False)
    port: int | None = field("TCP port.", suggested=9000, at_least=1024, at_most=65535)
    max_concurrent_requests: int | None = field("Requests served at once.", above=0)
    protocol: Literal["http", "https", "grpc", "ws"] = field("Wire protocol.", suggested="http", since="1.2")
    format: DeployFormat | None = field("Which exported file to serve.", since="1.2")


class InputValidation(Block):
    """Checks on requests."""

    max_length: int | None = field("Longest input in characters.", above=0, since="1.2")
    disallow_patterns: list[str] | None = field(
        "Plain texts that must not occur, such as eval(; compared without regard to case.", since="1.2"
    )


class OutputValidation(Block):
    """Checks on answers."""

    prevent_data_leak: bool = field(
        "Hold back answers that reproduce training data.", suggested=False, since="1.2"
    )
    mask_personal_info: bool = field("Hide personal details in answers.", suggested=False, since="1.2")


class RateLimit(Block):
    """Limit a client."""

    max_requests_per_minute: int | None = field("Requests a client and minute.", above=0, since="1.2")


class Encryption(Block):
    """Protection of stored artefacts."""

    algorithm: Literal["AES-256", "SHA-256", "RSA"] = field(
        "Algorithm; SHA-256 is a digest and encrypts nothing.", suggested="AES-256", since="1.2"
    )


class Security(Block):
    """Input and output checks, rate limit and encryption."""

    input_validation: InputValidation | None = field("Checks on requests.", since="1.2")
    output_validation: OutputValidation | None = field("Checks on answers.", since="1.2")
    rate_limit: RateLimit | None = field("Limit a client.", since="1.2")
    encryption: Encryption | None = field("Protection of stored artefacts.", since="1.2")
    encrypt_model: bool = field(
        "Seal packages with AES-256-GCM; the key comes from OKTO_KEY or a key file, never from the script.",
        suggested=False,
        status=Status.LEGACY,
    )
    watermark: bool = field(
        "Sign provenance into the package (Ed25519); it is not hidden in the weights.",
        suggested=False,
        status=Status.LEGACY,
    )
    access_token: str | None = field(
        "Token written in the script; prefer the environment.", status=Status.LEGACY
    )


class Merge(Block):
    """Folds an adapter into its base model."""

    source: PathText | None = field("Adapter.", required=True, since="2.0", status=Status.PLANNED)
    target: PathText | None = field("Base model.", required=True, since="2.0", status=Status.PLANNED)
    output: PathText | None = field(
        "Where the merged model goes.", required=True, since="2.0", status=Status.PLANNED
    )
    format: list[ExportFormat] | None = field(
        "Formats of the merged model.", since="2.0", status=Status.PLANNED, code="V008"
    )


class Package(Block):
    """Everything that an offline machine needs, in one folder."""

    path: PathText | None = field("Folder to write.", required=True, status=Status.EXTENSION)
    include: list[Literal["weights", "gguf", "dialect", "retrieval", "cli"]] = field(
        "Parts to put in.", suggested=["weights", "dialect", "retrieval", "cli"], status=Status.EXTENSION
    )
