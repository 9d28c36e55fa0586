"""The table of stages, in the order of a run. A function is imported when its stage runs, not before.

A stage that is written in another version has no function yet; a run ends before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from idiolect.plan.stages import STAGES as ORDER
from idiolect.runs.stage import Stage

_DIALECT = ("dialect.schema_", "dialect.grammar", "dialect.catalog", "dialect.policy")

# What decides an evaluation, whichever student it is of.
_JUDGED_BY = (
    "evaluate",
    "metrics",
    "dialect",
    "teacher.model",
    "teacher.offline",
    "train.device",
    "model.base",
)

_ROWS = (
    Stage(
        "environment",
        "idiolect.runs.environment:run_environment",
        settings=("env",),
        at_root=True,
        always=True,
    ),
    Stage(
        "corpus",
        "idiolect.data.corpus_stage:run_corpus",
        settings=("corpus", "dialect"),
        reads=("corpus.sources", "corpus.reference", "corpus.metadata", *_DIALECT),
        may_read=("dialect.name", "dialect.embed"),
    ),
    Stage(
        "synth",
        "idiolect.teachers.synth_stage:run_synth",
        settings=(
            *("synthesize", "dialect", "dataset.system", "teacher.model", "teacher.temperature"),
            *("teacher.offline", "teacher.retries", "teacher.max_calls"),
        ),
        reads=(
            *("synthesize.domains", "synthesize.template", "synthesize.operators"),
            *("synthesize.target_errors", *_DIALECT),
        ),
        may_read=("dialect.name", "dialect.embed"),
        needs=("corpus",),
    ),
    Stage(
        "split",
        "idiolect.data.split_stage:run_split",
        settings=("dataset", "data", "dialect", "train.val_split", "corpus.split", "evaluate.suites"),
        reads=("data.sources.path", "dataset.validation", "dataset.test", *_DIALECT),
        may_read=("dialect.name", "dialect.embed"),
        needs=("corpus", "synth"),
    ),
    Stage(
        "explore",
        "idiolect.train.explore_stage:run_explore",
        settings=("explorer", "train", "ft_lora", "model", "stability", "validate_", "inference"),
        may_read=("model.base", "ft_lora.base_model"),
        needs=("split",),
    ),
    Stage(
        "train",
        "idiolect.train.train_stage:run_train",
        settings=(
            *("train", "ft_lora", "model", "validate_", "metrics", "control", "stability", "hooks"),
            *("dialect", "inference.format", "inference.labels", "behavior.prompt_style"),
            *("dataset.type", "dataset.system", "dataset.chat_template"),
        ),
        reads=_DIALECT,
        may_read=(
            *("model.base", "model.adapter.path", "ft_lora.base_model", "train.hard_examples.dev"),
            *("dialect.name", "dialect.embed", "dataset.chat_template"),
            *("hooks.before_train", "hooks.after_train", "hooks.before_epoch", "hooks.after_epoch"),
            *("hooks.on_checkpoint", "hooks.custom_metric"),
        ),
        needs=("split", "explore"),
        at_root=True,
        patience_s=600.0,
    ),
    Stage(
        "eval",
        "idiolect.evaluate.eval_stage:run_eval",
        settings=_JUDGED_BY,
        reads=_DIALECT,
        may_read=("dialect.name", "dialect.embed", "evaluate.suites", "evaluate.compare"),
        needs=("split", "train"),
    ),
    Stage(
        "align",
        "idiolect.train.align_stage:run_align",
        settings=(
            *("align", "model.base", "train.device", "train.precision", "train.optimizer", "train.scheduler"),
            *("train.weight_decay", "train.gradient_clip", "train.max_seq_length", "train.tokens_per_batch"),
            *("train.prefix_sharing", "train.gradient_checkpointing", "train.save_strategy", "dialect"),
            *("train.checkpoint_steps", "train.save_total_limit"),
        ),
        reads=_DIALECT,
        may_read=("model.base", "align.pairs", "align.adapter", "dialect.name", "dialect.embed"),
        needs=("split", "train", "eval"),
        patience_s=600.0,
    ),
    Stage(
        "eval_aligned",
        "idiolect.evaluate.eval_stage:run_eval_aligned",
        settings=_JUDGED_BY,
        reads=_DIALECT,
        may_read=("dialect.name", "dialect.embed", "evaluate.suites", "evaluate.compare"),
        needs=("split", "eval", "align"),
    ),
    Stage(
        "merge",
        "idiolect.ship.export_stage:run_merge",
        settings=(
            *("merge", "model.base", "dialect", "inference", "behavior", "guard", "control", "deploy"),
            *("security", "project"),
        ),
        reads=_DIALECT,
        may_read=("merge.source", "merge.target", "dialect.name", "dialect.embed"),
        needs=("split", "train", "align", "eval_aligned"),
    ),
    Stage(
        "export",
        "idiolect.ship.export_stage:run_export",
        settings=(
            *("export", "dialect", "inference", "behavior", "guard", "control", "deploy", "security"),
            *("project", "model", "train.max_seq_length"),
        ),
        reads=_DIALECT,
        may_read=("dialect.name", "dialect.embed"),
        needs=("split", "train", "align", "eval_aligned"),
    ),
    Stage(
        "package",
        "idiolect.ship.package_stage:run_package",
        settings=(
            *("package", "export.merge", "export.gguf_type", "export.quantization", "dialect", "inference"),
            *("behavior", "guard", "control", "deploy", "security", "model", "project"),
        ),
        reads=_DIALECT,
        may_read=("dialect.name", "dialect.embed"),
        needs=("split", "train", "align", "eval_aligned"),
    ),
    Stage("serve", ""),
)

TABLE: Mapping[str, Stage] = MappingProxyType({row.name: row for row in _ROWS})
assert tuple(TABLE) == ORDER
