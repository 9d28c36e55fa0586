"""Ties control rules, stability, monitor, logs, hooks and the live line to a transformers.Trainer.

`callbacks_of` makes the list that the trainer is given. Each adapter is thin: it hands on what happened, and
carries out what an engine decided. With several processes the first one decides, and all act alike; only it
writes. State goes into the trainer's own checkpoint (`trainer_state.json`) and is taken from there on resume.

An epoch's end is dealt with at its last step, after a validation that belongs to it and before a checkpoint:
a checkpoint at that step then holds what the rules did.
"""

from __future__ import annotations

from dataclasses import replace

from transformers import TrainerCallback

from idiolect.train.board import TrainingBoard
from idiolect.train.callback_base import BoardCallback, Logs, nothing
from idiolect.train.callback_base import Surroundings as Surroundings
from idiolect.train.callback_logs import LiveLineCallback, LogCallback, MonitorCallback
from idiolect.train.callback_rules import ControlCallback, HookCallback, StabilityCallback
from idiolect.train.machine_load import ThisMachine
from idiolect.train.trackers import usable_trackers


def callbacks_of(around: Surroundings) -> list[TrainerCallback]:
    """The callbacks that a plan asks for, in the order in which they must stand."""
    around = _at_level(around)
    board = TrainingBoard()
    logs = Logs(around)
    train = around.plan.train
    for line in usable_trackers(train.report_to if train else ())[1]:
        around.warn(line)
    machine = around.machine or ThisMachine(around.gpu)
    callbacks: list[TrainerCallback] = [BoardCallback(around, board)]
    callbacks.append(LogCallback(around, board, logs))
    control, stability = around.plan.control, around.plan.stability
    if stability is not None and (stability.stop_if_nan or stability.stop_if_diverges):
        callbacks.append(StabilityCallback(around, board, logs))
    if control is not None:
        callbacks.append(ControlCallback(around, board, logs, control, machine))
    # The first process calls hooks; the others are told what they answered.
    if around.plan.hooks is not None and (around.hooks is not None or not around.writes):
        callbacks.append(HookCallback(around, board, logs, around.plan.hooks))
    if around.plan.monitor is not None and around.writes:
        callbacks.append(MonitorCallback(around, board, logs, machine))
    if around.live_line is not None and around.writes:
        callbacks.append(LiveLineCallback(around, board, around.live_line, machine))
    return callbacks


def _at_level(around: Surroundings) -> Surroundings:
    """Only the first process speaks, and it says no more than LOGGING.log_level wants."""
    level = around.plan.logging.log_level if around.plan.logging else "info"
    if not around.writes or level == "error":
        return replace(around, say=nothing, warn=nothing)
    return replace(around, say=nothing) if level == "warning" else around
