"""pass@k without bias: the chance that at least one of k samples passes, from n samples of which some did."""

from __future__ import annotations

from math import comb


def pass_at_k(samples: int, passed: int, k: int) -> float:
    """1 - C(n - c, k) / C(n, k); n is at least k."""
    if not 0 <= passed <= samples or not 0 < k <= samples:
        raise ValueError(f"pass@{k} can't be told from {passed} of {samples}")
    return 1.0 - comb(samples - passed, k) / comb(samples, k)
