"""What a server counts, in Prometheus' form. Labels are routes and outcomes, never names or texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from idiolect.decode.pipeline import Outcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Numbers:
    """The counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        about: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter(
            "idiolect_requests", "Requests by route and status.", ("route", "status"), **about
        )
        self.seconds = Histogram(
            "idiolect_request_seconds", "Seconds until a request was answered.", ("route",),
            buckets=_SECONDS, **about,
        )  # fmt: skip
        self.refused = Counter("idiolect_refused", "Requests refused, by code.", ("code",), **about)
        self.answers = Counter(
            "idiolect_answers", "Answers by verdict: valid, wrong, not judged.", ("verdict",), **about
        )
        self.actions = Counter("idiolect_actions", "What was done with answers.", ("action",), **about)
        self.tokens = Counter(
            "idiolect_tokens",
            "Tokens: of prompts, chosen by the model, forced by the grammar.",
            ("kind",),
            **about,
        )
        self.given_up = Counter("idiolect_given_up", "Requests whose client went away.", **about)

    def gauge(self, name: str, help: str, read: Callable[[], float]) -> None:
        """A number that is looked up when it is asked for."""
        Gauge(f"idiolect_{name}", help, registry=self.registry).set_function(read)

    def answered(self, outcome: Outcome) -> None:
        """Count one answer."""
        verdict = outcome.verdict
        judged = "not judged" if verdict is None or not verdict.judged else "valid" if verdict.ok else "wrong"
        self.answers.labels(judged).inc()
        for action in outcome.actions:
            self.actions.labels(action.what).inc()
        if outcome.answer is not None:
            self.tokens.labels("prompt").inc(outcome.answer.prompt_tokens)
            self.tokens.labels("chosen").inc(outcome.answer.chosen)
            self.tokens.labels("forced").inc(max(outcome.answer.forced, 0))

    def page(self) -> bytes:
        return generate_latest(self.registry)
