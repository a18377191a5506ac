"""``whicharch mcp`` as an assistant uses it: the official client over standard input and output."""

from __future__ import annotations

import sys
from pathlib import Path

from mcp import Client, StdioServerParameters, stdio_client

from advisor import estimate

ROOT = Path(__file__).parents[2]
SERVER = StdioServerParameters(command=sys.executable, args=["-m", "advisor.cli", "mcp"], cwd=ROOT)
TRAFFIC = [{"preset": "chat", "rate": "1/s"}]


async def test_an_assistant_finds_five_tools_and_gets_short_typed_answers():
    async with Client(stdio_client(SERVER)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"ask", "recommend", "estimate", "plan", "explain"}
        for tool in tools.values():
            assert tool.description
            assert tool.output_schema
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint
        assert "users" in str(tools["recommend"].input_schema)

        asked = await client.call_tool("ask", {"question": "chat on one L4 for dentists, 4 users", "limit": 2})
        assert not asked.is_error
        answer = asked.structured_content
        assert any(line.startswith("users at a time: 4") for line in answer["understood"])
        assert answer["not_understood"] == ["dentists"]
        assert [way["machine"] for way in answer["recommendations"]] == ["l4", "l4"]
        assert len(str(answer)) < 6000

        found = await client.call_tool("estimate", {"scenario": {"model": "llama-3.1-8b", "machine": "l4"}})
        same = estimate(model="llama-3.1-8b", machine="l4")
        assert found.structured_content["memory_gb_per_device"] == float(f"{same.memory.total_bytes_per_gpu / 1e9:.4g}")
        assert found.structured_content["per_token_s"]["median"] == float(f"{same.time.tpot_s.p50:.4g}")

        named = {"task": "classification", "machines": ["l4"]}
        ranked = await client.call_tool("recommend", {"requirements": named, "limit": 1})
        assert ranked.structured_content["recommendations"][0]["family"] == "encoder"

        why = await client.call_tool("explain", {"asked": {"model": "llama-3-8b", "quantity": "kv-cache"}})
        assert why.structured_content["value"] == 2048 * 32 * 2 * 8 * 128 * 2
        assert why.structured_content["sources"]

        service = {"traffic": TRAFFIC, "slo": "ttft.p95<2s", "models": ["llama-3.1-8b"], "machines": ["l4"]}
        planned = await client.call_tool("plan", {"plan": {**service, "requests": 200, "seeds": 1, "months": 1}})
        assert planned.structured_content["kept"]
        assert planned.structured_content["percentiles_s"]["ttft.p95"] < 2

        for tool, arguments, told in (
            ("estimate", {"scenario": {"model": "lama-3.1-8b", "machine": "l4"}}, "did you mean llama-3.1-8b"),
            ("estimate", {"scenario": {"model": "llama-3.1-8b", "machine": "l4", "batch": 0}}, "batch: Input should"),
            ("estimate", {"scenario": {"model": "/etc/passwd", "machine": "l4"}}, "no files are read"),
            ("ask", {"question": "chat with 8k context and 128k context"}, "keep one of them"),
            ("explain", {"asked": {"model": "llama-3-8b", "quantity": "ttft"}}, "name a machine"),
            ("plan", {"plan": {**service, "seeds": 50}}, "seeds is over 5"),
        ):
            wrong = await client.call_tool(tool, arguments)
            assert wrong.is_error
            (said,) = wrong.content
            assert told in said.text
            assert "\n" not in said.text
