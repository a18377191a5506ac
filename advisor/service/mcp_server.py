"""The five questions as tools for assistants (Model Context Protocol), over standard input and output.

Every tool only reads. Bad input comes back as an error of the tool with the one sentence that a person would get.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from advisor.requirements import Requirements
from advisor.scenario import Scenario
from advisor.service import brief, calls, release
from advisor.service.requests import Explained, PlanFile, Question, Rows, sentence_of
from catalog.errors import BadInput

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

INSTRUCTIONS = """Which architecture, model and machine for a task, what a model costs to run, what to buy for traffic.
Numbers are computed here from formulas, catalog facts and measurements, without network: quote them, do not guess them.
Start with ask (plain English) or recommend (fields); check one way with estimate; size a service with plan; ask explain
where a number comes from. Times are in seconds, money in US dollars, quality is the share of scored models beaten."""


def ask(
    question: Annotated[str, Field(description="In English: task, machine, users, limits, budget, licence, wishes.")],
    limit: Rows = 5,
) -> brief.Shortlist:
    """Answer a question in plain English with a ranked shortlist of models, machines and weight formats.

    Rules read the question; what was understood, assumed, not applied and not understood comes with the answer.
    """
    from catalog.loader import checked

    return brief.answered(calls.ask(checked(Question, {"question": question, "limit": limit}, "ask")))


def recommend(requirements: Requirements, limit: Rows = 5) -> brief.Shortlist:
    """Rank models, machines and weight formats for requirements given as fields; all have visible defaults."""
    return brief.shortlist(calls.recommend(requirements, limit))


def estimate(scenario: Scenario) -> brief.EstimateBrief:
    """Memory, time with its error band, throughput and cost of one model on the devices of one machine."""
    return brief.estimated(calls.estimate(scenario))


def plan(plan: PlanFile) -> brief.PlanBrief:
    """The cheapest machines that keep a promise under traffic, verified by simulation. Takes seconds to minutes."""
    return brief.planned(calls.plan(plan))


def explain(asked: Explained) -> brief.ExplanationBrief:
    """Where a number comes from: formula, numbers put in, unit and source."""
    return brief.explained(calls.explain(asked))


def server() -> MCPServer[None]:
    """The server with its five tools.

    Raises:
        BadInput: If the ``mcp`` package is missing.
    """
    try:
        from mcp.server.mcpserver import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
        from mcp_types import ToolAnnotations
    except ImportError as error:
        raise BadInput("mcp needs the mcp package, which is not installed: pip install 'whicharch[mcp]'") from error

    class Server(MCPServer[None]):
        """Says in one sentence what is wrong with a request."""

        async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
            try:
                return await super().call_tool(name, arguments, context)
            except ToolError as error:
                raise ToolError(_in_one_sentence(error)) from error

    made = Server("whicharch", instructions=INSTRUCTIONS, version=release(), log_level="WARNING")
    reads = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    for tool in (ask, recommend, estimate, plan, explain):
        made.tool(annotations=reads)(tool)
    return made


def _in_one_sentence(error: BaseException) -> str:
    """What a person would be told: the sentence of bad input, or of the first field of the wrong shape."""
    from pydantic import ValidationError

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BadInput):
            return str(cause)
        if isinstance(cause, ValidationError):
            return sentence_of(cause.errors())
        cause = cause.__cause__
    return str(error)
