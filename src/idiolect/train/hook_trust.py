"""Whether the hooks of a script may run: only code that its user has looked at and allowed, as it is now."""

from __future__ import annotations

from pathlib import Path

from idiolect.dialects.trust import allow_hook, is_hook_allowed
from idiolect.okt.blocks.watch import Hooks
from idiolect.plan.plan import Plan
from idiolect.runs.stage import StageError
from idiolect.text_hints import listed
from idiolect.train.hooks import HOOKS, HookRunner
from idiolect.train.run_files import RunFiles


def targets_of(hooks: Hooks) -> tuple[str, ...]:
    """What the hooks of a script name, each once."""
    named = [getattr(hooks, name) for name in HOOKS]
    return tuple(dict.fromkeys(target for target in named if target is not None))


def allow_hooks(plan: Plan, root: Path) -> tuple[str, ...]:
    """Allow the hooks of a plan as they are now; what is new in that, in words."""
    return tuple(f'"{target}"' for target in refused_hooks(plan, root) if allow_hook(target, root))


def refused_hooks(plan: Plan, root: Path) -> tuple[str, ...]:
    """The hooks of a plan that were not allowed, or have changed since."""
    if plan.hooks is None:
        return ()
    return tuple(target for target in targets_of(plan.hooks) if not is_hook_allowed(target, root))


def open_hooks(plan: Plan, root: Path, *, timeout_s: float | None = None) -> HookRunner | None:
    """The hooks of a plan, ready to be called; None where it has none. StageError where they may not run."""
    if plan.hooks is None or not targets_of(plan.hooks):
        return None
    refused = refused_hooks(plan, root)
    if refused:
        raise StageError(
            f"HOOKS names code that was not allowed to run, or has changed since: {listed(refused)}",
            "look at it, then pass --allow-code; or remove HOOKS",
        )
    files = RunFiles.of(plan, root)
    offline = plan.env.network == "offline"
    limits = {} if timeout_s is None else {"timeout_s": timeout_s}
    return HookRunner(plan.hooks, root, log=files.hooks_log, offline=offline, **limits)
