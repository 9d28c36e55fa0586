"""Several processes in one training, as `torchrun` or `accelerate launch` start them.

    torchrun --nproc-per-node 2 -m idiolect train FILE

Every process runs the same command. The first walks the run: it alone makes the other stages, holds the run's
lock and writes. When it comes to training it tells the others what is trained, and all train together. Where
it does not come to training, it tells them so, and they end. What a model's parallelism is (DDP, FSDP2) is
accelerate's business and its launcher's settings.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from idiolect.plan.plan import Plan
from idiolect.train.job import Trained, TrainingJob
from idiolect.train.processes import Processes
from idiolect.train.ranks import is_sharded, local_rank, processes_here, rank_here
from idiolect.train.training import train

# The others wait for the first while it makes a corpus, asks teachers and splits.
_WAITS = timedelta(days=7)
_NOTHING = "nothing"


def joined(device: str) -> Processes:
    """This process among all, connected; alone where nothing was launched."""
    if processes_here() == 1:
        return Processes(device=device)
    on_gpu = _on_gpu(device)
    import torch
    import torch.distributed as distributed

    if on_gpu:
        torch.cuda.set_device(local_rank())
    if not distributed.is_initialized():
        distributed.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=_WAITS)
    return Processes(rank_here(), processes_here(), is_sharded() and on_gpu, device)


def train_together(job: TrainingJob, split: Path) -> Trained:
    """Train with all processes; called by the first, with what the others read themselves."""
    processes = joined(_device(job.plan))
    if is_sharded() and not processes.sharded and processes.count > 1:
        job.warn("FSDP needs GPUs: on CPUs each process holds the whole model (DDP)")
    if processes.count > 1:
        said = {
            "plan": job.plan.model_dump(mode="json", by_alias=True),
            "root": str(job.root),
            "split": str(split),
            "home": str(job.home),
            "resume": str(job.resume) if job.resume else None,
        }
        processes.gathered(json.dumps(said))
    return train(replace(job, processes=processes))


def work_along() -> None:
    """What every process but the first does: wait for the training, and take part in it."""
    import signal

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the first hears it, and all end with the same step
    processes = joined("auto")
    told = processes.gathered("")[0]
    if told == _NOTHING:
        return
    train(_job_of(json.loads(told), processes))


def release() -> None:
    """Let the others end, where the first did not come to training."""
    if processes_here() == 1:
        return
    import torch.distributed as distributed

    if not distributed.is_initialized():
        joined("cpu").gathered(_NOTHING)
    distributed.destroy_process_group()


def _job_of(said: dict[str, Any], processes: Processes) -> TrainingJob:
    from idiolect.train.hooks import HookRunner
    from idiolect.train.outfit import Outfit
    from idiolect.train.run_files import RunFiles
    from idiolect.train.train_stage import dialect_for, examples_in

    plan, root = Plan.model_validate(said["plan"]), Path(said["root"])
    learned, held = examples_in(Path(said["split"]))
    hooks = HookRunner(plan.hooks, root) if plan.hooks is not None else None  # the first alone calls them
    dialect, project = dialect_for(plan, root)
    return TrainingJob(
        plan=plan,
        root=root,
        train=learned,
        validation=held,
        home=Path(said["home"]),
        resume=Path(said["resume"]) if said["resume"] else None,
        callbacks=Outfit(RunFiles.of(plan, root), hooks, dialect, project),
        processes=processes,
    )


def _on_gpu(device: str) -> bool:
    """accelerate shards a model over GPUs only; processes on CPUs each hold a whole one."""
    import torch

    return bool(torch.cuda.is_available()) and device in ("auto", "cuda")


def _device(plan: Plan) -> str:
    return (plan.train.device if plan.train else None) or "auto"
