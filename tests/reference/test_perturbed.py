"""Small random models against their real classes: other depth, width, heads, windows, tying and biases."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from audio_configs import AUDIO
from configs import TYPES as FIRST
from configs import Config
from decoder_configs import DECODERS
from denoiser_configs import DENOISERS as DENOISED
from encoder_configs import ENCODERS
from gemma_configs import GEMMA
from hybrid_configs import HYBRIDS
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from image_configs import IMAGE
from linear_configs import LINEAR
from llama_kin_configs import LLAMA_KIN
from renamed_configs import RENAMED_CONFIGS
from routed_configs import ROUTED
from seq2seq_configs import SEQ2SEQ
from vision_language_configs import VISION_LANGUAGE

from calculators import cache_bytes, count_flops, count_params
from calculators.lowering import lower
from calculators.reference.caches import cache_bytes as held_bytes
from calculators.reference.counting import fvcore_flops, torch_flops
from calculators.reference.models import parameters
from calculators.reference.observation import Setting, excess
from calculators.reference.subject import Subject
from calculators.workload import Workload
from catalog import from_hf_config
from catalog.image_heads import AttentionPooler
from catalog.spec import Classifier, ModelSpec, Pooler

TYPES = {
    **AUDIO,
    **DECODERS,
    **DENOISED,
    **ENCODERS,
    **FIRST,
    **GEMMA,
    **HYBRIDS,
    **IMAGE,
    **LINEAR,
    **LLAMA_KIN,
    **RENAMED_CONFIGS,
    **ROUTED,
    **SEQ2SEQ,
    **VISION_LANGUAGE,
}

OPAQUE = ("yoso",)
"""Types whose products stand in functions with a derivative of their own, which a trace does not look into."""

usual = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def flops(spec: ModelSpec, setting: Setting) -> int:
    return excess(spec, "prefill_flops", setting) + count_flops(
        spec, setting.new, setting.past, setting.batch, source=setting.source, images=setting.images
    )


def cached(spec: ModelSpec, setting: Setting) -> int:
    kept = {"source": setting.source, "images": setting.images}
    held = cache_bytes(spec, setting.past + setting.new, setting.batch, policy="transformers", **kept)
    return excess(spec, "cache_bytes", setting) + held


@pytest.mark.parametrize("kind", TYPES)
def test_a_perturbed_model_is_exact(kind: str) -> None:
    perturb(kind, 2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", TYPES)
def test_many_perturbed_models_are_exact(kind: str) -> None:
    perturb(kind, 25)


def perturb(kind: str, examples: int) -> None:
    @settings(usual, max_examples=examples)
    @given(config=TYPES[kind], new=st.sampled_from([1, 2, 5, 17, 24]), more=st.sampled_from([1, 3, 9]))
    def check(config: Config, new: int, more: int) -> None:
        spec = from_hf_config(config)
        subject = Subject.of(spec)
        assert count_params(spec).total + excess(spec, "parameters", Setting()) == parameters(subject.model)
        if subject.caches:
            follow(spec, subject, new, more)
        else:
            setting = replace(subject.setting(), new=new)
            counted, output = torch_flops(lambda: subject.run(setting))
            assert flops(spec, setting) == counted
            assert subject.kind != "decoder" or cached(spec, setting) == held_bytes(subject.cache_of(output)) == 0
        if config.get("model_type") in OPAQUE:
            return
        traced = replace(subject.setting(), batch=1, new=6)
        assert flops(spec, traced) - idle_flops(spec) == fvcore_flops(*subject.traceable(traced))

    check()


def idle_flops(spec: ModelSpec) -> int:
    """FLOPs of one sequence on whose result nothing that is returned depends, so that a trace drops them: a pooler
    that a class keeps although it reads each token."""
    assert not isinstance(spec.architecture, str)
    *before, last = spec.architecture.stacks
    if last.role == "decoder" and any(isinstance(head, Pooler) for stack in before for head in stack.heads):
        return 2 * before[-1].hidden ** 2
    for head, reader in pairwise(last.heads):
        if isinstance(head, Pooler) and not head.every_token and getattr(reader, "every_token", True):
            return 2 * last.hidden**2
        if isinstance(head, AttentionPooler) and isinstance(reader, Classifier):  # SigLIP's classes average patches
            w = Workload.exact(1)
            return sum(int(op.executed.value(w)) for op in lower(spec.architecture) if ".pooler." in op.name)
    return 0


def follow(spec: ModelSpec, subject: Subject, new: int, more: int) -> None:
    """A prefill, a step, several tokens at once, and another step, each on the cache of the one before."""
    setting = Setting(2, new, source=11 if subject.kind == "encoder-decoder" else 0)
    output: Any = None
    for tokens in (new, 1, more, 1):
        setting = replace(setting, new=tokens, past=setting.past + setting.new if output else 0)
        encoded = getattr(output, "encoder_last_hidden_state", None)
        cache = subject.cache_of(output)
        counted, output = torch_flops(lambda s=setting, c=cache, e=encoded: subject.run(s, cache=c, encoded=e))
        assert flops(spec, setting) == counted, setting
        assert cached(spec, setting) == held_bytes(subject.cache_of(output)), setting
    if subject.listens:
        sound = subject.hearing()
        assert flops(spec, sound) == torch_flops(lambda: subject.hear(sound))[0], sound
    if subject.kind == "vision-language":
        picture = subject.setting(images=2)
        counted, output = torch_flops(lambda: subject.run(picture))
        assert flops(spec, picture) == counted, picture
        step = replace(picture, new=1, past=picture.new)  # the images are cached, in the context or beside it
        counted, output = torch_flops(lambda: subject.run(step, cache=subject.cache_of(output)))
        assert flops(spec, step) == counted, step
        assert cached(spec, step) == held_bytes(subject.cache_of(output)), step


@pytest.mark.parametrize("norms", [None, 1, 2])
def test_falcon_with_groups_is_exact_except_that_its_class_caches_each_query_head(norms: int | None) -> None:
    sizes = {"hidden_size": 64, "num_attention_heads": 8, "num_kv_heads": 2, "num_hidden_layers": 2, "vocab_size": 97}
    config = {"model_type": "falcon", "new_decoder_architecture": True, "num_ln_in_parallel_attn": norms, **sizes}
    spec = from_hf_config(config)
    subject, setting = Subject.of(spec), Setting(2, 17)
    assert count_params(spec).total == parameters(subject.model)
    counted, output = torch_flops(lambda: subject.run(setting))
    assert flops(spec, setting) == counted
    needed = cache_bytes(spec, 17, 2, policy="transformers")
    assert held_bytes(subject.cache_of(output)) == cached(spec, setting) == needed * 8 // 2


def test_every_type_that_the_importer_reads_is_perturbed() -> None:
    from catalog.importers.huggingface import DENOISERS
    from catalog.importers.huggingface import TYPES as READ
    from catalog.importers.renamed import RENAMED

    also = {"bert": {"roberta", "xlm-roberta"}, "mamba": {"falcon_mamba"}}
    also |= {"test_long_encoders": {"big_bird", "bigbird_pegasus", "led", "longformer", "longt5", "xlnet"}}
    also |= {
        "gemma3": {"shieldgemma2"},
        "idefics3": {"smolvlm"},
        "internlm2": {"internlm"},
        "gpt2": {"gpt-sw3"},
        "granitemoe": {"granitemoeshared"},
        "ministral": {"ministral3"},
        "deepseek_v3": {"kimi_k2"},
        "minimax": {"minimax_m1", "minimax_text_01"},
    }
    named = {"dit": "DiTTransformer2DModel", "pixart": "PixArtTransformer2DModel"}
    covered = {named.get(kind, kind) for kind in TYPES} | {kind for kinds in also.values() for kind in kinds}
    also_read = {*DENOISERS, *RENAMED}
    full = {kind for kind, entry in READ.items() if entry.proof == "full"} | also_read
    assert _plain(full) <= _plain(covered) <= _plain({*READ, *also_read})


def _plain(kinds: set[str]) -> set[str]:
    """As functions are called."""
    return {kind.replace("-", "_") for kind in kinds}
