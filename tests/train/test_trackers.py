"""Trackers that are not installed are told, and the others are used."""

from __future__ import annotations

from typing import get_args

from idiolect.okt.blocks.train import Train
from idiolect.train.trackers import _PACKAGES, usable_trackers


def test_what_is_not_installed_is_told_in_one_line() -> None:
    usable, missing = usable_trackers(
        ["none", "tensorboard", "wandb", "wandb"], installed=lambda package: package == "tensorboardX"
    )
    assert usable == ["tensorboard"]
    assert missing == [
        'TRAIN.report_to: "wandb" is not installed, and nothing is sent to it; pip install wandb'
    ]
    assert usable_trackers(["none"]) == ([], [])


def test_every_tracker_of_the_language_is_known() -> None:
    annotation = Train.model_fields["report_to"].annotation
    (word,) = get_args(annotation)
    assert set(get_args(word)) - {"none"} == set(_PACKAGES)
