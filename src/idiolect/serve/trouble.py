"""What stands between an HTTP request and its answer: one error with a code, in the form that OpenAI uses."""

from __future__ import annotations

from typing import Any

from idiolect.problem import Problem, problem

STATUS = {
    "L810": 401, "L811": 429, "L812": 503, "L813": 504, "L814": 413, "L815": 422, "L816": 400, "L817": 404,
    "L819": 500, "L820": 403,
}  # fmt: skip
_TYPES = {
    401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error",
    500: "server_error", 503: "server_error", 504: "timeout_error",
}  # fmt: skip


class ServeError(Exception):
    """A request that is not answered, or a server that can't start."""

    def __init__(
        self,
        found: Problem,
        *,
        param: str | None = None,
        status: int | None = None,
        wait_s: float | None = None,
    ) -> None:
        super().__init__(found.message)
        self.problem = found
        self.param = param
        self.status = status or STATUS.get(found.code, 400)
        self.wait_s = wait_s  # after which asking again makes sense

    @property
    def headers(self) -> dict[str, str]:
        found = {} if self.wait_s is None else {"Retry-After": str(max(1, round(self.wait_s + 0.5)))}
        return found | ({"WWW-Authenticate": "Bearer"} if self.status == 401 else {})

    @property
    def body(self) -> dict[str, Any]:
        return error_body(self.problem, self.status, self.param)


def trouble(code: str, message: str, help: str | None = None, **about: Any) -> ServeError:
    """The error of a problem; `about` are param, status and wait_s."""
    return ServeError(problem(code, message, help=help), **about)


def error_body(found: Problem, status: int, param: str | None = None) -> dict[str, Any]:
    """A problem as OpenAI's clients read it, with our code and what to write instead."""
    message = f"{found.message} ({found.help})" if found.help else found.message
    kind = _TYPES.get(status, "invalid_request_error")
    return {
        "error": {"message": message, "type": kind, "param": param, "code": found.code, "help": found.help}
    }
