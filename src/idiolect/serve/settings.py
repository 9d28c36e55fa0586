"""What DEPLOY and SECURITY say, with what the command line says over it: all that a server goes by."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from idiolect.okt.blocks.ship import Deploy, Security
from idiolect.plan.plan import Plan
from idiolect.serve.trouble import trouble

PORT = 8300
MOST_REQUESTS = 32  # as many rows as are decoded at the same time
TOKEN = "OKTO_ACCESS_TOKEN"  # noqa: S105 - the name of a variable
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """How a server listens, whom it answers, and what it lets pass."""

    name: str = "idiolect"  # of the model, as clients call it
    endpoint: str = "/idiolect"
    host: str = "127.0.0.1"
    port: int = PORT
    protocol: str = "http"
    certificate: Path | None = None
    certificate_key: Path | None = None
    requires_auth: bool = False
    token: str | None = None  # one more key, out of the environment or, as legacy, out of the script
    most_requests: int = MOST_REQUESTS  # answered at the same time
    queue: int = 64  # requests that wait for that
    request_timeout_s: float = 120.0
    read_timeout_s: float = 30.0  # for a request to arrive whole
    shutdown_timeout_s: float = 60.0
    most_bytes: int = 8 << 20  # of a request
    most_characters: int | None = None  # of each text in it
    disallowed: tuple[str, ...] = ()  # plain texts, compared without regard to case
    per_minute: int | None = None  # requests of a client
    prevent_leak: bool = False
    mask_personal: bool = False
    log_prompts: Path | None = None
    state: Path = Path(".idiolect")  # keys and limits
    hosts: tuple[str, ...] = ()  # more names by which a server of this machine alone may be called
    notes: tuple[str, ...] = ()

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in _LOOPBACK

    @property
    def own_names(self) -> frozenset[str]:
        return _LOOPBACK | {self.host, *self.hosts}


def settings_of(plan: Plan | None, root: Path, *, name: str = "idiolect", **given: Any) -> ServeSettings:
    """The settings of a plan; what is given by name and is not None wins."""
    found = ServeSettings(
        name=name, endpoint=f"/{_route(name)}", state=root / ".idiolect", token=os.environ.get(TOKEN) or None
    )
    if plan is not None:
        if plan.deploy is not None:
            found = _with_deploy(found, plan.deploy)
        if plan.security is not None:
            found = _with_security(found, plan.security)
    found = replace(found, **{key: value for key, value in given.items() if value is not None})
    _check(found)
    return found


def _with_deploy(found: ServeSettings, block: Deploy) -> ServeSettings:
    written = block.endpoint or ""
    endpoint = f"/{written.strip('/')}" if written.strip("/") and "://" not in written else found.endpoint
    return replace(
        found,
        endpoint=endpoint,
        host=block.host or found.host,
        port=block.port or found.port,
        protocol=block.protocol or found.protocol,
        requires_auth=block.requires_auth,
        most_requests=block.max_concurrent_requests or found.most_requests,
    )


def _with_security(found: ServeSettings, block: Security) -> ServeSettings:
    checks, answers, rate = block.input_validation, block.output_validation, block.rate_limit
    notes = list(found.notes)
    token = found.token
    if block.access_token:
        if token is None:
            token = block.access_token
            notes.append(f"SECURITY.access_token stands in the script; put it into {TOKEN}, or make a key")
        else:
            notes.append(f"SECURITY.access_token is passed over: {TOKEN} is set")
    return replace(
        found,
        token=token,
        most_characters=checks.max_length if checks else None,
        disallowed=tuple((checks.disallow_patterns if checks else None) or ()),
        prevent_leak=bool(answers and answers.prevent_data_leak),
        mask_personal=bool(answers and answers.mask_personal_info),
        per_minute=rate.max_requests_per_minute if rate else None,
        notes=tuple(notes),
    )


def _check(found: ServeSettings) -> None:
    if found.protocol == "grpc":
        help = 'write protocol: "http", "https" or "ws"; the answers are the same'
        raise trouble("L818", 'protocol "grpc" is not supported', help)
    if found.protocol == "https" and found.certificate is None:
        help = "give --certificate FILE and --certificate-key FILE"
        raise trouble("L818", 'protocol "https" needs a certificate', help)
    if (found.certificate is None) != (found.certificate_key is None):
        raise trouble("L818", "a certificate and its key belong together", "give both, or neither")
    for path in (found.certificate, found.certificate_key):
        if path is not None and not path.is_file():
            raise trouble("L818", f"{path} does not exist", "name a file in PEM form")
    if not re.fullmatch(r"(?:/[\w.~-]+)+", found.endpoint):
        raise trouble("L818", f'endpoint "{found.endpoint}" is no route', 'write endpoint: "/ask"')


def _route(name: str) -> str:
    """A project's name as a part of an address."""
    return re.sub(r"[^\w.~-]+", "-", name).strip("-") or "ask"
