"""What a training of a run wears: the callbacks that write its files, watch, rule, call hooks, show progress.

`callbacks.py` has them; here they are given what this training's loop offers, and hard examples are added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idiolect.data.contexts import context_of
from idiolect.data.example import Example
from idiolect.data.jsonl import read_examples
from idiolect.dialects.contract import EMPTY, Context, Dialect
from idiolect.plan.paths import locate
from idiolect.plan.plan import Plan
from idiolect.problem import problem
from idiolect.train.hooks import HookRunner
from idiolect.train.run_files import RunFiles
from idiolect.train.trouble import TrainingError

if TYPE_CHECKING:
    from idiolect.train.job import Fitted


@dataclass(slots=True)
class Outfit:
    """Makes the callbacks of a training (a `MakesCallbacks`)."""

    files: RunFiles
    hooks: HookRunner | None = None
    dialect: Dialect | None = None
    project: Context = EMPTY
    made: list[Any] = field(default_factory=list)

    def __call__(self, fitted: Fitted) -> Sequence[Any]:
        """The callbacks, in their order."""
        from idiolect.train.callbacks import Surroundings, callbacks_of
        from idiolect.train.live_line import LiveLine

        job, first = fitted.job, fitted.processes.first
        around = Surroundings(
            plan=job.plan,
            files=self.files,
            facts=fitted.facts,
            say=job.watch.log,
            warn=job.warn,
            levers=fitted.levers,
            can_validate=fitted.validates,
            save_model=_saver(self.files, fitted) if first else _told_only,
            hooks=self.hooks,
            live_line=LiveLine(job.watch.progress) if first else None,
            writes=first,
            device=fitted.student.device,
            gpu=0 if fitted.student.device == "cuda" else None,
        )
        self.made = list(callbacks_of(around))
        published = publish_place(job.plan, job.root)
        if published is not None and first:
            self.made.append(publisher(published, job.warn))
        if fitted.settings.hard is not None:
            self.made.append(self._hard_examples(fitted))
        return self.made

    def _hard_examples(self, fitted: Fitted) -> Any:
        from idiolect.train.answering import StudentAnswers
        from idiolect.train.hard_examples import HardExampleCallback, judge_by

        hard, job = fitted.settings.hard, fitted.job
        assert hard is not None
        if fitted.processes.sharded:
            what = "hard_examples generates answers, which a model in parts does not do here"
            raise TrainingError(problem("L650", what, help="train with DDP, or leave hard_examples out"))
        dev = list(job.validation)
        if hard.dev is not None:
            dev = _dev_set(job.root / job.plan.script, hard.dev)
        dev = [example for example in dev if example.valid]
        if not dev:
            what = "hard_examples has no dev set: nothing is held out for validation"
            help = 'name one: hard_examples { dev: "dataset/dev.jsonl" }, or raise val_split'
            raise TrainingError(problem("L650", what, help=help, where="TRAIN.hard_examples"))
        return HardExampleCallback(
            hard,
            job.train,
            dev,
            StudentAnswers(fitted.student, max_new_tokens=max(16, fitted.settings.max_seq_length // 4)),
            judge_by(self.dialect, lambda example: context_of(example, self.project)),
            seed=fitted.settings.seed,
            say=job.watch.log,
        )

    def ended(self, reason: str) -> None:
        """Tell the files why training ends before its last step."""
        for one in self.made:
            board = getattr(one, "board", None)
            if board is not None and not board.stop_reason:
                board.stop_reason = reason

    def reason(self) -> str:
        """Why training ended before its last step, if a rule or a hook ended it."""
        boards = [one.board for one in self.made if hasattr(one, "board")]
        return str(boards[0].stop_reason) if boards else ""

    def close(self) -> None:
        """End what may still run where training ended with an error."""
        for one in self.made:
            if hasattr(one, "close"):
                one.close()
        if self.hooks is not None:
            self.hooks.close()


def publish_place(plan: Plan, root: Path) -> Path | None:
    """TRAIN.checkpoint_path, where the script names another folder than the run's."""
    written = plan.train.checkpoint_path if plan.train else None
    if written is None or plan.train is None or plan.train.save_strategy == "no":
        return None
    place, run = root / written, root / plan.project.run_folder
    setting = plan.settings.get("TRAIN.checkpoint_path")
    if place == run or setting is None or setting.origin.kind in ("default", "proposed", "derived"):
        return None
    return place


def publisher(place: Path, warn: Callable[[str], None]) -> Any:
    """A callback that keeps copies of the checkpoints in a folder that the script names."""
    import shutil

    from transformers import TrainerCallback

    from idiolect.train.checkpoints import folders
    from idiolect.train.results import linked

    class Publisher(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self._mine: set[str] = set()

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            home = {folder.name: folder for folder in folders(Path(args.output_dir))}
            newest = f"checkpoint-{state.global_step}"
            try:
                place.mkdir(parents=True, exist_ok=True)
                if newest in home:
                    beside = place / f".{newest}.writing"
                    shutil.rmtree(beside, ignore_errors=True)
                    linked(home[newest], beside)
                    shutil.rmtree(place / newest, ignore_errors=True)
                    beside.rename(place / newest)
                    self._mine.add(newest)
            except OSError as error:
                warn(f"{newest} was not put into {place.name}: {error.strerror or error}")
            for name in self._mine - set(home):
                shutil.rmtree(place / name, ignore_errors=True)
            self._mine &= set(home)

    return Publisher()


def _saver(files: RunFiles, fitted: Fitted) -> Callable[[str], str]:
    """SAVE model and SAVE "name": a student's folder below the run's `saved/`, written beside and renamed."""
    import shutil

    def save(name: str) -> str:
        folder = files.folder / "saved" / name
        beside = folder.with_name(f".{name}.writing")
        shutil.rmtree(beside, ignore_errors=True)
        fitted.save_model(beside, None)
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
        return folder.relative_to(files.folder).as_posix()

    return save


def _told_only(name: str) -> str:
    return f"saved/{name}"


def _dev_set(script: Path, written: str) -> list[Example]:
    found = locate(written, script)
    if not found.exists:
        what = f'hard_examples.dev: "{written}" does not exist'
        raise TrainingError(problem("V001", what, where="TRAIN.hard_examples"))
    return list(read_examples(found.path))
