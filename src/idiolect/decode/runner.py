"""Runs a model over rows that grow by chunks: the prompt once, then what is new of each row.

    runner = RaggedRunner(model)
    last = runner.begin([[1, 2, 3], [1, 2, 4, 5]])    prompts; what they begin with alike is run once
    runner.keep([0, 0, 1])                            rows copied, reordered or dropped
    last = runner.feed([[7], [8, 9, 10], [11]])       chunks of any lengths, one a row
    runner.join(other)                                rows of another runner of this model, behind the others

A chunk's tokens stand at the right of the step; what is left of a shorter one is masked, and every token has
the position that it would have alone. `last` are hidden states, which a `Head` turns into logits.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from idiolect.decode.attention import decoding_attention
from idiolect.decode.cache import make_cache

_SHARED = 16  # a common beginning of prompts shorter than this is not worth a pass of its own
_LOOSE = 64  # slots that may be empty before a cache is packed


class RaggedRunner:
    """A decoder with attention layers only, full or with a sliding window."""

    ragged = True

    def __init__(self, model: Any) -> None:
        import torch

        self.torch = torch
        self.model = model
        self.decoder = model.get_decoder()
        self.config = self.decoder.config
        self.device = next(model.parameters()).device
        self.windows = _windows(self.config)
        self.cache_name = "cache" if "cache" in _parameters(self.decoder) else "past_key_values"
        self.forwards = 0
        self.tokens = 0  # that were run, padding included
        self.cache: Any = None
        self.places: Any = None

    @property
    def rows(self) -> int:
        return 0 if self.places is None else int(self.places.shape[0])

    def begin(self, prompts: Sequence[Sequence[int]]) -> Any:
        """Forget everything, run prompts; the last hidden state of each."""
        torch = self.torch
        self.cache = make_cache(self.config.num_hidden_layers)
        shared = _common(prompts) if len(prompts) > 1 else 0
        if shared < _SHARED:
            self.places = torch.empty((len(prompts), 0), dtype=torch.long, device=self.device)
            return self.feed(prompts)
        self.places = torch.empty((1, 0), dtype=torch.long, device=self.device)
        self.feed([prompts[0][:shared]])
        self.keep([0] * len(prompts))
        return self.feed([prompt[shared:] for prompt in prompts])

    def feed(self, chunks: Sequence[Sequence[int]]) -> Any:
        """Run a chunk of every row; the hidden state of each chunk's last token."""
        torch = self.torch
        self._pack()
        width = max(map(len, chunks))
        ids = torch.zeros((len(chunks), width), dtype=torch.long)
        new = torch.full((len(chunks), width), -1, dtype=torch.long)
        lengths = (self.places >= 0).sum(1).tolist()
        for row, chunk in enumerate(chunks):
            ids[row, width - len(chunk) :] = torch.tensor(list(chunk))
            first = lengths[row]
            new[row, width - len(chunk) :] = torch.arange(first, first + len(chunk))
        ids, new = ids.to(self.device), new.to(self.device)
        self.places = torch.cat([self.places, new], 1)
        self.forwards += 1
        self.tokens += ids.numel()
        arguments = {
            "input_ids": ids,
            "attention_mask": self._masks(new),
            "position_ids": new.clamp(min=0),
            self.cache_name: self.cache,
            "use_cache": True,
        }
        with torch.inference_mode(), decoding_attention(self.config):
            return self.decoder(**arguments).last_hidden_state[:, -1]

    def keep(self, rows: Sequence[int]) -> None:
        """These rows in this order; a row may be taken several times."""
        if list(rows) == list(range(self.rows)):
            return
        numbers = self.torch.tensor(list(rows), dtype=self.torch.long, device=self.device)
        self.places = self.places.index_select(0, numbers)
        with self.torch.inference_mode():
            for layer in self.cache.layers:
                layer.rows(numbers)

    def join(self, other: RaggedRunner) -> None:
        """Take over another runner's rows, behind the rows here; the other is not to be used any more."""
        if not self.rows:
            self.cache, self.places = other.cache, other.places
            return
        slots = max(self.places.shape[1], other.places.shape[1])
        for mine, its in zip(self.cache.layers, other.cache.layers, strict=True):
            mine.join(its, slots)
        pad = self.torch.nn.functional.pad
        both = [pad(one, (slots - one.shape[1], 0), value=-1) for one in (self.places, other.places)]
        self.places = self.torch.cat(both)

    def _masks(self, new: Any) -> Any:
        """Which slots each new token sees: those of its row up to its place, in reach of the window."""
        torch = self.torch
        held = self.places[:, None, :]
        mine = new[:, :, None]
        seen = (held >= 0) & (held <= mine)
        width, slots = new.shape[1], self.places.shape[1]
        itself = torch.zeros((width, slots), dtype=torch.bool, device=self.device)
        itself[:, slots - width :].fill_diagonal_(True)  # padding sees itself, or its row would be empty
        masks = {}
        for kind, window in self.windows.items():
            mask = seen if window is None else seen & (mine - held < window)
            masks[kind] = self._as_wanted((mask | itself)[:, None])
        return masks if len(masks) > 1 else next(iter(masks.values()))

    def _as_wanted(self, mask: Any) -> Any:
        if self.config._attn_implementation in ("sdpa", "idiolect_decode"):
            return mask
        dtype = next(self.model.parameters()).dtype
        none = self.torch.finfo(dtype).min
        return self.torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, none)

    def _pack(self) -> None:
        """Close up the holes that chunks of different lengths leave, when they are many."""
        if not self.places.shape[1]:
            return
        longest = int((self.places >= 0).sum(1).max())
        if self.places.shape[1] < longest * 1.25 + _LOOSE:
            return
        # a stable sort puts empty slots first and keeps the others in order
        order = self.torch.argsort((self.places >= 0).long(), dim=1, stable=True)
        order = order[:, -longest:]
        self.places = self.places.gather(1, order)
        with self.torch.inference_mode():
            for layer in self.cache.layers:
                layer.slots(order)


class AlignedRunner:
    """Any other model, by its own cache: one token a row and step; encoder-decoders among them.

    Rows of one call come from prompts of one length, or from one encoder.
    """

    ragged = False

    def __init__(self, model: Any) -> None:
        import torch

        self.torch = torch
        self.model = model
        self.device = next(model.parameters()).device
        self.encoder_decoder = bool(model.config.is_encoder_decoder)
        self.cache_name = "cache" if "cache" in _parameters(model) else "past_key_values"
        self.forwards = 0
        self.tokens = 0
        self.cache: Any = None
        self.encoded: Any = None
        self.mask: Any = None

    @property
    def rows(self) -> int:
        return 0 if self.mask is None else int(self.mask.shape[0])

    def begin(self, prompts: Sequence[Sequence[int]]) -> Any:
        """Forget everything, run prompts; the logits of what comes first."""
        torch = self.torch
        width = max(map(len, prompts))
        if not self.encoder_decoder and any(len(prompt) != width for prompt in prompts):
            raise ValueError("prompts of one length are wanted: this model has no mask for padding")
        ids = torch.zeros((len(prompts), width), dtype=torch.long)
        self.mask = torch.zeros((len(prompts), width), dtype=torch.long)
        for row, prompt in enumerate(prompts):
            ids[row, : len(prompt)] = torch.tensor(list(prompt))
            self.mask[row, : len(prompt)] = 1
        ids, self.mask = ids.to(self.device), self.mask.to(self.device)
        self.cache = None
        if not self.encoder_decoder:
            return self._run({"input_ids": ids})
        with torch.inference_mode():
            self.encoded = self.model.get_encoder()(input_ids=ids, attention_mask=self.mask).last_hidden_state
        start = self.model.config.decoder_start_token_id
        first = torch.full((len(prompts), 1), start, dtype=torch.long, device=self.device)
        return self._run({"decoder_input_ids": first})

    def feed(self, chunks: Sequence[Sequence[int]]) -> Any:
        """Run one token of every row; the logits after it."""
        assert all(len(chunk) == 1 for chunk in chunks)
        ids = self.torch.tensor([list(chunk) for chunk in chunks], device=self.device)
        if self.encoder_decoder:
            return self._run({"decoder_input_ids": ids})
        return self._run({"input_ids": ids})

    def keep(self, rows: Sequence[int]) -> None:
        """These rows in this order; a row may be taken several times."""
        if list(rows) == list(range(self.rows)):
            return
        numbers = self.torch.tensor(list(rows), dtype=self.torch.long, device=self.device)
        with self.torch.inference_mode():
            self.mask = self.mask.index_select(0, numbers)
            if self.encoded is not None:
                self.encoded = self.encoded.index_select(0, numbers)
            if self.cache is not None:
                self.cache.reorder_cache(numbers)

    def _run(self, ids: dict[str, Any]) -> Any:
        arguments: dict[str, Any] = {**ids, self.cache_name: self.cache, "use_cache": True}
        if self.encoder_decoder:
            from transformers.modeling_outputs import BaseModelOutput

            arguments["encoder_outputs"] = BaseModelOutput(last_hidden_state=self.encoded)
            arguments["attention_mask"] = self.mask
        self.forwards += 1
        self.tokens += next(iter(ids.values())).numel()
        with self.torch.inference_mode():
            found = self.model(**arguments)
        self.cache = getattr(found, self.cache_name)
        return found.logits[:, -1]


def _windows(config: Any) -> dict[str, int | None]:
    """The kinds of attention layers, and how far each looks back."""
    window = getattr(config, "sliding_window", None)
    kinds = list(dict.fromkeys(getattr(config, "layer_types", None) or ()))
    if not kinds:
        slides = window and getattr(config, "use_sliding_window", True)
        kinds = ["sliding_attention" if slides else "full_attention"]
    return {kind: window if kind == "sliding_attention" else None for kind in kinds}


def is_ragged(model: Any) -> bool:
    """Whether a model can be run by chunks: a decoder whose layers are all attention of the two kinds."""
    config = model.config.get_text_config() if hasattr(model.config, "get_text_config") else model.config
    if getattr(model.config, "is_encoder_decoder", False) or getattr(model, "_is_stateful", False):
        return False
    if not hasattr(config, "num_hidden_layers") or not hasattr(model, "get_decoder"):
        return False
    kinds = set(getattr(config, "layer_types", None) or ())
    return kinds <= {"full_attention", "sliding_attention"}


def _parameters(module: Any) -> set[str]:
    inner = module.get_base_model() if hasattr(module, "get_base_model") else module
    return set(inspect.signature(inner.forward).parameters)


def _common(prompts: Sequence[Sequence[int]]) -> int:
    """How many tokens all prompts begin with alike; at least one of each is left over."""
    shortest = min(map(len, prompts)) - 1
    first = prompts[0]
    for at in range(shortest):
        if any(prompt[at] != first[at] for prompt in prompts):
            return at
    return max(shortest, 0)
