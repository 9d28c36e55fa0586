import json
import os
import time
from pathlib import Path

import pytest
from safetensors_files import LLAMA, header_bytes, model_folder

from idiolect.student.reference import ModelFound, cache_folder, locate_model


def codes(found: ModelFound) -> list[str]:
    return [one.code for one in found.problems]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"HF_HOME": str(tmp_path / "hf")}


def cached(env: dict[str, str], name: str, commit: str = "c0ffee", *, ref: bool = True) -> Path:
    folder = Path(env["HF_HOME"]) / "hub" / f"models--{name.replace('/', '--')}"
    if ref:
        (folder / "refs").mkdir(parents=True)
        (folder / "refs" / "main").write_text(commit)
    return model_folder(folder / "snapshots" / commit)


def test_a_local_folder_is_described_with_an_exact_count(tmp_path: Path) -> None:
    model_folder(tmp_path / "models" / "base")
    found = locate_model("models/base", bases=(tmp_path / "elsewhere", tmp_path))
    assert (found.kind, found.path, found.problems) == ("local", tmp_path / "models" / "base", ())
    assert (found.architecture, found.model_type) == ("LlamaForCausalLM", "llama")
    assert (found.layers, found.hidden_size, found.vocab_size, found.context_window) == (2, 8, 32, 64)
    assert (found.parameters, found.parameters_exact, found.dtype) == (32 * 8 + 8 * 8, True, "float32")
    assert found.has_tokenizer


def test_nano_is_built_in_and_a_folder_of_that_name_is_not_meant(tmp_path: Path) -> None:
    model_folder(tmp_path / "nano")
    assert locate_model("nano", bases=(tmp_path,)).kind == "built-in"
    assert locate_model("./nano", bases=(tmp_path,)).kind == "local"


def test_sizes_of_a_nested_text_config_are_read(tmp_path: Path) -> None:
    config = {"model_type": "gemma3", "text_config": {"hidden_size": 9, "num_hidden_layers": 3}}
    found = locate_model("m", bases=(model_folder(tmp_path / "m", config).parent,))
    assert (found.hidden_size, found.layers) == (9, 3)


def test_shards_are_added_up(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    shards = {"a": [3, 4], "b": [5]}
    for number, (name, shape) in enumerate(shards.items()):
        (folder / f"model-{number}.safetensors").write_bytes(header_bytes({name: shape}))
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-0.safetensors", "b": "model-1.safetensors"}}))
    assert (locate_model(str(folder)).parameters, locate_model(str(folder)).problems) == (17, ())
    (folder / "model-1.safetensors").unlink()
    found = locate_model(str(folder))
    assert codes(found) == ["L422", "L427"]
    assert "1 of 2 shards are missing: model-1.safetensors" in found.problems[0].message
    for bad in ('{"weight_map": {"a": "../x.safetensors"}}', '{"weight_map": {"a": 1}}', "[]", "{"):
        index.write_text(bad)
        assert codes(locate_model(str(folder)))[0] == "L422"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda folder: (folder / "config.json").unlink(), "L420"),
        (lambda folder: (folder / "config.json").write_text("{"), "L426"),
        (lambda folder: (folder / "config.json").write_text("[" * 100_000), "L426"),
        (lambda folder: (folder / "config.json").write_text("[]"), "L426"),
        (lambda folder: (folder / "config.json").write_text("{}"), "L426"),
        (lambda folder: (folder / "model.safetensors").unlink(), "L421"),
        (lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"), "L425"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b""), "L422"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "L424"),
    ],
)
def test_what_a_folder_lacks_is_named(change: object, code: str, tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    change(folder)  # type: ignore[operator]
    assert codes(locate_model(str(folder)))[0] == code


def test_a_config_that_is_a_pipe_does_not_hang(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    assert codes(locate_model(str(folder)))[0] == "L426"


def test_without_weights_the_count_is_an_estimate_and_says_so(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    found = locate_model(str(folder))
    assert (found.parameters_exact, codes(found)) == (False, ["L421", "L427"])
    assert f"about {found.parameters:,} parameters by config.json" in found.problems[1].message


def test_packed_weights_are_not_counted_as_parameters(tmp_path: Path) -> None:
    found = locate_model(str(model_folder(tmp_path / "m", {**LLAMA, "quantization_config": {}})))
    assert (found.parameters_exact, codes(found)) == (False, ["L427"])


@pytest.mark.parametrize("name", ["m.gguf", "m.safetensors", "m.txt"])
def test_a_file_is_no_base_model(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("x")
    assert codes(locate_model(name, bases=(tmp_path,))) == ["L429"]


def test_an_adapter_is_no_base_model(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    (found,) = locate_model(str(tmp_path)).problems
    assert (found.code, "MODEL.ADAPTER" in (found.help or "")) == ("L429", True)


def test_the_cache_is_looked_into(env: dict[str, str]) -> None:
    folder = cached(env, "google/gemma-3-270m")
    found = locate_model("google/gemma-3-270m", env=env)
    assert (found.kind, found.path, found.problems) == ("cached", folder, ())
    assert found.hub_id == "google/gemma-3-270m"
    url = locate_model("https://huggingface.co/google/gemma-3-270m/tree/main", env=env)
    assert (url.kind, url.path) == ("cached", folder)


def test_a_snapshot_without_a_ref_is_taken_too(env: dict[str, str]) -> None:
    folder = cached(env, "t5-small", ref=False)
    assert locate_model("t5-small", env=env).path == folder


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"HF_HUB_CACHE": "/a"}, "/a"),
        ({"HF_HOME": "/b"}, "/b/hub"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
        ({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}, "/a"),
    ],
)
def test_the_cache_folder_follows_the_environment(env: dict[str, str], expected: str) -> None:
    assert cache_folder(env) == Path(expected)


# name, kind, severity of V004 (None: no problem), a word of its help
NAMES = [
    ("google/gemma-3-270m", "hub", "warning", ""),
    ("google/t5-small", "hub", "warning", 'write "t5-small"'),
    ("google/gemma-3-270n", "hub", "warning", '"google/gemma-3-270m"'),
    ("gemma-3-270m", "hub", "warning", '"google/gemma-3-270m"'),
    ("oktoseek/base-llm-7b", "hub", "warning", '"oktoseek/base-llm-7b" = "models/base-llm-7b"'),
    ("nobody/anything", "hub", "warning", ""),
    ("./models/x", "missing", "error", "path"),
    ("a/b/c", "missing", "error", "path"),
    ("C:/models/x", "missing", "error", "path"),
    ("~/models/x", "missing", "error", "path"),
    ("has space", "missing", "error", "owner/name"),
    ("a--b", "missing", "error", ""),
    ("", "missing", "error", "nano"),
    ("x" * 200, "missing", "error", ""),
    ("a\0b", "missing", "error", ""),
    ("../" * 3_000, "missing", "error", ""),
    ("https://example.org/model.bin", "url", "error", "download"),
    ("https://[broken", "missing", "error", ""),
    ("https://huggingface.co/google/gemma-3-270m", "hub", "warning", ""),
]


@pytest.mark.parametrize(("name", "kind", "severity", "word"), NAMES)
def test_names_that_are_nowhere_here_are_v004(
    name: str, kind: str, severity: str, word: str, env: dict[str, str], tmp_path: Path
) -> None:
    found = locate_model(name, bases=(tmp_path,), env=env)
    assert (found.kind, found.ref) == (kind, name)
    assert [(one.code, one.severity) for one in found.problems] == [("V004", severity)]
    assert word in (found.problems[0].help or "")


def test_with_a_network_a_well_formed_id_is_no_problem(env: dict[str, str]) -> None:
    assert locate_model("nobody/anything", env=env, offline=False).problems == ()
    private = locate_model("oktoseek/x", env=env, offline=False)
    assert [one.severity for one in private.problems] == ["error"]


def test_aliases_lead_private_names_to_models(tmp_path: Path, env: dict[str, str]) -> None:
    folder = model_folder(tmp_path / "models" / "b")
    found = locate_model("oktoseek/b", bases=(tmp_path,), env=env, aliases={"oktoseek/b": "models/b"})
    assert (found.ref, found.path, found.kind) == ("oktoseek/b", folder, "local")
    assert locate_model("a", env=env, aliases={"a": "b", "b": "nano"}).kind != "built-in"


def test_a_declared_architecture_is_compared(tmp_path: Path) -> None:
    ref = str(model_folder(tmp_path / "m"))
    for fitting in ("gpt", "transformer", None):
        assert locate_model(ref, architecture=fitting).problems == ()
    assert codes(locate_model(ref, architecture="bert")) == ["L423"]
    other = str(model_folder(tmp_path / "o", {**LLAMA, "model_type": "brand-new"}))
    assert locate_model(other, architecture="bert").problems == ()


def test_a_link_that_leads_nowhere_is_explained(tmp_path: Path) -> None:
    (tmp_path / "m").symlink_to("m")
    assert codes(locate_model("m", bases=(tmp_path,))) in (["L429"], ["V004"])


def test_any_name_is_answered_fast(tmp_path: Path, env: dict[str, str]) -> None:
    started = time.process_time()
    for name in ("a" * 100_000, "a/" * 50_000, "-" * 100_000, "https://" + "[" * 100_000):
        assert locate_model(name, bases=(tmp_path,), env=env).problems
    assert time.process_time() - started < 4
