"""Write ``catalog/quality`` from a table of published scores.

    python -m benchmarks.quality_scores /work/shared/facts/quality.csv

A row is kept if its model is in the catalog (``catalog/names.yaml``) and its benchmark is known
(``catalog/benchmarks.yaml``). Base weights, plain answers and answers after thinking go to files of their own. Rows of
several attempts, of tools where the benchmark has none, or of a model that can think and does not say whether it did,
are left out and counted.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

from catalog.loader import ROOT, all_models
from catalog.naming import Reading, names, resolve
from catalog.quality import Benchmark, Reported, Reporter, Scores, benchmarks
from catalog.spec import Source
from catalog.writer import to_yaml

Row = dict[str, str]

SEVERAL = re.compile(
    r"parallel test-time|multiple attempts|pass@64|cons@|maj@|maj1@|best of|with python|w/ tools|python tool|agentless",
    re.IGNORECASE,
)
"""Settings that are not one attempt without help."""
INDEPENDENT = (
    "MTEB results repository", "timm maintainers", "Open ASR leaderboard", "NVIDIA RULER leaderboard",
    "open_clip maintainers", "computed from MTEB results repository", "benchmark authors",
)  # fmt: skip
INDEPENDENT_SITES = (
    "aider.chat", "labs.scale.com", "swebench.com", "artificialanalysis.ai", "TIGER-AI-Lab", "TIGER-Lab",
)  # fmt: skip
PREFER: dict[Reporter, int] = {"independent": 0, "vendor": 1, "relayed": 2, "rival": 3}
"""Whose row is taken for a model where several speak. Makers choose prompts for their own model with care; others'
models get less of it."""


def main(path: Path) -> int:
    """Write the folder anew and print what was kept."""
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    lookup = {name.lower(): entry for entry in benchmarks().values() for name in (entry.name, *entry.printed)}
    makers = {spec.id: (spec.organisation or "").lower() for spec in all_models()}
    kept: dict[str, list[tuple[str, Reported, Source]]] = defaultdict(list)
    lost: Counter[str] = Counter()
    unresolved: Counter[str] = Counter()
    twice = _twice(rows)
    for row in rows:
        reading = resolve(row["model"], row["source"])
        entry = lookup.get(row["benchmark"].lower())
        if reading is None:
            unresolved[row["model"]] += 1
        if reading is None or entry is None:
            lost["model not in the catalog" if reading is None else "benchmark not listed"] += 1
            continue
        if _place(row) in twice:
            lost["two values under one name in one source"] += 1
            continue
        entry = _version(entry, row)
        group, reason = _group(entry, reading, row)
        if group is None:
            lost[reason] += 1
            continue
        by = _reporter(row, makers[reading.model])
        score = Reported(
            model=reading.model, value=float(row["score"]), by=by, source=0, setting=_setting(row, reading),
            other_weights=reading.checkpoint is not None,
        )  # fmt: skip
        kept[group].append((row["as_of"], score, Source(where=row["source"], as_of=row["as_of"] or None)))
    folder = ROOT / "quality"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.yaml"):
        old.unlink()
    models = set()
    for group, scores in sorted(kept.items()):
        table = _table(group, scores)
        models |= {score.model for score in table.scores}
        (folder / f"{_file(group)}.yaml").write_text(to_yaml(table), encoding="utf-8")
    n_kept = sum(len(scores) for scores in kept.values())
    print(f"{n_kept} of {len(rows)} rows kept: {len(kept)} groups, {len(models)} models")
    for reason, n in lost.most_common():
        print(f"{n:>6} {reason}")
    print(f"{len(unresolved)} names not in the catalog, most rows first:")
    for name, n in unresolved.most_common(40):
        print(f"{n:>6} {name}")
    return 0


def _place(row: Row) -> tuple[str, ...]:
    return (row["model"], row["benchmark"], row["setting"], row["metric"], row["notes"], row["source"])


def _twice(rows: list[Row]) -> set[tuple[str, ...]]:
    """Places where one source prints two values: as a rule a base and a tuned table that share a name."""
    values: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for row in rows:
        values[_place(row)].add(row["score"])
    return {place for place, printed in values.items() if len(printed) > 1}


def _file(group: str) -> str:
    plain = re.sub(r" \((base|thinking)\)$", "", group)
    return benchmarks()[plain].id + group.removeprefix(plain).replace(" (", "-").replace(")", "")


def _version(entry: Benchmark, row: Row) -> Benchmark:
    """The version of a benchmark that a row means, where its name alone does not say."""
    said = " ".join((row["benchmark"], row["setting"], row["notes"], row["metric"])).lower()
    known = benchmarks()
    if entry.name == "LiveCodeBench":
        if "v6" in said or "aug 24 - may 25" in said:
            return known["LiveCodeBench v6"]
        if "v5" in said or "10/01/2024-02/01/2025" in said:
            return known["LiveCodeBench v5"]
    if entry.name == "BFCL" and "v3" in said:
        return known["BFCL v3"]
    if entry.name == "Terminal-Bench" and ("version 2" in said or "2.0" in said or "2.1" in said):
        return known["Terminal-Bench 2"]
    if entry.name == "GPQA Diamond" and row["notes"].startswith("GPQA") and "diamond" not in said.replace(
        "gpqa diamond ", "", 1
    ) and "-d" not in row["notes"].lower() and "simple-evals" not in said:  # fmt: skip
        return known["GPQA"]
    return entry


def _group(entry: Benchmark, reading: Reading, row: Row) -> tuple[str | None, str]:
    said = " ".join((row["setting"], row["metric"], row["notes"])).lower()
    if not 0 <= float(row["score"]) <= entry.high:
        return None, "outside the benchmark's range: another scale"
    if SEVERAL.search(said):
        return None, "several attempts, or tools"
    if entry.name == "SWE-bench Pro" and "labs.scale.com" not in row["source"]:
        return None, "another harness than the leaderboard's"
    if row["notes"].startswith("MMLU (5-shot, macro_avg/acc)") and "llama3_2/MODEL_CARD" in row["source"]:
        return None, "MMLU in one other language"
    habit = next((h for h in names().habits if h.where in row["source"]), None)
    base = reading.weights == "base" or (re.search(r"\bbase\b", said) is not None and "base version" not in said)
    if habit and (row["benchmark"] in habit.base_benchmarks or "*" in habit.base_benchmarks):
        base = True
    if habit and habit.base_settings and re.match(habit.base_settings, row["setting"]):
        base = True
    if habit and row["benchmark"] in habit.tuned_benchmarks and reading.weights == habit.unlabelled:
        base = False
    if not entry.modes:
        return (None, "base weights in a test of tuned ones") if base else (entry.name, "")
    if base:
        return f"{entry.name} (base)", ""
    mode = reading.mode
    if re.search(r"non-?thinking|no thinking|reasoning off|without thinking|w/o thinking|no extended thinking", said):
        mode = "plain"
    elif re.search(r"thinking|reasoning on|reasoning high", said):
        mode = "thinking"
    if mode == "unstated" and reading.model in names().both_modes:
        return None, "mode not stated"
    return f"{entry.name} (thinking)" if mode == "thinking" else entry.name, ""


def _reporter(row: Row, maker: str) -> Reporter:
    kind, source = row["source_type"], row["source"]
    if kind in INDEPENDENT or any(site in source for site in INDEPENDENT_SITES):
        return "independent"
    if kind == "self-reported":
        return "vendor"
    if kind.startswith(("reported via", "Artificial Analysis")):
        return "relayed"
    owner = re.match(r"(?:https://)?github\.com/([\w-]+)/", source)
    if owner:
        words = re.findall(r"[a-z]{2,}", owner.group(1).lower().replace("minimax-ai", "minimax"))
        aliases = {"facebookresearch": "meta", "qwenlm": "qwen", "moonshotai": "moonshot", "xiaomimimo": "xiaomi",
                   "flagopen": "beijing", "embeddings": "", "openai": "openai", "microsoft": "microsoft"}  # fmt: skip
        makers = [aliases.get(word, word) for word in words]
        return "vendor" if any(word and word in maker for word in makers) else "rival"
    return "vendor"


def _setting(row: Row, reading: Reading) -> str:
    pieces = [row["model"], row["setting"], row["metric"], row["notes"]]
    if reading.checkpoint:
        pieces.append(f"weights: {reading.checkpoint}")
    return "; ".join(dict.fromkeys(piece.strip() for piece in pieces if piece.strip() and piece.strip() != "-"))


def _table(group: str, scores: list[tuple[str, Reported, Source]]) -> Scores:
    """Rows by model, the one taken first: the entry's own weights, then by who reports, then the newest."""
    ordered = sorted(scores, key=lambda item: item[0], reverse=True)
    ordered.sort(key=lambda item: (item[1].model, item[1].other_weights, PREFER[item[1].by]))
    sources = list(dict.fromkeys(source for _, _, source in ordered))
    rows, rank = [], Counter[str]()
    seen = set()
    for _, score, source in ordered:
        once = (score.model, score.value, score.setting)
        if once in seen:
            continue
        seen.add(once)
        rows.append(score.model_copy(update={"source": sources.index(source), "rank": rank[score.model]}))
        rank[score.model] += 1
    return Scores(benchmark=group, sources=tuple(sources), scores=tuple(rows))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
