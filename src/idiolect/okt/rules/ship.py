"""Rules of EXPORT and DEPLOY."""

from __future__ import annotations

from urllib.parse import urlsplit

from idiolect.okt.diagnostics import Reporter
from idiolect.okt.inherit import Inherited
from idiolect.okt.reading import BlockReading, Reading

_MOBILE = ("transformer", "cnn", "bert", "gpt", "vision-transformer", "rnn")


def export(reading: Reading, model: Inherited, reporter: Reporter) -> None:
    block = reading.blocks.get("EXPORT")
    if block is None:
        if reading.trains:
            trained = (
                "the adapter is trained and not exported"
                if reading.has("FT_LORA")
                else "nothing leaves the run"
            )
            place = reading.blocks.get("FT_LORA") or reading.blocks["TRAIN"]
            reporter.warning(
                "L305",
                place.keyword_span,
                f"EXPORT is missing: {trained}",
                'add EXPORT { format: ["safetensors"] }',
            )
        return
    if not block.has("path"):
        reporter.info(
            "L306", block.keyword_span, "EXPORT.path is not given; export/ is used", 'add path: "export/"'
        )
    formats = block.get("format") or []
    if "gguf" in formats:
        _gguf(block, reporter)
    architecture = model.written("architecture")
    if "tflite" in formats and architecture is not None and architecture[0].value not in _MOBILE:
        reporter.warning(
            "V008",
            block.place("format"),
            f'tflite is not possible for architecture "{architecture[0].value}"',
        )
    elif "tflite" in formats:
        reporter.warning(
            "V008",
            block.place("format"),
            "tflite can't be written by this engine",
            'for phones write "onnx" or "gguf"',
        )


def _gguf(block: BlockReading, reporter: Reporter) -> None:
    quantization = block.get("quantization")
    if quantization is None and not block.has("gguf_type"):
        reporter.warning(
            "V008",
            block.place("format"),
            "gguf wants a quantization; fp16 is used",
            'add quantization: "int8", "int4" or "fp16"',
        )
    elif quantization == "fp32":
        reporter.warning(
            "V008",
            block.place("quantization"),
            "fp32 is unusual for gguf; it is tried",
            'write "int8", "int4" or "fp16"',
        )


def deploy(reading: Reading, reporter: Reporter) -> None:
    block = reading.blocks.get("DEPLOY")
    if block is None:
        return
    target = block.get("target")
    formats = reading.get("EXPORT", "format") or []
    if target == "api":
        _api(reading, block, reporter)
    _endpoint(block, reporter)
    place = block.place("target")
    if target in ("android", "ios") and not {"okm", "tflite"} & set(formats):
        reporter.warning("L310", place, f"target {target} needs okm or tflite", 'add "okm" to EXPORT.format')
    if target == "web" and "onnx" not in formats:
        reporter.warning("L310", place, "target web needs onnx", 'add "onnx" to EXPORT.format')
    if target == "edge" and reading.get("EXPORT", "quantization") not in ("int8", "int4"):
        reporter.warning(
            "L310", place, "target edge needs weights of int8 or int4", 'add quantization: "int8" to EXPORT'
        )
    wanted = block.get("format")
    if wanted is not None and formats and wanted not in formats:
        reporter.warning(
            "L311",
            block.place("format"),
            f"DEPLOY.format {wanted} is not among EXPORT.format",
            f'add "{wanted}" to EXPORT.format',
        )


def split_endpoint(endpoint: str) -> dict[str, str | int] | None:
    """Protocol, host, port and route of an endpoint that is a full URL."""
    if "://" not in endpoint:
        return None
    try:
        url = urlsplit(endpoint)
        port = url.port
    except ValueError:
        return None
    parts: dict[str, str | int] = {"protocol": url.scheme, "endpoint": url.path or "/"}
    if url.hostname:
        parts["host"] = url.hostname
    if port is not None:
        parts["port"] = port
    return parts


def _api(reading: Reading, block: BlockReading, reporter: Reporter) -> None:
    parts = split_endpoint(block.get("endpoint") or "") or {}
    project = reading.head.get("PROJECT") or "project"
    defaults = {"endpoint": f"/{project}", "host": "127.0.0.1", "port": 9000}
    used = [
        f"{name} {value}" for name, value in defaults.items() if not block.has(name) and name not in parts
    ]
    if used:
        reporter.warning(
            "L308",
            block.place("target"),
            f"target api wants endpoint, host and port; used: {', '.join(used)}",
        )


def _endpoint(block: BlockReading, reporter: Reporter) -> None:
    """A full URL in `endpoint` is split; fields that are written win over its parts."""
    endpoint = block.fields.get("endpoint")
    if endpoint is None or "://" not in endpoint.value:
        return
    parts = split_endpoint(endpoint.value)
    if parts is None:
        reporter.error("V010", endpoint.span, f'"{endpoint.value}" is no URL', 'write endpoint: "/route"')
        return
    if block.get("target") != "api":
        reporter.info("L316", endpoint.span, "the URL is kept as the public address; nothing listens there")
        return
    reporter.info(
        "L316", endpoint.span, "a full URL is the older form; it is read as protocol, host, port and route"
    )
    for name in ("host", "port", "protocol"):
        if block.has(name) and name in parts and block.get(name) != parts[name]:
            reporter.warning(
                "L309",
                endpoint.span,
                f'{name} "{parts[name]}" of the URL differs from DEPLOY.{name}; the latter wins',
                related=((block.place(name), f"DEPLOY.{name} is here"),),
            )
