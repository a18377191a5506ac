"""The real model of a spec, at full size and without memory: weights on torch's meta device have shapes but no data.

Attention and experts are set to implementations that counters see: eager attention (fused CPU kernels count as zero,
pytorch issue 195460) and batched experts (``aten::_grouped_mm`` is in no counter's registry).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any
from unittest.mock import patch

import torch

from calculators.reference.repairs import repair
from calculators.reference.routing import idle_parameters, unroute
from calculators.reference.timm_models import build_timm
from calculators.reference.values import undecide
from catalog.spec import Reference

IGNORED = ("model_type", "_class_name", "architectures", "quantization_config", "dtype", "torch_dtype", "auto_map")
"""Keys that name the class, or say how a checkpoint is stored; the model is built in bf16."""


UNROUNDED = frozenset({"deberta", "fnet"})
"""Types built in fp32, because DeBERTa 1 fixes some parameters at it, and torch has no Fourier transform of bf16; the
counts are the same."""


def build(reference: Reference) -> torch.nn.Module:
    """The PyTorch model that a catalog entry names, in bf16 on the meta device.

    Raises:
        ValueError: If the library has no such class, or the class no such configuration.
    """
    torch.set_num_threads(1)
    settings = {key: _number(value) for key, value in reference.config.items() if key not in IGNORED}
    if reference.library == "diffusers":
        return _denoiser(reference.class_name, settings)
    if reference.library == "timm":
        return _evaluating(build_timm(reference.class_name, settings))
    if reference.library == "whicharch":
        return _own(reference.class_name, settings)
    return _transformer(reference, settings)


def _number(value: Any) -> Any:
    """Strict JSON, and our YAML after it, write infinity as a word."""
    if isinstance(value, list):
        return [_number(item) for item in value]
    return float("inf") if value == "Infinity" else value


def label(reference: Reference) -> str:
    """Library, version and class: ``transformers 5.23.0, LlamaForCausalLM``."""
    if reference.library == "whicharch":
        return f"a module of our own, {reference.class_name}"
    return f"{reference.library} {version(reference.library)}, {reference.class_name}"


def parameters(model: torch.nn.Module) -> int:
    """Learned parameters; tied ones once, buffers not."""
    return sum(parameter.numel() for parameter in model.parameters()) + idle_parameters(model)


def _transformer(reference: Reference, settings: dict[str, Any]) -> torch.nn.Module:
    import transformers

    transformers.logging.set_verbosity_error()
    kind = _class(transformers, reference.class_name, transformers.PreTrainedModel)
    model_type = reference.config.get("model_type")
    if model_type not in transformers.CONFIG_MAPPING:
        raise ValueError(f"transformers {version('transformers')} knows no model_type {model_type!r}")
    config = transformers.CONFIG_MAPPING[model_type](**settings)
    if kind.config_class is not None and not isinstance(config, kind.config_class):
        config = config.get_text_config()  # a decoder's class, and the file is of what stands around it
    with torch.device("meta"), hurrying():
        dtype = torch.float32 if model_type in UNROUNDED else torch.bfloat16
        model = kind._from_config(config, dtype=dtype, attn_implementation="eager")
    for module in model.modules():  # of a model around another, only the inner one may have experts
        if getattr(module, "_can_set_experts_implementation", bool)():
            module.set_experts_implementation("batched_mm")  # type: ignore[operator]
    unroute(model)
    undecide(model)
    repair(model)
    return _evaluating(model)


def _own(class_name: str, settings: dict[str, Any]) -> torch.nn.Module:
    """A module of our own, where nobody has one."""
    import transformers

    from calculators.reference.modules import MODULES

    transformers.logging.set_verbosity_error()

    if class_name not in MODULES:
        raise ValueError(f"there is no module of our own called {class_name!r}")
    with torch.device("meta"):
        return _evaluating(MODULES[class_name](**settings).to(torch.bfloat16))


@contextmanager
def hurrying() -> Iterator[None]:
    """No random numbers, which have nowhere to go, and no garbage collection: Switch-C has 61,440 experts to build."""
    collects = gc.isenabled()
    gc.disable()
    try:
        with patch.object(torch.nn.Linear, "reset_parameters", _leave):
            yield
    finally:
        if collects:
            gc.enable()


def _leave(_: torch.nn.Module) -> None:
    """In place of random numbers."""


def _denoiser(class_name: str, settings: dict[str, Any]) -> torch.nn.Module:
    import diffusers
    from diffusers.models.attention_processor import Attention, AttnProcessor, AttnProcessor2_0

    diffusers.logging.set_verbosity_error()
    kind = _class(diffusers, class_name, diffusers.ModelMixin)
    with torch.device("meta"):
        model = kind(**settings)
    for module in model.modules():
        if isinstance(module, Attention) and isinstance(module.processor, AttnProcessor2_0):
            module.set_processor(AttnProcessor())
    return _evaluating(model.to(torch.bfloat16))


def _class(library: Any, name: str, base: type) -> Any:
    """A model class by name, and nothing else that the library exports."""
    found = getattr(library, name, None)
    if isinstance(found, type) and issubclass(found, base):
        return found
    raise ValueError(f"{library.__name__} {library.__version__} has no model class {name!r}")


def _evaluating(model: torch.nn.Module) -> torch.nn.Module:
    """Dropout off and no gradients: only shapes matter."""
    return model.eval().requires_grad_(False)
