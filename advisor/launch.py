"""Ready-to-run command lines of inference engines for a model in a format on so many devices.

Flags as in the engines' documentation, read 2026-11: docs.vllm.ai engine arguments and pooling models, docs.sglang.io
server arguments, Debian's ``llama-server(1)``, llama.cpp docs/multimodal.md, whisper.cpp examples/server, CTranslate2
docs/guides/transformers.md and docs/hardware_support.md, huggingface.co text-embeddings-inference CLI arguments and
text-generation-inference launcher arguments.
"""

from __future__ import annotations

from dataclasses import replace
from json import dumps
from shlex import quote

from advisor.candidates import generates
from advisor.served_models import PLUGIN, WHISPER, needed, unserved
from advisor.simulator.rules import Rules
from calculators.images import takes_images
from calculators.params import architecture_of
from calculators.plan import Layout
from catalog.engine import Engine
from catalog.machine import Machine
from catalog.spec import ModelSpec
from catalog.values import dataclass
from catalog.weight_format import WeightFormat

TGI_QUANTIZE = {"fp8": "fp8", "awq-int4": "awq", "gptq-int4": "gptq", "nf4": "bitsandbytes-nf4"}
"""Of ``--quantize``."""
DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
"""Of ``--dtype``: without it vLLM runs 32-bit repositories in float16, and TEI on GPUs all."""
CONVERTED = ("awq", "gptq", "mxfp4", "nvfp4", "mxfp8", "int8", "int4", "w8a16", "w4a8", "exl2")
"""Formats that engines take only from a repository that holds them."""

SEEN = {"mi250": 2, "mi250x": 2, "inferentia2": 2, "trainium1": 2, "trainium2": 4}
"""Devices that software sees of one machine: dies of AMD's, (logical) NeuronCores of AWS's (its architecture pages)."""
CTRANSLATE2 = (*PLUGIN, "nllb-200", "m2m100", "opus-mt", "pegasus", "t5-", "flan-t5", "madlad400")
"""How the ids of encoder-decoders begin that CTranslate2 converts."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One engine's way to start a replica."""

    engine: str
    command: str
    note: str = ""


def repository(spec: ModelSpec) -> str | None:
    """The model's name on the Hugging Face hub; ``None`` where the catalog does not know it."""
    names = [name for name in spec.aliases if name.count("/") == 1 and ":" not in name]
    tuned = [n for n in names if any(word in n.lower() for word in ("instruct", "-it", "chat"))]
    return next(iter(tuned or names), None)


def launches(
    spec: ModelSpec,
    machine: Machine,
    engine: Engine,
    weights: WeightFormat,
    cache: str,
    layout: Layout,
    rules: Rules,
    longest: int,
    speculate: str = "",
    speculative_tokens: int = 3,
) -> tuple[Launch, ...]:
    """Command lines of one replica, that of the planned engine first.

    Args:
        spec: What is served.
        machine: Where.
        engine: The planned engine.
        weights: Format of the weights.
        cache: Format of the cache.
        layout: How the devices share it.
        rules: How the planned engine schedules.
        longest: Tokens of the longest request.
        speculate: How tokens are guessed ahead, as in a scenario.
        speculative_tokens: How many at a time.
    """
    name = repository(spec)
    model = quote(name) if name else "PATH_TO_MODEL"
    note = "" if name else f"the catalog knows no repository of {spec.id}: put its path"
    if not generates(spec):
        return _embedding(spec, model, note, weights, rules)
    if spec.family == "encoder-decoder":
        return _translating(spec, machine, weights, model, note)
    if engine.id == "llama.cpp" and spec.id.startswith(WHISPER):
        return (
            Launch("whisper.cpp", "whisper-server --model MODEL.bin", f"MODEL.bin is whisper.cpp's file of {name}"),
        )
    if unserved(spec, machine, engine.id):
        return ()
    if engine.id in ("llama.cpp", "mlx") or weights.gguf:
        return (_llama_cpp(spec, machine, weights, cache, layout, rules, longest, name),)
    quantized = weights.id.startswith(CONVERTED) and weights.id != spec.published_weights
    if quantized:
        model, note = "PATH_TO_MODEL", f"a repository of {spec.id} in {weights.name}: engines do not convert to it"
    layout = replace(layout, tp=layout.tp * SEEN.get(machine.id, 1))
    nodes = -(-layout.devices // (machine.link.max_gpus * SEEN.get(machine.id, 1)))
    spread = f"{nodes} nodes: join them by Ray first, and add --distributed-executor-backend ray" if nodes > 1 else ""
    also = "; ".join(filter(None, (note, needed(spec, machine), spread)))
    if nodes > 1:
        note = "; ".join(filter(None, (note, f"on each of {nodes} nodes, with --nnodes {nodes} --node-rank N "
                                             "--dist-init-addr HOST:PORT")))  # fmt: skip
    found = {
        "vllm": Launch("vLLM", _vllm(spec, model, weights, cache, layout, rules, longest), also),
        "sglang": Launch("SGLang", _sglang(spec, model, weights, cache, layout, rules, longest), note),
    }
    if machine.kind in ("tpu", "accelerator"):
        found = {"vllm": found["vllm"]}
    elif layout.pp == 1 and layout.ep == 1 and spec.family == "decoder":
        found["tgi"] = Launch("TGI", _tgi(spec, model, weights, cache, layout, longest), note)
    if speculate:
        found = {"vllm": _guessing(found["vllm"], speculate, speculative_tokens)}
    first = [found[engine.id]] if engine.id in found else []
    return (*first, *(launch for id_, launch in found.items() if id_ != engine.id))


def _translating(spec: ModelSpec, machine: Machine, weights: WeightFormat, model: str, note: str) -> tuple[Launch, ...]:
    """CTranslate2 converts before it runs, on NVIDIA and CPUs; nothing for models that it does not list."""
    if not spec.id.startswith(CTRANSLATE2) or not (machine.vendor == "nvidia" or machine.kind in ("cpu", "apple")):
        return ()
    kept = {"bf16": "bfloat16", "fp16": "float16", "int8": "int8"}.get(weights.id, "float32")
    notes = [note, "then ctranslate2.Translator('DIRECTORY')", "nobody measured CTranslate2 here"]
    if machine.kind == "apple":
        notes.append("it runs on the CPU of a Mac, slower than estimated")
    command = f"ct2-transformers-converter --model {model} --output_dir DIRECTORY --quantization {kept}"
    return (Launch("CTranslate2", command, "; ".join(filter(None, notes))),)


def _guessing(launch: Launch, speculate: str, tokens: int) -> Launch:
    """With vLLM's ``--speculative-config``."""
    method, _, name = speculate.partition(":")
    draft = {"mtp": "", "eagle3": "PATH_TO_DRAFT"}.get(method, name)
    config = {"method": "draft_model" if method == "draft" else method, "num_speculative_tokens": tokens}
    text = dumps({**config, "model": draft} if draft else config)
    notes = [launch.note, "put the path of the draft" if draft else ""]
    command = f"{launch.command} --speculative-config {quote(text)}"
    return Launch(launch.engine, command, "; ".join(filter(None, notes)))


def _joined(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)


def _fp8(spec: ModelSpec, weights: WeightFormat) -> bool:
    """Whether the engine quantises a 16-bit repository while it loads."""
    return weights.id == "fp8" and not spec.published_weights.startswith("fp8")


def _context(spec: ModelSpec, longest: int) -> int:
    rounded = -(-longest // 256) * 256
    return min(rounded, spec.context_tokens) if spec.context_tokens else rounded


def _vllm(
    spec: ModelSpec, model: str, weights: WeightFormat, cache: str, layout: Layout, rules: Rules, longest: int
) -> str:
    return _joined(
        f"vllm serve {model}",
        f"--tensor-parallel-size {layout.tp}" if layout.tp > 1 else None,
        f"--pipeline-parallel-size {layout.pp}" if layout.pp > 1 else None,
        f"--data-parallel-size {layout.dp}" if layout.dp > 1 else None,
        "--enable-expert-parallel" if layout.ep > 1 else None,
        "--quantization fp8" if _fp8(spec, weights) else _dtype(spec, weights),
        "--kv-cache-dtype fp8" if cache == "fp8" else None,
        f"--max-model-len {_context(spec, longest)}",
        f"--max-num-seqs {rules.max_sequences}",
        f"--max-num-batched-tokens {rules.budget_tokens}",
    )


def _sglang(
    spec: ModelSpec, model: str, weights: WeightFormat, cache: str, layout: Layout, rules: Rules, longest: int
) -> str:
    return _joined(
        f"python -m sglang.launch_server --model-path {model}",
        f"--tp-size {layout.tp * layout.dp}" if layout.tp * layout.dp > 1 else None,
        f"--dp-size {layout.dp} --enable-dp-attention" if layout.dp > 1 else None,
        f"--pp-size {layout.pp}" if layout.pp > 1 else None,
        f"--ep-size {layout.ep}" if layout.ep > 1 else None,
        "--quantization fp8" if _fp8(spec, weights) else _dtype(spec, weights),
        "--kv-cache-dtype fp8_e4m3" if cache == "fp8" else None,
        f"--context-length {_context(spec, longest)}",
        f"--max-running-requests {rules.max_sequences}",
        f"--chunked-prefill-size {rules.chunk_tokens or rules.budget_tokens}",
    )


def _tgi(spec: ModelSpec, model: str, weights: WeightFormat, cache: str, layout: Layout, longest: int) -> str:
    total = _context(spec, longest)
    return _joined(
        f"text-generation-launcher --model-id {model}",
        f"--num-shard {layout.tp}",
        f"--quantize {TGI_QUANTIZE[weights.id]}" if weights.id in TGI_QUANTIZE else None,
        "--kv-cache-dtype fp8_e4m3fn" if cache == "fp8" else None,
        f"--max-input-tokens {total - 1}",
        f"--max-total-tokens {total}",
    )


def _llama_cpp(
    spec: ModelSpec,
    machine: Machine,
    weights: WeightFormat,
    cache: str,
    layout: Layout,
    rules: Rules,
    longest: int,
    name: str | None,
) -> Launch:
    each = _context(spec, longest)
    sees = takes_images(architecture_of(spec)) or spec.family == "speech"
    typed = {"int8": "q8_0", "fp8": "q8_0", "int4": "q4_0"}.get(cache, cache if "_" in cache else None)
    command = _joined(
        "llama-server --model MODEL.gguf",
        "--mmproj MMPROJ.gguf" if sees else None,
        f"--ctx-size {each * rules.max_sequences}",
        f"--parallel {rules.max_sequences}",
        "--n-gpu-layers 999" if machine.kind != "cpu" else None,
        "--split-mode tensor --fit off" if layout.tp > 1 else "--split-mode layer" if layout.pp > 1 else None,
        f"--cache-type-k {typed} --cache-type-v {typed} --flash-attn on" if typed else None,
    )
    source = f" of {name}" if name else ""
    files = f"MODEL.gguf is a {weights.name} file{source}{' and MMPROJ.gguf its projector' if sees else ''}"
    return Launch("llama.cpp", command, f"{files}; --ctx-size is shared by slots")


def _dtype(spec: ModelSpec, weights: WeightFormat) -> str | None:
    """vLLM's and SGLang's, where their own choice may be another one."""
    wanted = DTYPES.get(weights.id)
    return f"--dtype {wanted}" if wanted and "fp32" in (weights.id, spec.published_weights) else None


def _embedding(spec: ModelSpec, model: str, note: str, weights: WeightFormat, rules: Rules) -> tuple[Launch, ...]:
    wanted = DTYPES.get(weights.id)
    dtype = f"--dtype {wanted}" if wanted else None
    if spec.family == "decoder":
        return (Launch("vLLM", _joined(f"vllm serve {model} --runner pooling", dtype), note),)
    if spec.family != "encoder":
        return ()
    # TEI knows float16 and float32: the former takes the time and memory of bfloat16.
    tei = _joined(
        f"text-embeddings-router --model-id {model}",
        f"--dtype {'float32' if wanted == 'float32' else 'float16'}" if wanted else None,
        f"--max-batch-tokens {rules.budget_tokens}",
    )
    vllm = _joined(f"vllm serve {model}", dtype, f"--max-num-batched-tokens {rules.budget_tokens}")
    return (
        Launch("TEI", tei, note or "times are those of plain PyTorch; TEI is usually faster"),
        Launch("vLLM", vllm, note),
    )
