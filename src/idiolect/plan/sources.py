"""Where a setting may come from: the script's blocks, a model's parents, and the rules that rank them."""

from __future__ import annotations

from typing import Any

from idiolect.okt.check import Checked
from idiolect.okt.fields import Block
from idiolect.okt.inherit import Inherited, inherited_model
from idiolect.okt.language import BLOCKS
from idiolect.okt.reading import BlockReading, Reading
from idiolect.plan.plan import Origin
from idiolect.plan.sections import section
from idiolect.plan.settle import Candidate, Ledger, proposed

LORA_OVER_TRAIN = "FT_LORA over TRAIN: a block's own setting wins for LoRA training"
NEAREST_MODEL = "the nearest MODEL wins: a child overrides its parents"
LORA_OVER_DATASET = "FT_LORA over DATASET: a block's own setting wins for LoRA training"
DATASET_ORDER = "FT_LORA.mix_datasets, DATASET.mix_datasets, FT_LORA.train_dataset, DATASET.train"
DEVICE_ORDER = "FT_LORA.device, TRAIN.device, TRAIN.gpu, MODEL.device, ENV.accelerator"
PRECISION_ORDER = "TRAIN.precision, TRAIN.mixed_precision, MODEL.precision, ENV.precision"
BASE_ORDER = "FT_LORA.base_model over MODEL.base: the explicit one is loaded"
TEACHER_ORDER = "LLM_MODEL, .llmrc, TEACHER.model, gpt-oss:120b"
PARAMS_ORDER = "params over the older flat form"
CHECKPOINT_ORDER = "checkpoint_steps over save_steps"
URL_ORDER = "a written field over a part of the endpoint's URL"


class Sources:
    """A script's values as candidates, and the ledger of what was chosen."""

    def __init__(self, checked: Checked) -> None:
        self.checked = checked
        self.reading: Reading = checked.reading
        self.ledger = Ledger(checked.source)
        self.model: Inherited = inherited_model(checked.reading)

    def block(self, keyword: str) -> BlockReading | None:
        return self.reading.find(keyword)

    def section(self, keyword: str, settled: dict[str, Any] | None = None) -> Block:
        spec = BLOCKS[keyword]
        return section(spec.model, spec, self.block(keyword), self.ledger, settled)

    def with_fallbacks(self, keyword: str, **fallbacks: Any) -> Block:
        """A section in which some unwritten fields get a value that depends on the project."""
        settled = {
            name: self.settle(f"{keyword}.{name}", "", self.of(keyword, name), proposed(keyword, value))
            for name, value in fallbacks.items()
        }
        return self.section(keyword, settled)

    def of(self, keyword: str, name: str) -> Candidate:
        block = self.block(keyword)
        found = self.ledger.candidate(block, name)
        return found if block is not None else Candidate(f"{keyword}.{name}", None, Origin(kind="file"))

    def settle(self, path: str, rule: str, *candidates: Candidate) -> Any:
        return self.ledger.settle(path, candidates, rule)

    def from_model(self, name: str) -> Candidate:
        """A field of MODEL, its own or inherited."""
        found = self.model.written(name)
        if found is None:
            return Candidate(f"MODEL.{name}", None, Origin(kind="file"))
        written, block = found
        if block.label is None:
            return Candidate(f"MODEL.{name}", written.value, self.ledger.place(written))
        parent = f'MODEL "{block.label}"'
        return Candidate(f"MODEL.{name}", written.value, self.ledger.place(written, "inherited", parent))

    def levels(self, name: str) -> list[Candidate]:
        """A field at each level of the inheritance chain, nearest first."""
        found = []
        for block in self.model.chain:
            written = block.fields.get(name)
            if written is not None:
                label = f'MODEL "{block.label}"' if block.label is not None else ""
                origin = self.ledger.place(written, "inherited" if label else "file", label)
                found.append(
                    Candidate(
                        f"{label or 'MODEL'}.{name}" if label else f"MODEL.{name}", written.value, origin
                    )
                )
        return found

    def inherited(self, name: str) -> Any:
        levels = self.levels(name)
        return self.settle(f"MODEL.{name}", NEAREST_MODEL, *levels) if levels else None
