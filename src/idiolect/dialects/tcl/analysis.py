"""Everything that can be told of one Tcl text in a context: its walk, its calls, its blocks, its faults.

The verifier, the formatter, the descriptions and the mutations all start from this record. It does
**not** change the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from idiolect.dialects.catalog import Catalog, Dsl
from idiolect.dialects.contract import Dialect
from idiolect.dialects.policy import (
    Policy,
    deprecated_fault,
    forbidden_fault,
    over_limit,
    text_faults,
)
from idiolect.dialects.tcl.calls import Call, CallChecker
from idiolect.dialects.tcl.embed import Block, braced_blocks, command_words, cut_out, is_braced, judge
from idiolect.dialects.tcl.expr import unknown_functions
from idiolect.dialects.tcl.names import own_commands, variable_faults
from idiolect.dialects.tcl.stray import stray_faults
from idiolect.dialects.tcl.walk import Site, Walk, qualified, walk
from idiolect.dialects.verdict import Fault, Fix, Level, Severity
from idiolect.source import Span

MOST_FAULTS = 500
# Commands that give another command a new name, and the word that names it.
RENAMED = {"rename": 1, "interp": 5}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a text is judged against."""

    catalog: Catalog | None = None
    policy: Policy | None = None
    dsls: tuple[Dsl, ...] = ()
    dialects: Mapping[str, Dialect] = field(default_factory=dict)  # by the DSL's name


@dataclass(slots=True)
class Analysis:
    """What was found in one text."""

    text: str
    walk: Walk
    faults: list[Fault]
    blocks: list[Block]
    calls: list[Call]
    catalog: Catalog | None = None
    unjudged_calls: int = 0


def analyse(text: str, settings: Settings) -> Analysis:
    """Judge a text and keep all that was found on the way."""
    plain, cut, faults = cut_out(text, settings.dsls)
    found = walk(plain)
    strict = settings.catalog is not None
    faults += found.faults
    if strict:
        faults = [_strict(fault) for fault in faults]
    faults += stray_faults(found, strict)
    faults += _function_faults(found, strict)
    braced, more = braced_blocks(found, settings.dsls)
    faults += more
    catalog = settings.catalog or Catalog()
    blocks = [judge(block, text, catalog, settings.dialects.get(block.dsl.name)) for block in cut + braced]
    for block in blocks:
        faults += block.faults
    out = Analysis(text, found, faults, blocks, [], settings.catalog)
    if settings.catalog is not None:
        _check_calls(out, settings, cut)
        faults += variable_faults(found, settings.catalog)
    if settings.policy is not None:
        faults += _policy_faults(out, settings.policy)
    out.faults = _sorted(faults)
    return out


def _strict(fault: Fault) -> Fault:
    """With a catalog, nothing beside it may add subcommands: what is unknown is wrong."""
    return replace(fault, severity=Severity.ERROR) if fault.code == "tcl.args.subcommand" else fault


def _function_faults(found: Walk, strict: bool) -> list[Fault]:
    names = [item.name for item in found.definitions]
    known = frozenset(name.rpartition("::")[2] for name in names if "mathfunc::" in name)
    return [fault for checked in found.exprs.values() for fault in unknown_functions(checked, known, strict)]


def _check_calls(out: Analysis, settings: Settings, cut: list[Block]) -> None:
    assert settings.catalog is not None
    known = set(own_commands(out.walk))
    known |= {command_words(dsl.embedding)[0] for dsl in settings.dsls if is_braced(dsl.embedding)}
    known |= {out.walk.text[block.span.start : block.span.end] for block in cut}
    deny = settings.policy.deny_deprecated if settings.policy else False
    checker = CallChecker(out.walk, settings.catalog, frozenset(known), deny)
    out.faults += checker.faults()
    out.calls = checker.calls
    out.unjudged_calls = checker.unjudged


def _policy_faults(out: Analysis, policy: Policy) -> Iterator[Fault]:
    yield from text_faults(policy, out.text, "tcl")
    for site in out.walk.sites:
        if site.name is not None and site.where.kind == "script":
            yield from _symbol_faults(out.walk, site, policy)
    loaded = {name for name, _ in out.walk.packages}
    for package in policy.required.packages:
        if package not in loaded:
            at = _behind_header(out.walk)
            yield Fault(
                "tcl.policy.package",
                f'package "{package}" is not loaded',
                Span(at, at),
                f"add: package require {package}",
                Level.POLICY,
                fix=Fix(Span(at, at), f"package require {package}\n"),
            )
    limits = policy.limits
    code = "tcl.policy.limit"
    if limits.max_statements is not None and len(out.walk.sites) > limits.max_statements:
        yield over_limit(code, f"{len(out.walk.sites)} commands", limits.max_statements, None)
    if limits.max_blocks is not None and len(out.blocks) > limits.max_blocks:
        yield over_limit(code, f"{len(out.blocks)} DSL blocks", limits.max_blocks, None)


def _symbol_faults(found: Walk, site: Site, policy: Policy) -> Iterator[Fault]:
    assert site.name is not None
    words = site.command.words
    plain = site.name.removeprefix("::")
    names = [plain, f"::{plain}", qualified(site.name, site.where.namespace)]
    if len(words) > 1 and (second := found.value(words[1])) is not None and len(second) < 60:
        names.append(f"{plain} {second}")
    at = RENAMED.get(plain, len(words))
    target = found.value(words[at]) if at < len(words) else None
    if target and (rule := policy.forbids(target.removeprefix("::"))) is not None:
        yield forbidden_fault(rule, target, words[at].span, "tcl")
    if (rule := policy.forbids(*names)) is not None:
        end = words[1].end if " " in rule.name and len(words) > 1 else words[0].end
        yield forbidden_fault(
            rule, names[-1] if " " in rule.name else plain, Span(words[0].start, end), "tcl"
        )
    if (old := policy.deprecates(*names)) is not None:
        span = words[0].span
        yield deprecated_fault(
            plain, span, "tcl", replacement=old.replacement, why=old.why, deny=policy.deny_deprecated
        )


def _behind_header(found: Walk) -> int:
    """Behind the comments that a text begins with."""
    at = 0
    for span in sorted(found.top.comments):
        if found.text[at : span.start].strip():
            break
        at = span.end
    newline = found.text.find("\n", at)
    return newline + 1 if at and newline >= 0 else at


def _sorted(faults: list[Fault]) -> list[Fault]:
    """In the order of the text, each once, up to a bound."""
    unique = dict.fromkeys(faults)
    ordered = sorted(unique, key=lambda fault: (fault.span or Span(0, 0), fault.code))
    # Errors first where the bound cuts: a verdict must not lose one to warnings.
    if len(ordered) > MOST_FAULTS:
        ordered.sort(key=lambda fault: fault.severity is not Severity.ERROR)
        ordered = ordered[:MOST_FAULTS]
    return ordered
