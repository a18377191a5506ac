"""The fields of the Plan page: one class of traffic, and what is asked of the whole."""

from __future__ import annotations

import re

from tui.widgets.form import Choice, Entry

OWN = ""


def _plain(text: str, label: str) -> str:
    return text


def _amount(text: str, label: str) -> tuple[float, str]:
    """By its size, to step from one to the next: 10% is more than 5%. What is wrong, the plan says."""
    found = re.match(r"\d*\.?\d+", text)
    return (float(found[0]) if found else 0.0), text


def _entry(name: str, label: str, help: str, blank: str = "–", ladder: tuple[str, ...] = ()) -> Entry:
    return Entry(name, label, _amount if ladder else _plain, "", blank, ladder, help)


PRESETS = ("chat", "rag", "code-completion", "agentic", "summarization", "batch")
COUNTS = ("1", "2", "3", "4", "6", "8", "12", "16", "24", "32", "48", "64")
TRAFFIC = (
    Choice("class", "class", (("1 of 1", ""),), "", help="The class of traffic that is edited; + adds one."),
    _entry("class_name", "name", "What it is called."),
    Choice("class_preset", "like", (("nothing", OWN), *((name, name) for name in PRESETS)), OWN,
           help="What is not said below is taken from this kind of traffic."),
    _entry("class_rate", "rate", "Requests, or conversations where there are turns: 5/s, 300/min."),
    _entry("class_users", "or users", "Instead of a rate: people who wait for an answer, think, and ask again."),
    _entry("class_peak", "peak", "Busiest hour over the mean.", "1", ("1", "1.5", "2", "3", "5")),
    _entry("class_input", "prompt", "Tokens: 800, normal:512,128, lognormal:800,1.2 (median, sigma), …"),
    _entry("class_output", "answer", "Tokens, likewise."),
    _entry("class_turns", "turns", "Turns of a conversation; each prompt holds all before it.", "1"),
    _entry("class_shared_tokens", "shared", "A common start of all prompts (a system prompt), in tokens.", "0"),
    _entry("class_growth", "growth", "Per month: 8%.", "0%", ("0%", "2%", "5%", "10%", "20%", "50%")),
    _entry("class_slo", "promise", "To this class alone: ttft.p95<1s,e2e.p99<30s.", "as for all"),
)  # fmt: skip
WHOLE = (
    _entry("slo", "promises", "To all requests together: ttft.p95<1s,tpot.p95<50ms.", "none"),
    _entry("models", "models", "Candidates: llama-3.1-8b, qwen3-32b. Empty: the best for the task.", "best for task"),
    Choice("task", "task", (("chat", "chat"),), "chat", help="What the models are for, where none are named."),
    _entry("machines", "machines", "l4, h100-sxm:reserved, rtx-4090:spot=0.3 ($/h). Empty: all that are rented out.",
           "all rented"),
    _entry("tp", "devices", "Devices that share each layer of a replica, each of which is tried: 1, 2, 4.",
           "1, 2, 4, 8"),
    _entry("formats", "weights", "Formats of the weights. Empty: the usual ones.", "usual ones"),
    _entry("caches", "cache", "Formats of the KV cache, each of which is tried.", "bf16"),
    _entry("max_devices", "at most", "Devices in all.", "64", COUNTS),
    _entry("redundancy", "spare", "Replicas more than keep the promises: 1 is N+1.", "0", ("0", "1", "2", "3")),
    _entry("headroom", "headroom", "How much more traffic must be kept: 20%.", "0%", ("0%", "10%", "20%", "50%")),
    _entry("budget", "budget", "Most that the machines may cost, in every month: 2000/month, 3/hour.", "no limit",
           ("500/month", "1000/month", "2000/month", "5000/month", "10000/month", "50000/month")),
    _entry("engine", "engine", "vllm, sglang … Empty: the usual one for machine and format.", "usual one"),
    _entry("months", "months", "For which traffic grows and money is counted.", "12", ("1", "6", "12", "24", "36")),
    _entry("apis", "hosted", "Hosted models to compare with: gpt-5-mini.", "none"),
    Choice("disaggregation", "split", (("no", OWN), ("try it", "yes")), OWN,
           help="Whether separate replicas for prompts and for answers are tried too."),
    Choice("mixed", "two kinds", (("no", OWN), ("try it", "yes")), OWN,
           help="Whether replicas of two kinds behind one router are tried too."),
    _entry("usd_per_kwh", "$ per kWh", "Electricity of owned machines.", "0"),
    _entry("pue", "PUE", "Power usage effectiveness of the building.", "1"),
    _entry("seeds", "seeds", "Simulated runs of each plan, for intervals.", "3", ("1", "2", "3", "5", "10")),
    _entry("requests", "requests", "Simulated in each run.", "2k to 20k", ("500", "2000", "5000", "10000", "20000")),
)  # fmt: skip
