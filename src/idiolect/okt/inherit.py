"""MODEL inheritance: what the trained model is made of, field by field, and from which parent."""

from __future__ import annotations

from dataclasses import dataclass, field

from idiolect.okt.diagnostics import Edit, Reporter
from idiolect.okt.reading import BlockReading, Reading, Written
from idiolect.text_hints import nearest

MAX_LEVELS = 10


@dataclass(slots=True)
class Inherited:
    """The chain of MODEL blocks from the trained one upwards, nearest first."""

    chain: list[BlockReading] = field(default_factory=list)

    def written(self, name: str) -> tuple[Written, BlockReading] | None:
        """A field's value and the block that gives it: the nearest one wins."""
        for block in self.chain:
            if name in block.fields and (name != "inherit" or block is self.chain[0]):
                return block.fields[name], block
        return None

    def nested(self, name: str) -> BlockReading | None:
        return next((block.blocks[name] for block in self.chain if name in block.blocks), None)


def inherited_model(reading: Reading, reporter: Reporter | None = None) -> Inherited:
    """The model that is trained, with its parents. Faults go to the reporter, if there is one."""
    model = reading.blocks.get("MODEL")
    return Inherited() if model is None else chain_of(model, reading, reporter or Reporter())


def chain_of(model: BlockReading, reading: Reading, reporter: Reporter) -> Inherited:
    """A model and its parents. A circle or a missing parent ends the chain."""
    found = Inherited([model])
    labels = [model.label] if model.label is not None else []
    block = model
    while (link := block.fields.get("inherit")) is not None:
        label = link.value
        parent = reading.parents.get(label)
        if parent is None:
            _no_parent(label, link, reading, reporter)
            break
        if label in labels:
            circle = " -> ".join([*labels[labels.index(label) :], label])
            reporter.error(
                "V009", link.span, f"inheritance runs in a circle: {circle}", "remove one inherit of it"
            )
            break
        if len(found.chain) > MAX_LEVELS:
            reporter.error(
                "L109",
                link.span,
                f"inheritance goes deeper than {MAX_LEVELS} levels",
                "shorten the chain of parents",
            )
            break
        labels.append(label)
        found.chain.append(parent)
        block = parent
    return found


def _no_parent(label: str, link: Written, reading: Reading, reporter: Reporter) -> None:
    near = nearest(label, reading.parents)
    known = ", ".join(f'"{name}"' for name in reading.parents)
    if near:
        help = f'did you mean "{near}"?'
    elif known:
        help = f"parents in this file: {known}"
    else:
        help = f'write MODEL "{label}" {{ ... }} above'
    reporter.error(
        "L108",
        link.span,
        f'no MODEL is labelled "{label}"',
        help,
        edits=(Edit(f'Write "{near}"', link.span, f'"{near}"'),) if near else (),
    )


def check_inheritance(reading: Reading, reporter: Reporter) -> Inherited:
    """Follow every chain once, so that a fault between parents is told even if no model uses them."""
    model = inherited_model(reading, reporter)
    followed = {id(block) for block in model.chain}
    for parent in reading.parents.values():
        if id(parent) not in followed:
            quiet = Reporter()
            chain = chain_of(parent, reading, quiet)
            fresh = [block for block in chain.chain if id(block) not in followed]
            followed.update(id(block) for block in fresh)
            reporter.found.extend(item for item in quiet.found if item not in reporter.found)
    return model
