"""Opens what answers: a run, a package, a student's folder or a base model, with dialect and retrieval.

    opened = open_answering("runs/tcl-routing", root=Path())
    outcome = opened.pipeline.ask(Question("route CLK on M3"))

Commands and the server come through here, so that both answer alike. It asks nobody: the code of a dialect
runs only if it was allowed before, or `allow_code` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from idiolect.decode.guard import Detector
from idiolect.decode.packs import PackRetriever
from idiolect.decode.pipeline import Engine, Pipeline, Retrieve, pipeline_of, sampling_of
from idiolect.decode.records import Sampling
from idiolect.decode.retrieval import BadIndex, Index, build_index, load_index
from idiolect.decode.trouble import trouble
from idiolect.dialects.catalog import Catalog
from idiolect.dialects.context_pack import ContextPack, make_pack, names_in
from idiolect.dialects.contract import EMPTY, Context, Dialect
from idiolect.files import Unreadable, read_small
from idiolect.okt.blocks.extension import DialectBlock
from idiolect.okt.blocks.project import Env
from idiolect.plan.plan import Plan, Project
from idiolect.ship import packaged
from idiolect.ship.packaged import is_package
from idiolect.student.load import Student, load_student
from idiolect.student.prompt import PromptForm

_PLAN = "plan.json"
_MOST_BYTES = 64 << 20
PACK_BUDGET = 1_200  # tokens of a context pack that is made for a question


@dataclass(frozen=True, slots=True)
class Backend:
    """Who writes: the student here, or a server or a GGUF file in its place."""

    server: str | None = None  # address of an OpenAI-compatible server
    model: str | None = None  # as the server names it
    kind: str | None = None  # of the server; None: found out
    key: str | None = None
    gguf: Path | None = None


@dataclass(frozen=True, slots=True)
class Answering:
    """All that is needed to answer."""

    pipeline: Pipeline
    student: Student | None
    plan: Plan | None
    dialect: Dialect | None
    context: Context
    notes: tuple[str, ...] = ()


def open_answering(
    model: str | None,
    *,
    root: Path,
    plan: Plan | None = None,
    dialect: Dialect | None = None,
    context: Context = EMPTY,
    adapter: Path | None = None,
    device: str = "auto",
    backend: Backend = Backend(),
    chat: bool = False,
    allow_code: bool = False,
    detectors: Mapping[str, Detector] | None = None,
    **sampling: Any,
) -> Answering:
    """What answers as `model`; settings of `Sampling` given by name win over the script's.

    `plan` is a script's; without one it is that of the run. `dialect` and `context` win over both.
    StudentError, StageError and DecodeError say what is wrong.
    """
    model = _unpacked(model, root)
    place = _run_folder(model, root)
    package = place if place is not None and is_package(place) else None
    if place is not None:
        root = package or place.parent.parent
        plan = plan or plan_in(place)
    if package is not None:
        model = _packed_student(package, needed=backend.server is None)
    student = _student(model, plan, root, adapter, device, backend)
    if plan is None and student is not None and student.dialect:
        plan = _small_plan(student)
    if dialect is None and plan is not None and plan.dialect is not None:
        from idiolect.runs.dialect_of import dialect_of

        dialect, found = dialect_of(plan, root, allow_code=allow_code)
        context = found if context == EMPTY else _over(found, context)
    form = _form(student, plan, chat, root)
    engine = _engine(student, form, backend)
    system = form.system if form else ""
    settings = sampling_of(plan.inference if plan else None, **sampling)
    retrieve = _retrieve(context.catalog, package)
    pipeline = _pipeline(plan, engine, dialect, context, detectors, system, settings, retrieve)
    notes = (*(student.notes if student else ()), *pipeline.notes)
    return Answering(pipeline, student, plan, dialect, context, notes)


def _pipeline(
    plan: Plan | None,
    engine: Engine,
    dialect: Dialect | None,
    context: Context,
    detectors: Mapping[str, Detector] | None,
    system: str,
    settings: Sampling,
    retrieve: Retrieve | None,
) -> Pipeline:
    if plan is None:
        return Pipeline(
            engine,
            dialect=dialect,
            project=context,
            sampling=settings,
            retrieve=retrieve,
            detectors=detectors,
            system=system,
        )
    return pipeline_of(
        plan,
        engine,
        dialect=dialect,
        project=context,
        retrieve=retrieve,
        detectors=detectors,
        system=system,
        sampling=settings,
    )


def _retrieve(catalog: Catalog | None, package: Path | None) -> Retrieve | None:
    """What finds a question's context: by a package's own index, where it brings one."""
    if catalog is None:
        return None
    if package is None or not (package / packaged.INDEX).is_dir():
        return retriever_of(catalog)
    try:
        return retriever_of(catalog, index=load_index(package / packaged.INDEX))
    except BadIndex as error:
        raise trouble("L612", str(error), "take an untouched copy of the package") from error


def retriever_of(catalog: Catalog, budget: int = PACK_BUDGET, index: Index | None = None) -> Retrieve:
    """What a question needs of a catalog, as a context pack; all that fits where nothing is found."""
    from idiolect.decode.documents import entries_of_catalog

    retriever = PackRetriever(index or build_index(entries_of_catalog(catalog)), catalog, budget)

    def retrieve(instruction: str) -> ContextPack:
        pack = retriever.pack(instruction)
        return pack if pack.catalog.procs else make_pack(catalog, names_in(catalog), budget=budget)

    return retrieve


def _unpacked(model: str | None, root: Path) -> str | None:
    """The folder with an archive's content, where the word names one; else the word."""
    from idiolect.ship.archives import is_archive, opened_archive

    places = (Path(model), root / model) if model and "\0" not in model else ()
    found = next((place for place in places if is_archive(place)), None)
    return str(opened_archive(found)) if found else model


def _run_folder(model: str | None, root: Path) -> Path | None:
    """The run's folder that a word leads to or into."""
    if not model or "\0" in model:
        return None
    for place in (Path(model), root / model, root / "runs" / model):
        if not place.is_dir():
            continue
        for folder in (place, *place.absolute().parents[:2]):
            if (folder / _PLAN).is_file():
                return folder.absolute()
    return None


def _packed_student(package: Path, *, needed: bool) -> str | None:
    """The student in a package."""
    found = packaged.model_of(package)
    if found is None and needed:
        what = f"the package {package.name} was made without weights"
        raise trouble("L610", what, 'write include: ["weights", ...] in PACKAGE, or give --server')
    return str(found) if found else None


def plan_in(folder: Path) -> Plan:
    """The plan in the folder of a run or a package."""
    path = folder / _PLAN
    try:
        return Plan.model_validate_json(read_small(path, _MOST_BYTES))
    except Unreadable as reason:
        raise trouble("L612", f"{path} {reason}") from reason
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        help = "run the script again, or name it with --script"
        raise trouble("L612", f"{path} can't be read: {where}: {first['msg']}", help) from error


def _small_plan(student: Student) -> Plan:
    """A plan of the dialect alone, which a student's folder remembers."""
    return Plan(
        script="",
        language_version="1.2",
        project=Project(name=student.base, run_folder=""),
        env=Env(),
        dialect=DialectBlock.model_validate(dict(student.dialect or {})),
    )


def _student(
    model: str | None, plan: Plan | None, root: Path, adapter: Path | None, device: str, backend: Backend
) -> Student | None:
    if backend.server and not model:
        return None
    if model:
        return load_student(model, root=root, adapter=adapter, device=device)
    if plan is None:
        raise trouble("L610", "no model is named", "give --model RUN, a folder, or a base model's name")
    from idiolect.student.from_plan import student_for

    return student_for(plan, root)


def _form(student: Student | None, plan: Plan | None, chat: bool, root: Path) -> PromptForm | None:
    """The form that a student was trained with, or for a base model the script's.

    In a chat BEHAVIOR.prompt_style is the format, where the script has one.
    """
    if student is None:
        return None
    form = student.form
    if plan is not None and student.dialect is None and plan.script:
        from idiolect.student.from_plan import form_for

        form = form_for(plan, root, student)
    style = plan.behavior.prompt_style if plan and plan.behavior else None
    return replace(form, format=style) if chat and style else form


def _engine(student: Student | None, form: PromptForm | None, backend: Backend) -> Engine:
    if backend.server:
        from idiolect.decode.server_engine import KINDS, ServerEngine

        if not backend.model:
            raise trouble("L714", "the server's model is not named", "give --server-model NAME")
        kind = next((one for one in KINDS if one == backend.kind), None)
        if backend.kind and kind is None:
            raise trouble("L714", f'"{backend.kind}" is no kind of server', f"write {', '.join(KINDS)}")
        return ServerEngine(backend.server, backend.model, key=backend.key, kind=kind, form=form)
    assert student is not None and form is not None
    if backend.gguf is not None:
        from idiolect.decode.llama_engine import LlamaEngine

        return LlamaEngine(backend.gguf, student.tokenizer, form)
    from idiolect.decode.generate import Generator

    return Generator(replace(student, form=form))


def _over(found: Context, given: Context) -> Context:
    """What was given for this call over what the script says."""
    return replace(
        found,
        schema=given.schema if given.schema is not None else found.schema,
        catalog=given.catalog or found.catalog,
        policy=given.policy or found.policy,
    )
