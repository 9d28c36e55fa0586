"""Texts to vectors by a local embedding model: a folder with an encoder in transformers' form.

The mean over a text's tokens, of length one. Nothing is downloaded and no code of a model runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from idiolect.student.quiet import quiet
from idiolect.student.trouble import libraries

_BATCH = 64
_LONGEST = 512  # tokens


class LocalEmbedder:
    """An encoder in a folder."""

    def __init__(self, folder: Path) -> None:
        with libraries():
            from transformers import AutoModel, AutoTokenizer
        with quiet():
            local = {"local_files_only": True, "trust_remote_code": False}
            self._tokenizer = AutoTokenizer.from_pretrained(folder, **local)
            self._model = AutoModel.from_pretrained(folder, use_safetensors=True, **local).eval()
        self._longest = min(_LONGEST, getattr(self._model.config, "max_position_embeddings", _LONGEST))

    def __call__(self, texts: Sequence[str]) -> Any:
        """One row of unit length for each text."""
        import numpy as np
        import torch

        rows = []
        for start in range(0, len(texts), _BATCH):
            batch = self._tokenizer(
                list(texts[start : start + _BATCH]),
                padding=True,
                truncation=True,
                max_length=self._longest,
                return_tensors="pt",
            )
            with torch.inference_mode():
                states = self._model(**batch).last_hidden_state
            mask = batch["attention_mask"][..., None].to(states.dtype)
            means = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
            rows.append(torch.nn.functional.normalize(means, dim=-1).float().numpy())
        return np.concatenate(rows)
