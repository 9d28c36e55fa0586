"""Keys and values of rows that grow by chunks of different lengths.

Every row has as many slots as the longest; which token of the row a slot holds is in `places` (-1: nothing).
Layers with a sliding window keep all slots as well: what they see is said by the mask, which goes by places,
not by slots.
"""

from __future__ import annotations

from typing import Any

_GROWTH = 1.5
_FIRST = 64


def make_cache(layers: int) -> Any:
    """A cache of transformers' kind over growing layers."""
    from transformers.cache_utils import Cache

    layer = _layer_class()
    return Cache(layers=[layer() for _ in range(layers)])


_made: list[Any] = []


def _layer_class() -> Any:
    """The class of one layer, made on first use: its base needs transformers."""
    if _made:
        return _made[0]
    import torch
    from transformers.cache_utils import CacheLayerMixin

    class GrowingLayer(CacheLayerMixin):  # type: ignore[misc]
        """Keys and values in buffers with room to spare, so that a step copies only what is new."""

        is_sliding = False
        used = 0
        keys: Any
        values: Any

        def lazy_initialization(self, key_states: Any, value_states: Any) -> None:
            self.dtype, self.device = key_states.dtype, key_states.device
            self.is_initialized = True

        def _room(self, like: Any, held: Any, length: int) -> Any:
            shape = (*like.shape[:2], max(int(length * _GROWTH), _FIRST), like.shape[-1])
            bigger = torch.empty(shape, dtype=like.dtype, device=like.device)
            if held is not None:
                bigger[:, :, : self.used] = held[:, :, : self.used]
            return bigger

        def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
            length = self.used + key_states.shape[-2]
            if self.keys is None or length > self.keys.shape[-2]:
                self.keys = self._room(key_states, self.keys, length)
                self.values = self._room(value_states, self.values, length)
            self.keys[:, :, self.used : length] = key_states
            self.values[:, :, self.used : length] = value_states
            self.used = length
            return self.keys[:, :, :length], self.values[:, :, :length]

        def rows(self, numbers: Any) -> None:
            """Keep these rows, in this order; a number may come several times."""
            self.keys = self.keys[:, :, : self.used].index_select(0, numbers)
            self.values = self.values[:, :, : self.used].index_select(0, numbers)

        def slots(self, numbers: Any) -> None:
            """Keep of each row these slots, in this order."""
            for name in ("keys", "values"):
                held = getattr(self, name)
                where = numbers[:, None, :, None].expand(-1, held.shape[1], -1, held.shape[-1])
                setattr(self, name, held.gather(2, where))
            self.used = numbers.shape[1]

        def join(self, other: Any, slots: int) -> None:
            """Take over another layer's rows; all then have so many slots, empty ones first."""
            for name in ("keys", "values"):
                parts = [_shifted(getattr(one, name)[:, :, : one.used], slots) for one in (self, other)]
                setattr(self, name, torch.cat(parts, 0))
            self.used = slots

        def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
            return self.used + query_length, 0

        def get_seq_length(self) -> int:
            return self.used

        def get_max_length(self) -> int:
            return -1

    def _shifted(held: Any, slots: int) -> Any:
        empty = slots - held.shape[2]
        return torch.nn.functional.pad(held, (0, 0, empty, 0)) if empty else held

    _made.append(GrowingLayer)
    return GrowingLayer
