"""Keeps a model's embedding and its tokenizer of one size, and adds tokens where a template needs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def fit_vocabulary(model: Any, tokenizer: Any) -> tuple[str, ...]:
    """Grow the embedding until every token of the tokenizer has a row; what was done, in words.

    More rows than tokens are common (padding to a round number) and stay.
    """
    rows = model.get_input_embeddings().weight.shape[0]
    lacking = len(tokenizer) - rows
    if lacking <= 0:
        return ()
    _grow(model, len(tokenizer))
    model.idiolect_added_tokens = tuple(range(rows, len(tokenizer)))
    return (f"{lacking} tokens of the tokenizer had no row in the embedding; rows were added for them",)


def add_tokens(model: Any, tokenizer: Any, tokens: Sequence[str]) -> tuple[int, ...]:
    """Add special tokens that a template is written with; the ids of those that were new.

    A new token begins as the mean of the others, and an adapter trains it (`student/adapters.py`).
    """
    known = tokenizer.get_vocab()
    new = [token for token in tokens if token not in known]
    if not new:
        return ()
    tokenizer.add_special_tokens({"additional_special_tokens": new}, replace_extra_special_tokens=False)
    ids = tuple(tokenizer.convert_tokens_to_ids(new))
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        _grow(model, len(tokenizer))
    earlier = getattr(model, "idiolect_added_tokens", ())
    model.idiolect_added_tokens = (*earlier, *ids)
    return ids


def _grow(model: Any, size: int) -> None:
    import torch

    rows = model.get_input_embeddings().weight.shape[0]
    # mean_resizing draws the new rows at random; the plain mean is the same every time
    model.resize_token_embeddings(size, mean_resizing=False)
    layers = (model.get_input_embeddings(), model.get_output_embeddings())
    weights = {id(layer.weight): layer.weight for layer in layers if layer is not None}
    with torch.no_grad():
        for weight in weights.values():
            weight[rows:] = weight[:rows].float().mean(0).to(weight.dtype)
