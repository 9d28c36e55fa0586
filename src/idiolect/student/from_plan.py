"""What a plan says of the student, as arguments of what loads it: base, form, adapter, number types.

Settings were settled when the plan was made; here they are only read.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from idiolect.okt.blocks.model import FtLora
from idiolect.plan.plan import Plan
from idiolect.problem import problem
from idiolect.student.adapters import AdapterSettings, attach_adapter, load_adapter, settings_of
from idiolect.student.load import Student, load_student, model_window
from idiolect.student.precision import choose_precision, hardware_of
from idiolect.student.prompt import OWN, BadTemplate, PromptForm, make_form
from idiolect.student.trouble import StudentError
from idiolect.student.vocabulary import add_tokens

_CHATML_TOKENS = ("<|im_start|>", "<|im_end|>")


def student_for(
    plan: Plan, root: Path, *, attention: str | None = None, classes: int | None = None
) -> Student:
    """The base that a plan trains, with the script's prompt form, and no new adapter yet."""
    train, model = plan.train, plan.model
    weights = model.precision if model else None
    wanted = weights if weights in ("fp32", "fp16") else train.precision if train else None
    if plan.ft_lora is None:
        wanted = "fp32"  # updates smaller than half precision can hold would be lost
    student = load_student(
        base_of(plan),
        root=root,
        device=(train.device if train else None) or "auto",
        precision=wanted,
        quantization=quantization_of(plan),
        attention=attention,
        classes=classes,
        offline=plan.env.network == "offline",
    )
    _check_loop(plan, student)
    dialect = plan.dialect.model_dump(mode="json", exclude_none=True) if plan.dialect else None
    form = form_for(plan, root, student)
    return replace(student, form=form, dialect=dialect)


def trainable_student(student: Student, plan: Plan, root: Path) -> Student:
    """The student with what a plan trains made trainable: a new adapter, MODEL.ADAPTER, or all of it."""
    lora, given = plan.ft_lora, plan.model.adapter if plan.model else None
    seed = plan.train.seed if plan.train else 0
    if lora is None and given is None:
        if student.quantization != "none":
            what = "packed weights can't be trained themselves"
            raise StudentError(problem("L616", what, help="add FT_LORA, or leave the packing out"))
        student.model.train().requires_grad_(True)
        return student
    if given is not None and given.path:
        folder = root / given.path
        if lora is not None:
            _check_agreement(settings_of(folder), lora)
        model = load_adapter(student.model, folder, trainable=True)
    else:
        assert lora is not None
        model = attach_adapter(
            student.model,
            adapter_settings(lora),
            seed=seed,
            encoder_decoder=student.encoder_decoder,
            classes=student.classes is not None,
        )
    return replace(student, model=model.train())


def form_for(plan: Plan, root: Path, student: Student) -> PromptForm:
    """The prompt form that a script asks for."""
    data, answers = plan.dataset, plan.inference
    template = data.chat_template if data else None
    if template == OWN[1]:
        add_tokens(student.model, student.tokenizer, _CHATML_TOKENS)
    try:
        return make_form(
            student.tokenizer,
            system=(data.system if data else None) or "",
            format=format_of(plan),
            labels=(answers.labels if answers else None) or (),
            chat_template=template,
            folder=root,
            encoder_decoder=student.encoder_decoder,
        )
    except BadTemplate as error:
        found = problem("L615", str(error), help=error.help or None, where="DATASET.chat_template")
        raise StudentError(found) from error


def format_of(plan: Plan) -> str:
    """INFERENCE.format, or BEHAVIOR.prompt_style where only that is written."""
    setting = plan.settings.get("INFERENCE.format")
    written = setting is not None and setting.origin.kind not in ("default", "proposed")
    style = plan.behavior.prompt_style if plan.behavior else None
    if style and not written:
        return style
    return plan.inference.format if plan.inference else "{input}"


def row_limit(plan: Plan, student: Student) -> int:
    """The longest row that is trained: by the script, and by what the model takes."""
    wanted = plan.train.max_seq_length if plan.train else 2048
    asked = plan.model.context_window if plan.model else None
    return min(wanted, asked or wanted, model_window(student.model) or wanted)


def base_of(plan: Plan) -> str:
    """The base that is loaded: FT_LORA names it again on purpose."""
    base = (plan.ft_lora.base_model if plan.ft_lora else None) or (plan.model.base if plan.model else None)
    if not base:
        help = 'add MODEL { base: "nano" }'
        raise StudentError(problem("V004", "the script names no base model", help=help))
    return base


def quantization_of(plan: Plan) -> str | None:
    """How the frozen base is packed, if at all."""
    if (plan.ft_lora and plan.ft_lora.quantization == "nf4") or (plan.train and plan.train.load_in_4bit):
        return "nf4"
    packed = {"int4": "nf4", "int8": "int8"}
    return packed.get(plan.model.precision or "") if plan.model else None


def adapter_settings(lora: FtLora) -> AdapterSettings:
    """The adapter that FT_LORA describes."""
    rank = lora.lora_rank or 16
    return AdapterSettings(
        rank=rank,
        alpha=lora.lora_alpha or 2 * rank,
        dropout=lora.lora_dropout,
        dora=lora.dora,
        target_modules=tuple(lora.target_modules) if lora.target_modules else None,
    )


def _check_agreement(saved: AdapterSettings, lora: FtLora) -> None:
    wanted = adapter_settings(lora)
    for name in ("rank", "alpha", "dora"):
        if getattr(saved, name) != getattr(wanted, name):
            field = {"rank": "lora_rank", "alpha": "lora_alpha", "dora": "dora"}[name]
            have, want = getattr(saved, name), getattr(wanted, name)
            what = f"MODEL.ADAPTER has {name} {have}, and FT_LORA.{field} is {want}"
            help = f"write {field}: {str(have).lower()}, or leave MODEL.ADAPTER out to start a new adapter"
            raise StudentError(problem("L613", what, help=help))


def _check_loop(plan: Plan, student: Student) -> None:
    """The loop's number type must suit the model too."""
    device: Any = student.device
    config = student.model.config
    wanted = plan.train.precision if plan.train else None
    choose_precision(wanted, hardware_of(device), model_type=config.model_type)
