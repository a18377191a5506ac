"""Which models an engine does not run on a machine, whatever their format.

Of vLLM: docs/models/supported_models.md (commit 0046f77 of 2026): encoder-decoders of text only by plugins, of speech
Whisper; models that it lacks run by Transformers if they are not encoder-decoders and have nothing but attention; and
registry.py (file of late 2026): what it ran up to which version. Latent attention with an indexer has kernels from
compute capability 9 (docs/design/attention_backends.md; issues 40851 and 57144: none on an A100). float16 is refused
for Gemma 2 and 3 (vllm/config/model.py, ``_FLOAT16_NOT_SUPPORTED_MODELS``). Attention sinks before compute capability 9
have TRITON_ATTN alone (docs/design/attention_backends.md, commit 0013943), which takes 8-bit floats in the cache from
8.9 on (pull request 43914 of May 2026; 45829 and 49077, which would change it, were open in September). Of Google:
tpu-inference's README (generations) and docs/includes/release_model_support.md (commit 4029e98): it runs whatever vLLM
has, and seven models pass the tests of its releases. Of AWS: the Neuron documentation's vLLM
guide 2.29.1 and its recipe for gpt-oss. Of llama.cpp: src/llama-arch.cpp (commit 00395eb), docs/multimodal.md, and
issue 9030 with pull request 8993: its server writes nothing sensible with T5.
"""

from __future__ import annotations

from advisor.machines import engine_for
from calculators.params import architecture_of
from catalog.machine import Machine
from catalog.mixers import Attention
from catalog.spec import ModelSpec

TEXT = ("decoder", "moe", "ssm", "hybrid", "vision-language")
SPARSE = ("deepseek-v3.2", "deepseek-v4", "glm-5")
"""How the ids of models begin whose latent attention reads what an indexer picks."""
SPARSE_NEEDS = 9.0
"""Compute capability from which vLLM has kernels for them."""
NO_FP16 = ("gemma-2-", "gemma-3-")
DELICATE = (*SPARSE, *NO_FP16)
SINKS_NEED = 8.9
"""Compute capability from which vLLM keeps an 8-bit cache for models with attention sinks."""
BYTES = ("fp8", "int8")
"""Caches of 8 bits."""
TPU_TESTED = ("gemma-3-27b", "llama-3.1-8b", "llama-3.3-70b", "qwen3-30b-a3b", "qwen3-32b", "qwen3-4b",
              "qwen3-coder-480b-a35b")  # fmt: skip
TPU_EXPERIMENTAL = ("tpu-v4", "tpu-v5p")
NEURON = ("llama-2-", "llama-3-", "llama-3.1", "llama-3.2-1b", "llama-3.2-3b", "llama-3.3", "llama-4", "qwen2.5-",
          "qwen3-", "qwen2-vl", "pixtral")  # fmt: skip
NOT_NEURON = ("qwen3-next", "qwen2.5-vl", "qwen3-embedding")
NEURON_GPT_OSS = ("trainium2", "trainium3")
NEURON_OLD = ("inferentia2", "trainium1")
"""Dropped by NxD Inference 0.9 (release notes of Neuron 2.29.0)."""
OTHER_SPEECH = ("moonshine", "s2t", "seamless", "speecht5")
NOT_VLLM = (*OTHER_SPEECH, "rwkv", "hyena", "s4-", "xlstm", "samba", "zamba-7b", "recurrentgemma")
NOT_LLAMA_CPP = (*OTHER_SPEECH, "rwkv-4", "rwkv-5", "hyena", "s4-", "xlstm", "samba", "zamba", "recurrentgemma",
                 "minimax-text-01", "minimax-m1", "jetmoe", "opt-", "gpt-neo-", "openai-gpt", "hrm-text",
                 "llama-3.2-11b-vision")  # fmt: skip
WHISPER = ("whisper", "distil-large")
PLUGIN = ("bart", "mbart", "distilbart")
LAST_OF_VLLM = {
    "llama-3.2-11b-vision": "0.10.2",
    "bamba": "0.23.0",
    "minimax-text-01": "0.23.0",
    "minimax-m1": "0.23.0",
    "grok-1": "0.24.0",
}
"""The last release of vLLM that has the model."""
NO_PEAK = "the arithmetic of {} is not known: times count its memory alone, and prompts take longer than said"


def unserved(spec: ModelSpec, machine: Machine, engine: str) -> str:
    """Why an engine, by its id, does not run a model on a machine; empty where it does, as far as is known."""
    name = {"vllm": "vLLM", "llama.cpp": "llama.cpp"}.get(engine, "")
    if not name:
        return ""
    if spec.family == "encoder-decoder" and not (engine == "vllm" and spec.id.startswith(PLUGIN)):
        return f"{name} serves no encoder-decoders of text"
    if engine == "llama.cpp":
        return f"llama.cpp does not run {spec.id}" if spec.id.startswith((*NOT_LLAMA_CPP, *WHISPER)) else ""
    return f"vLLM does not run {spec.id}" if spec.id.startswith(NOT_VLLM) else barred(spec, machine)


def barred(spec: ModelSpec, machine: Machine) -> str:
    """Why a machine's usual engine would not run a model there that it runs elsewhere; empty where it does."""
    if machine.vendor == "aws":
        known = spec.id.startswith(NEURON) and not spec.id.startswith(NOT_NEURON)
        known |= spec.id.startswith("gpt-oss") and machine.id in NEURON_GPT_OSS
        return "" if known or spec.family not in TEXT else f"AWS's vLLM for {machine.name} does not list it"
    if spec.id.startswith(DELICATE) and machine.vendor == "nvidia" and engine_for(machine) == "vllm":
        return _too_old(spec, machine)
    return ""


def has_sinks(spec: ModelSpec) -> bool:
    """Whether any layer of plain attention has a logit that attends to nothing (gpt-oss)."""
    groups = (group for stack in architecture_of(spec).stacks for group in stack.groups)
    mixers = (layer.mixer for group in groups for layer in group.layers)
    return any(isinstance(mixer, Attention) and mixer.sinks for mixer in mixers)


def keeps_no_bytes(machine: Machine, engine: str) -> bool:
    """Whether an engine, by its id, has no 8-bit cache on a machine for models with attention sinks."""
    old = (machine.compute_capability or SINKS_NEED) < SINKS_NEED
    return engine == "vllm" and machine.vendor == "nvidia" and old


def uncached(spec: ModelSpec, machine: Machine, engine: str, cache: str) -> str:
    """Why an engine keeps no such cache for a model on a machine; empty where it does, as far as is known."""
    if cache not in BYTES or not keeps_no_bytes(machine, engine) or not has_sinks(spec):
        return ""
    return f"vLLM has no kernels with attention sinks for an 8-bit cache on {machine.id}"


def _too_old(spec: ModelSpec, machine: Machine) -> str:
    if spec.id.startswith(NO_FP16):
        lacks = "bf16" not in machine.peak_tflops
        return f"vLLM refuses float16 for it, and {machine.id} has no bfloat16" if lacks else ""
    old = (machine.compute_capability or SPARSE_NEEDS) < SPARSE_NEEDS
    return f"vLLM has no kernels for its sparse attention on {machine.id}" if old else ""


def needed(spec: ModelSpec, machine: Machine) -> str:
    """What vLLM needs besides itself to run a model on a machine, in words; empty where nothing."""
    parts = [f"vLLM runs it up to release {last}" for start, last in LAST_OF_VLLM.items() if spec.id.startswith(start)]
    if spec.family == "encoder-decoder":
        parts.append("needs vLLM's bart-plugin")
    plugin = {"aws": "AWS's Neuron plugin", "google": "tpu-inference"}.get(machine.vendor)
    if machine.vendor == "google":
        rough = " (experimental on this generation)" if machine.id in TPU_EXPERIMENTAL else ""
        tested = "" if spec.id in TPU_TESTED else "; no release test of tpu-inference covers this model"
        return "; ".join([*parts, f"needs {plugin} for vLLM{rough}{tested}"])
    if machine.id in NEURON_OLD:
        plugin = "AWS's Neuron plugin of Neuron 2.28, the last for it,"
    if machine.vendor == "intel" and machine.kind == "accelerator":
        plugin = "the vllm-gaudi plugin"
    return "; ".join([*parts, *([f"needs {plugin} for vLLM"] if plugin else [])])
