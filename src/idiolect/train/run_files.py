"""Where a training writes about itself: the files that the FAQ's layout names, wherever the plan puts them.

    runs/<project>/
      training_metrics.jsonl    one line for each log and each evaluation
      training_logs.json        the history of the training
      metrics.json              final metrics
      control_decisions.json    what CONTROL did, and why
      logs/system.json          samples of the machine's load
      logs/notifications.json   what MONITOR.notify_if raised
      logs/live.jsonl           everything as it happens, for whoever looks on
      logs/hooks.log            what hooks print

Paths only; nothing is written here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from idiolect.plan.plan import Plan
from idiolect.runs.folder import LOGS


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of one training."""

    folder: Path  # the run's
    stream: Path
    training: Path
    metrics: Path
    decisions: Path
    system: Path
    notifications: Path
    live: Path
    hooks_log: Path
    monitor_log: Path | None = None  # MONITOR.log_to

    @classmethod
    def of(cls, plan: Plan, root: Path) -> RunFiles:
        """The files of a plan's run; `root` is the project's."""
        folder = root / plan.project.run_folder
        logging, monitor = plan.logging, plan.monitor

        def chosen(written: str | None, default: str) -> Path:
            return root / written if written else folder / default

        return cls(
            folder=folder,
            stream=folder / "training_metrics.jsonl",
            training=chosen(logging.training_file if logging else None, "training_logs.json"),
            metrics=chosen(logging.metrics_file if logging else None, "metrics.json"),
            decisions=folder / "control_decisions.json",
            system=chosen(monitor.export_to if monitor else None, f"{LOGS}/system.json"),
            notifications=folder / LOGS / "notifications.json",
            live=folder / LOGS / "live.jsonl",
            hooks_log=folder / LOGS / "hooks.log",
            monitor_log=root / monitor.log_to if monitor and monitor.log_to else None,
        )
