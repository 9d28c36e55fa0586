"""Loads students: a base model, its adapter if it has one, its tokenizer, and its prompt form.

    load_student("nano", root=project)                    the built-in base
    load_student("google/gemma-3-270m-it", root=project)  a hub id, cached or downloaded
    load_student("models/base", root=project)             a folder
    load_student("runs/filters", root=project)            what a run has trained, as it was trained
    load_student("export/filters.okm", root=project)      an archive of it

Weights come from safetensors only, and no code of a model runs. The trainer, the decoder and the server all
come through here. How a script's settings become arguments is in `student/from_plan.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from idiolect.problem import problem
from idiolect.student.adapters import load_adapter
from idiolect.student.base import Base, find_base, fingerprint
from idiolect.student.precision import choose_device, choose_precision, hardware_of, torch_type
from idiolect.student.prompt import BadTemplate, PromptForm, make_form
from idiolect.student.quiet import quiet
from idiolect.student.reference import BUILT_IN
from idiolect.student.saved import Record, latest_student, read_record, student_folder
from idiolect.student.trouble import StudentError, libraries
from idiolect.student.vocabulary import fit_vocabulary

RUNS = "runs"
_NANO_SEED = 0


@dataclass(frozen=True, slots=True)
class Student:
    """A model that can be trained and asked, with all that decides what it is given."""

    model: Any
    tokenizer: Any
    form: PromptForm
    base: str  # as a script names it
    device: str
    precision: str = "fp32"  # of the weights
    quantization: str = "none"
    base_fingerprint: str = ""
    classes: int | None = None  # of a classifier; 1 is a regression
    dialect: Mapping[str, Any] | None = None  # the DIALECT block that it was trained for
    notes: tuple[str, ...] = field(default=())  # what its user should know

    @property
    def has_adapter(self) -> bool:
        return hasattr(self.model, "peft_config")

    @property
    def encoder_decoder(self) -> bool:
        return self.form.kind == "encoder-decoder"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to load, whatever is loaded."""

    device: str = "auto"
    precision: str | None = None
    quantization: str | None = None
    attention: str | None = None  # a name of transformers' attention interface
    classes: int | None = None
    offline: bool = False


def load_student(
    source: str | Path,
    *,
    root: Path,
    adapter: Path | None = None,
    device: str = "auto",
    precision: str | None = None,
    quantization: str | None = None,
    attention: str | None = None,
    classes: int | None = None,
    offline: bool = False,
    trainable: bool = False,
) -> Student:
    """The student of a base model's name, of a student's folder, or of a run (its name or its folder).

    `adapter` is put onto a base; `trainable` says that it shall be trained further. Relative names are looked
    for below `root`, the project's.
    """
    wishes = Wishes(device, precision, quantization, attention, classes, offline)
    folder = _trained(str(source), root)
    if folder is not None:
        return _load_saved(folder, root, wishes, trainable)
    student = load_base(find_base(str(source), root, offline=offline), wishes)
    if adapter is None:
        return student
    model = load_adapter(student.model, adapter, trainable=trainable)
    return replace(student, model=model.eval())


def load_base(base: Base, wishes: Wishes, tokenizer_folder: Path | None = None) -> Student:
    """A base model with the form that its own tokenizer gives."""
    with libraries():
        from transformers import AutoConfig, AutoTokenizer
    device = choose_device(wishes.device)
    with quiet(), _loading(base):
        config = AutoConfig.from_pretrained(base.folder, trust_remote_code=False, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(
            tokenizer_folder or base.folder, trust_remote_code=False, local_files_only=True
        )
    precision, _ = choose_precision(
        wishes.precision,
        hardware_of(device),
        model_type=config.model_type,
        stored=base.found.dtype,
        parameters=base.found.parameters,
    )
    model, notes = _load_model(base, config, device, precision, wishes)
    grown = fit_vocabulary(model, tokenizer)
    if tokenizer_folder is None:  # a student's own tokenizer has the tokens that were added for it
        notes += grown
    try:
        form = make_form(tokenizer, encoder_decoder=bool(config.is_encoder_decoder))
    except BadTemplate as error:
        raise StudentError(problem("L615", f"{base.ref}: {error}", help=error.help)) from error
    return Student(
        model=model.eval(),
        tokenizer=tokenizer,
        form=form,
        base=base.ref,
        device=device,
        precision=precision,
        quantization=wishes.quantization or "none",
        base_fingerprint=fingerprint(base.folder),
        classes=wishes.classes,
        notes=notes,
    )


def model_window(model: Any) -> int | None:
    """The longest input that a model takes, or None where it sets no bound."""
    config = model.config.get_text_config() if hasattr(model.config, "get_text_config") else model.config
    found = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
    return found if isinstance(found, int) and found > 0 else None


def _trained(source: str, root: Path) -> Path | None:
    """The folder of a trained student that a name stands for."""
    if not source or "\0" in source or source in BUILT_IN:
        return None
    for place in (Path(source), root / source):
        if place.suffix == ".okm" and place.is_file():
            from idiolect.ship.archives import opened_archive

            return student_folder(opened_archive(place))
    for place in (Path(source), root / source, root / RUNS / source):
        if place.is_dir() and (found := latest_student(place)):
            return found
    return None


def _load_saved(folder: Path, root: Path, wishes: Wishes, trainable: bool) -> Student:
    """A student as it was trained; what is not asked for otherwise is as it was then."""
    record = read_record(folder)
    wishes = replace(
        wishes,
        precision=wishes.precision or record.precision,
        quantization=wishes.quantization or record.quantization,
        classes=record.classes,
    )
    if record.kind == "full":
        student = load_base(find_base(str(folder.resolve()), root, offline=True), wishes)
        print_of_base = record.base_fingerprint
    else:
        student = load_base(find_base(record.base, root, offline=wishes.offline), wishes, folder)
        print_of_base = student.base_fingerprint
        student = _with_adapter(student, folder, record, trainable)
    return replace(
        student,
        form=record.prompt_form,
        base=record.base,
        base_fingerprint=print_of_base,
        dialect=record.dialect,
    )


def _with_adapter(student: Student, folder: Path, record: Record, trainable: bool) -> Student:
    if record.base_fingerprint != student.base_fingerprint:
        what = f'"{record.base}" is not the base that {folder.name} was trained on: its files have changed'
        help = "put the old base back, or train again on this one"
        raise StudentError(problem("L613", what, help=help, where=str(folder)))
    model = load_adapter(student.model, folder, trainable=trainable)
    return replace(student, model=model.eval())


def _load_model(
    base: Base, config: Any, device: str, precision: str, wishes: Wishes
) -> tuple[Any, tuple[str, ...]]:
    if base.built_in and not base.has_weights:
        return _random_nano(config, device, precision, wishes)
    arguments: dict[str, Any] = {
        "config": config,
        "dtype": torch_type(precision),
        "use_safetensors": True,
        "trust_remote_code": False,
        "local_files_only": True,
        "output_loading_info": True,
    }
    if device != "cpu":
        arguments["device_map"] = {"": device}  # straight to the device, without a second copy in main memory
    if wishes.attention:
        arguments["attn_implementation"] = wishes.attention
    if wishes.classes:
        config.num_labels = wishes.classes
    if wishes.quantization not in (None, "none"):
        arguments["quantization_config"] = _packing(str(wishes.quantization), precision)
    with quiet(), _loading(base):
        model, told = _auto_class(config, wishes).from_pretrained(base.folder, **arguments)
    _keep_packing(model)
    _check_whole(base, told, bool(wishes.classes))
    _check_tied(base, model, config)
    return model, ()


def _random_nano(config: Any, device: str, precision: str, wishes: Wishes) -> tuple[Any, tuple[str, ...]]:
    """The built-in base before it has weights: the same random numbers every time, and said aloud."""
    import torch

    if wishes.quantization not in (None, "none"):
        raise StudentError(
            problem("L616", "nano has no weights yet that could be packed", help="leave it out")
        )
    if wishes.classes:
        config.num_labels = wishes.classes
    extra = {"attn_implementation": wishes.attention} if wishes.attention else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_NANO_SEED)
        model = _auto_class(config, wishes).from_config(config, **extra)
    note = "the built-in base nano has no trained weights in this installation: it starts from random ones"
    return model.to(device=device, dtype=torch_type(precision)), (note,)


def _auto_class(config: Any, wishes: Wishes) -> Any:
    import transformers

    if wishes.classes:
        return transformers.AutoModelForSequenceClassification
    if config.is_encoder_decoder:
        return transformers.AutoModelForSeq2SeqLM
    return transformers.AutoModelForCausalLM


def _packing(quantization: str, precision: str) -> Any:
    with libraries("quantize", "packed weights"):
        import bitsandbytes  # noqa: F401
        from transformers import BitsAndBytesConfig
    if quantization == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    if quantization != "nf4":
        what = f'quantization "{quantization}" is not known'
        raise StudentError(problem("L616", what, help='write "nf4", "int8" or "none"'))
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch_type(precision),
    )


def _keep_packing(model: Any) -> None:
    """Leave packed weights as they are while they are used.

    On CPUs with AVX512-BF16, bitsandbytes 0.50 repacks a layer at its first use outside of training, with
    rounded scales: a validation would change what is trained after it, and narrow layers raise an error.
    """
    for layer in model.modules():
        if getattr(layer, "support_avx512bf16_for_cpu", False):
            layer.support_avx512bf16_for_cpu = False


@contextmanager
def _loading(base: Base) -> Iterator[None]:
    """What transformers says of a model that it can't load, as one line."""
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        first = str(error).strip().splitlines()[0][:300]
        help = None
        if "trust_remote_code" in str(error) or "remote code" in str(error).lower():
            first = "it brings its own code, and no code of a model runs here"
            help = "take a model that transformers knows by itself"
        found = problem("L610", f"{base.ref} can't be loaded: {first}", help=help, where=str(base.folder))
        raise StudentError(found) from error


def _check_whole(base: Base, told: Any, classes: bool) -> None:
    """Weights that the files do not hold would be random ones; a classifier's head is meant to be."""
    head = ("score.", "classifier.", "classification_head.")
    missing = [name for name in told["missing_keys"] if not (classes and name.startswith(head))]
    wrong = [str(one[0] if isinstance(one, tuple | list) else one) for one in told["mismatched_keys"]]
    if missing or wrong:
        names = sorted([*missing, *wrong])
        what = f"{base.ref} lacks weights that its config.json asks for: {', '.join(names[:3])}"
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise StudentError(problem("L422", what + more, where=str(base.folder)))


def _check_tied(base: Base, model: Any, config: Any) -> None:
    """A head that shall be the token embedding must be it, or training would change only one of them."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    if not getattr(text, "tie_word_embeddings", False) or head is None:
        return
    if head.weight.data_ptr() != model.get_input_embeddings().weight.data_ptr():
        what = f"{base.ref} says that its output head is its token embedding, and after loading it is not"
        raise StudentError(problem("L610", what, where=str(base.folder)))
