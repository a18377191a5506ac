"""The five questions as a small HTTP API for dashboards: it only reads, and describes itself with OpenAPI.

Answers are those of the commands' ``--json``. Bad input is answered with 400 or, where a field has the wrong shape, 422
and one sentence under ``error``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from advisor.plain import finite
from advisor.requirements import Requirements
from advisor.scenario import Scenario
from advisor.service import calls, release
from advisor.service.requests import MOST_LETTERS, Explained, PlanFile, Question, Rows, sentence_of
from catalog.errors import BadInput

if TYPE_CHECKING:
    from fastapi import FastAPI

Kind = Literal["models", "machines", "formats", "tasks", "families"]
LOCAL = ("localhost", "127.0.0.1", "::1")


def api() -> FastAPI:
    """The application.

    Raises:
        BadInput: If FastAPI is missing.
    """
    try:
        from fastapi import FastAPI, Request
        from fastapi.exceptions import RequestValidationError
        from fastapi.responses import JSONResponse
    except ImportError as error:
        raise BadInput("--api needs FastAPI and uvicorn, not installed: pip install 'whicharch[api]'") from error
    import warnings

    warnings.filterwarnings("ignore", "The 'alias' attribute", module="pydantic")  # FastAPI's own use of pydantic
    app = FastAPI(
        title="whicharch",
        version=release(),
        description="Which architecture, model and machine for a task, what it costs, and how that is known.",
        docs_url=None,  # both pages fetch scripts from elsewhere
        redoc_url=None,
        responses={400: {"description": "Bad input: one sentence under `error`"}},
    )

    @app.exception_handler(BadInput)
    def bad_input(request: Request, error: BadInput) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 400)

    @app.exception_handler(RequestValidationError)
    def wrong_shape(request: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"error": sentence_of(error.errors())}, 422)

    @app.get("/ask")
    def ask_by_query(question: Annotated[str, Field(min_length=1, max_length=MOST_LETTERS)], limit: Rows = 5) -> Any:
        """Answer a question in plain English, such as `chat in German on one RTX 4090`."""
        return _json(calls.ask(Question(question=question, limit=limit)).to_dict())

    @app.post("/ask")
    def ask(asked: Question) -> Any:
        """Answer a question in plain English."""
        return _json(calls.ask(asked).to_dict())

    @app.post("/recommend")
    def recommend(requirements: Requirements, limit: Rows = 10) -> Any:
        """Rank models, machines and weight formats for requirements."""
        return _json(calls.recommend(requirements, limit).to_dict())

    @app.post("/estimate")
    def estimate(scenario: Scenario) -> Any:
        """Parameters, FLOPs, memory, time with its error band, throughput, cost and energy of one way."""
        return _json(calls.estimate(scenario).to_dict())

    @app.post("/plan")
    def plan(plan: PlanFile) -> Any:
        """The cheapest machines that keep a promise under traffic; takes seconds to minutes."""
        return _json(calls.plan(plan).to_dict())

    @app.post("/explain")
    def explain(asked: Explained) -> Any:
        """Where a number comes from: formula, numbers put in, unit and source."""
        return _json(calls.explain(asked).to_dict())

    @app.get("/catalog/{kind}")
    def catalog(kind: Kind) -> list[str]:
        """Names of what the catalog holds."""
        return names(kind)

    @app.get("/health")
    def health() -> dict[str, str]:
        """Whether it answers."""
        return {"status": "ok"}

    def _json(data: Any) -> JSONResponse:
        return JSONResponse(finite(data))

    return app


def names(kind: Kind) -> list[str]:
    """Ids of one kind of the catalog's entries."""
    from catalog import loader

    match kind:
        case "models":
            return loader.model_ids()
        case "machines":
            return [entry.id for entry in loader.all_machines()]
        case "formats":
            return [entry.id for entry in loader.all_formats()]
        case "tasks":
            return [entry.id for entry in loader.all_tasks()]
        case "families":
            return [entry.id for entry in loader.all_families()]


def run(host: str, port: int) -> None:
    """Serve until interrupted.

    Raises:
        BadInput: If FastAPI or uvicorn is missing, or the port cannot be had.
    """
    made = api()
    try:
        import uvicorn
    except ImportError as error:
        raise BadInput("--api needs uvicorn, which is not installed: pip install 'whicharch[api]'") from error
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if host in LOCAL:  # a page of another site cannot reach it by giving this computer a name of its own
        from starlette.middleware.trustedhost import TrustedHostMiddleware

        names = ["localhost", "127.0.0.1", "["]  # of [::1] Starlette compares what stands before the first colon
        made.add_middleware(TrustedHostMiddleware, allowed_hosts=names)
    try:
        with socket.create_server((host, port), family=family) as taken:
            uvicorn.Server(uvicorn.Config(made, log_level="warning")).run(sockets=[taken])
    except OSError as error:
        raise BadInput(f"--port {port}: cannot be had on {host} ({(error.strerror or str(error)).lower()})") from error
