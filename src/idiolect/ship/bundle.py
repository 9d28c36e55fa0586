"""Puts everything that an offline machine needs into one folder: see `packaged.py` for what is where.

    bundle(job, into)

The student in it is proven to be the one that was packed; the manifest names every file with its hash. The
package holds no secret, no training data but the examples that its index quotes, and no path of this machine.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from idiolect import __version__
from idiolect.files import write_beside
from idiolect.okt.blocks.project import Env
from idiolect.plan.plan import Plan, Project
from idiolect.problem import problem
from idiolect.ship import packaged
from idiolect.ship.gguf.convert import convert
from idiolect.ship.gguf.vocabulary import CantConvert
from idiolect.ship.merge import load_for_merge, merge, save_merged
from idiolect.ship.okm import OkmManifest, entries_of, signature_of, write_okm
from idiolect.ship.parity import Parity, compare_logits
from idiolect.ship.probes import Probe, logits_of, probes_of
from idiolect.ship.runtimes import NoRuntime, ask_llama_cpp, tokens_of
from idiolect.ship.security import OPEN, Protection
from idiolect.ship.wheel_list import pinned, write_own_wheel
from idiolect.student.load import Student, load_student
from idiolect.student.save import save_student
from idiolect.student.saved import read_record, write_record
from idiolect.student.trouble import StudentError

# What answering needs of a script. Keys and tokens are not among it.
KEPT = ("inference", "behavior", "guard", "control", "deploy", "security", "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleJob:
    """What is packed."""

    source: str | Path
    root: Path
    plan: Plan
    include: tuple[str, ...]
    name: str
    gguf_type: str = "f16"
    merged: bool = True
    examples: Sequence[Any] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    protection: Protection = OPEN
    dialect: Any = None  # the DIALECT block whose files are in the package already
    step: Callable[[str], None] = lambda text: None


@dataclass(slots=True)
class Bundled:
    """What was packed, and how it was proven."""

    proofs: dict[str, Parity] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    bytes: int = 0


def bundle(job: BundleJob, into: Path) -> Bundled:
    """Write a package into a folder that may hold its dialect, constraint and index already."""
    done = Bundled()
    if {"weights", "gguf"} & set(job.include):
        _weights(job, into, done)
    write_beside(into / packaged.PLAN, plan_text(job.plan, job.dialect))
    if "cli" in job.include:
        job.step("program")
        _program(job, into)
    write_beside(into / packaged.README, _readme(job, into))
    _manifest(job, into, done)
    return done


def plan_for(plan: Plan, dialect: Any) -> Plan:
    """The script's plan without what only training needs, and without where it came from.

    `dialect` is the block that names the copies of the dialect's files.
    """
    sections = {name: getattr(plan, name) for name in KEPT}
    if plan.security is not None:
        sections["security"] = plan.security.model_copy(update={"access_token": None})
    if plan.model is not None:
        sections["model"] = plan.model.model_copy(update={"base": packaged.MODEL, "adapter": None})
    project = plan.project.model_dump(exclude={"run_folder"})
    return Plan(
        script="",
        language_version=plan.language_version,
        project=Project(**project, run_folder=""),
        env=Env(network="offline"),
        dialect=dialect,
        **sections,
    )


def plan_text(plan: Plan, dialect: Any) -> str:
    """That plan as a file."""
    return plan_for(plan, dialect).model_dump_json(indent=2, by_alias=True) + "\n"


def _weights(job: BundleJob, into: Path, done: Bundled) -> None:
    job.step("weights")
    student = load_student(job.source, root=job.root, device="cpu", precision="fp32", quantization="none")
    probes = probes_of(student, job.examples)
    wanted = [logits_of(student.model, probe) for probe in probes]
    folder = into / packaged.MODEL
    sealed = job.protection.secret is not None  # an archive holds no second student as its base
    apart = student.has_adapter and not job.merged and not sealed
    _save(job, student, probes, folder, apart)
    if "gguf" in job.include and not apart:
        job.step("gguf")
        _gguf(job, student, probes, wanted, into, done)
    elif "gguf" in job.include:
        done.notes.append("no GGUF file: EXPORT.merge is false, and a package's GGUF file is a whole model")
    again = load_student(folder, root=into, device="cpu", precision="fp32", quantization="none", offline=True)
    said = [logits_of(again.model, probe) for probe in probes]
    proof = compare_logits(wanted, said, kind="fp32", runtime=f"idiolect {__version__}")
    if not proof.passed:
        what = f"the packed student does not say what the student says: {proof}"
        raise StudentError(problem("L641", what, help="run the training again"))
    done.proofs["weights"] = proof
    if "weights" not in job.include:
        shutil.rmtree(folder)
        done.notes.append("without weights: `generate` needs the tokenizer and form of a student's folder")
    elif job.protection.secret is not None:
        write_okm(
            folder, into / packaged.SEALED, name=job.name, facts=job.facts, made_with=__version__,
            signing_key=job.protection.signing_key, secret=job.protection.secret,
        )  # fmt: skip
        shutil.rmtree(folder)


def _save(job: BundleJob, student: Student, probes: list[Probe], folder: Path, apart: bool) -> None:
    if not student.has_adapter:
        save_student(student, folder)
    elif not apart:
        save_merged(merge(load_for_merge(job.source, root=job.root), probes), folder)
    else:
        base = load_student(student.base, root=job.root, device="cpu", precision="fp32", quantization="none")
        save_student(base, folder / packaged.BASE)
        save_student(student, folder)
        # the base lies in the package now, and its files are other ones than those that were trained on
        found = load_student(folder / packaged.BASE, root=folder, device="cpu", precision="fp32")
        named = f"{packaged.MODEL}/{packaged.BASE}"
        record = read_record(folder)
        write_record(
            folder, record.model_copy(update={"base": named, "base_fingerprint": found.base_fingerprint})
        )


def _gguf(
    job: BundleJob, student: Student, probes: list[Probe], wanted: list[Any], into: Path, done: Bundled
) -> None:
    path = into / packaged.GGUF / f"{job.name}.{job.gguf_type}.gguf"
    try:
        convert(into / packaged.MODEL, path, job.gguf_type, name=job.name)
        said = ask_llama_cpp(path, probes)
    except CantConvert as error:
        raise StudentError(problem("L641", str(error), help=error.help)) from error
    except NoRuntime as error:
        done.notes.append(f"gguf: not proven: {error}")
        return
    same = said.tokens == tokens_of(student.tokenizer)
    proof = compare_logits(wanted, said.logits, kind=job.gguf_type, runtime=said.runtime, same_tokens=same)
    if not proof.passed:
        what = f"the GGUF file does not say what the student says: {proof}"
        raise StudentError(problem("L641", what, help='take "gguf" out of PACKAGE.include, or another type'))
    done.proofs["gguf"] = proof
    if job.protection.secret is not None:
        done.notes.append("gguf: written open: llama.cpp reads no sealed files")


def _program(job: BundleJob, into: Path) -> None:
    text = files("idiolect.ship").joinpath("bundle_program.py").read_text("utf-8")
    write_beside(into / packaged.PROGRAM, text)
    purposes = ["serve"]
    purposes += ["gguf"] if "gguf" in job.include else []
    purposes += ["okm"] if job.protection.secret is not None else []
    write_beside(into / packaged.REQUIREMENTS, "".join(f"{line}\n" for line in pinned(tuple(purposes))))
    write_own_wheel(into / packaged.WHEELS)


def _readme(job: BundleJob, into: Path) -> str:
    template = files("idiolect.ship").joinpath("bundle_readme.md").read_text("utf-8")
    suffix = "txt"
    parts = [
        f"- `{name}`: {what}"
        for name, what in _WHAT.items()
        if (into / name).exists() or name == packaged.MANIFEST
    ]
    sealed = (into / packaged.SEALED).exists()
    key = (
        "\nThe weights are sealed: set `OKTO_KEY`, or `OKTO_KEY_FILE` to a file that holds the key.\n"
        if sealed
        else ""
    )
    code = job.dialect is not None and (into / packaged.DIALECT / "name").is_dir()
    trust = (
        "\nThe dialect is a folder: where it brings code, pass `--allow-code` the first time.\n"
        if code
        else ""
    )
    return template.format(name=job.name, suffix=suffix, parts="\n".join(parts), key=key, trust=trust)


_WHAT = {
    packaged.MODEL: "the student: weights, tokenizer, and the form of its prompts",
    packaged.SEALED: "the student, sealed with AES-256-GCM",
    packaged.GGUF: "the same for llama.cpp",
    packaged.DIALECT: "the language: grammar, catalog, policy, schema",
    packaged.CONSTRAINT: "its grammar for llguidance, XGrammar and llama.cpp",
    packaged.INDEX: "what requests are answered from, searchable",
    packaged.PLAN: "how questions are answered: INFERENCE, CONTROL, GUARD, BEHAVIOR",
    packaged.REQUIREMENTS: "exact versions of what must be installed",
    packaged.WHEELS: "wheels for machines with no network",
    packaged.MANIFEST: "every file with its SHA-256",
}


def _manifest(job: BundleJob, into: Path, done: Bundled) -> None:
    entries = entries_of(into, without=(packaged.MANIFEST, packaged.SIGNATURE))
    manifest = OkmManifest(name=job.name, made_with=__version__, facts=dict(job.facts), files=entries)
    text = json.dumps(manifest.model_dump(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    write_beside(into / packaged.MANIFEST, text)
    if job.protection.signing_key is not None:
        signature = signature_of(text.encode(), job.protection.signing_key)
        write_beside(into / packaged.SIGNATURE, json.dumps(signature) + "\n")
    done.files, done.bytes = len(entries), sum(entry.bytes for entry in entries.values())
