"""The processes of one training, as `torchrun` or `accelerate launch` started them: sums and whole states.

Gradients are brought together by accelerate's DDP or FSDP2; here is only what lies beside: sums for the logs,
and one whole state for a checkpoint, which any number of processes can go on from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among all of a training."""

    rank: int = 0
    count: int = 1
    sharded: bool = False  # FSDP: each holds a part of the weights
    device: Any = "cpu"

    @property
    def first(self) -> bool:
        """Whether this is the one that writes and speaks."""
        return self.rank == 0

    def summed(self, values: Mapping[str, float]) -> dict[str, float]:
        """Sums over all processes, which may know different names."""
        if self.count == 1:
            return dict(values)
        total: dict[str, float] = {}
        for one in self.gathered(dict(values)):
            for name, value in one.items():
                total[name] = total.get(name, 0.0) + value
        return total

    def gathered(self, value: Any) -> list[Any]:
        """What each process has, in their order."""
        if self.count == 1:
            return [value]
        import torch.distributed as distributed

        found: list[Any] = [None] * self.count
        distributed.all_gather_object(found, value)
        return found

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            import torch.distributed as distributed

            distributed.barrier()

    def agreed(self, here: bool) -> bool:
        """Whether any process says so."""
        return any(self.gathered(here))

    def optimizer_state(self, model: Any, optimizer: Any) -> Any:
        """The whole state of the optimizer."""
        inner = getattr(optimizer, "optimizer", optimizer)
        if not self.sharded:
            return inner.state_dict()
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_optimizer_state_dict

        return get_optimizer_state_dict(
            model, inner, options=StateDictOptions(full_state_dict=True, cpu_offload=True)
        )

    def load_optimizer(self, model: Any, optimizer: Any, state: Any) -> None:
        """Put a whole state back."""
        inner = getattr(optimizer, "optimizer", optimizer)
        if not self.sharded:
            inner.load_state_dict(state)
            return
        from torch.distributed.checkpoint.state_dict import StateDictOptions, set_optimizer_state_dict

        set_optimizer_state_dict(model, inner, state, options=StateDictOptions(full_state_dict=True))

    def model_state(self, model: Any) -> dict[str, Any] | None:
        """The whole weights where each process holds a part; None where the model itself has them."""
        if not self.sharded:
            return None
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

        found: dict[str, Any] = get_model_state_dict(
            model, options=StateDictOptions(full_state_dict=True, cpu_offload=True)
        )
        return found

    def load_model(self, model: Any, state: dict[str, Any]) -> None:
        """Put whole weights back into parts."""
        from torch.distributed.checkpoint.state_dict import StateDictOptions, set_model_state_dict

        set_model_state_dict(model, state, options=StateDictOptions(full_state_dict=True, strict=False))


def processes_here(device: Any = "cpu") -> Processes:
    """The processes that this one belongs to, by what has been started."""
    import torch.distributed as distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return Processes(device=device)
    return Processes(distributed.get_rank(), distributed.get_world_size(), device=device)
