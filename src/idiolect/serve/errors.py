"""Errors of requests in one form, whoever finds them: ours, the framework's, and those of the decoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from idiolect.decode.trouble import DecodeError
from idiolect.serve.house import caller_of, decode_trouble
from idiolect.serve.trouble import ServeError, trouble
from idiolect.text_hints import did_you_mean, shortened

_FRAMEWORK = {
    404: ("L817", "there is nothing at this address"),
    405: ("L817", "this method is not taken here"),
}


def add_handlers(app: FastAPI) -> None:
    """Let every error become an answer with a code."""

    @app.exception_handler(ServeError)
    async def ours(request: Request, error: ServeError) -> JSONResponse:
        return _response(request, error)

    @app.exception_handler(DecodeError)
    async def decoders(request: Request, error: DecodeError) -> JSONResponse:
        return _response(request, decode_trouble(error))

    @app.exception_handler(RequestValidationError)
    async def validations(request: Request, error: RequestValidationError) -> JSONResponse:
        model = _model_of(request)
        return _response(request, validation_trouble(error.errors(), model))

    @app.exception_handler(HTTPException)
    async def frameworks(request: Request, error: HTTPException) -> JSONResponse:
        code, what = _FRAMEWORK.get(error.status_code, ("L815", shortened(str(error.detail), 200)))
        response = _response(request, trouble(code, what, status=error.status_code))
        response.headers.update(error.headers or {})
        return response


def validation_trouble(faults: Sequence[Mapping[str, Any]], model: type[BaseModel] | None) -> ServeError:
    """What is wrong with a body: the first fault, and how many more there are."""
    fault = faults[0]
    place = [str(part) for part in fault["loc"] if part not in ("body", "path")]
    where = shortened(".".join(place), 100) or "the body"
    kind = fault["type"]
    if kind == "json_invalid":
        return trouble("L815", "the body is no JSON", param=None)
    help = None
    if kind == "extra_forbidden":
        message = f'unknown field "{where}"'
        if model is not None and len(place) == 1:
            names = [field.alias or name for name, field in model.model_fields.items()]
            help = did_you_mean(place[0][:100], names)
    elif kind == "missing":
        message = f'the field "{where}" is missing'
    else:
        message = f'"{where}": {shortened(str(fault["msg"]), 200)}'
    if len(faults) > 1:
        message += f" (and {len(faults) - 1} more)"
    return trouble("L815", message, help, param=where)


def _model_of(request: Request) -> type[BaseModel] | None:
    field = getattr(request.scope.get("route"), "body_field", None)
    found = getattr(getattr(field, "field_info", None), "annotation", None)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _response(request: Request, error: ServeError) -> JSONResponse:
    caller_of(request).facts["code"] = error.problem.code
    return JSONResponse(error.body, error.status, headers=error.headers)
