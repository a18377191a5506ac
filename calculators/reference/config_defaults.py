"""Write down what a ``config.json`` means where it leaves a field out: the class defaults of transformers.

Run ``python -P -m calculators.reference.config_defaults`` after a new release of transformers; it rewrites
``catalog/importers/defaults.json``, which the importer reads without transformers.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "catalog" / "importers" / "defaults.json"

KEPT = ("tie_word_embeddings", "is_encoder_decoder", "qk_rope_head_dim", "no_rope_layer_interval", "no_rope_layers")
"""Fields that can change a count although their names sound harmless, or although every configuration has them."""

UNINTERESTING = ("dropout", "drop_", "_eps", "epsilon", "init", "token_id", "_token_index", "rope", "loss", "penalty",
                 "use_cache", "output_", "jitter", "_coef", "num_beams", "theta", "mask_time", "mask_feature",
                 "apply_spec", "layerdrop", "_range", "eos_", "bos_", "pad_")  # fmt: skip
"""Parts of the names of fields that change no parameter, FLOP or cached byte."""


def table() -> dict[str, dict[str, Any]]:
    """Defaults of every type that transformers knows, nested types included, by ``model_type``."""
    from transformers import CONFIG_MAPPING, PreTrainedConfig, logging

    logging.set_verbosity_error()
    base = {field.name for field in dataclasses.fields(PreTrainedConfig)} | set(PreTrainedConfig().to_dict())
    found: dict[str, dict[str, Any]] = {}
    waiting = [CONFIG_MAPPING[name] for name in CONFIG_MAPPING]
    while waiting:
        kind = waiting.pop()
        if kind.model_type in found or not kind.model_type:
            continue
        found[kind.model_type] = _static(kind, base)
        nested = getattr(kind, "sub_configs", {})
        waiting += [sub for sub in nested.values() if _named(sub)]
    for fields in found.values():
        _shorten(fields, found)
    return dict(sorted(found.items()))


def _shorten(fields: dict[str, Any], found: dict[str, dict[str, Any]]) -> None:
    """Leave out of nested configurations what their own type says as well."""
    for key, value in fields.items():
        if isinstance(value, dict) and key != "_nested":
            own = found.get(value["model_type"], {})
            fields[key] = {k: v for k, v in value.items() if k == "model_type" or k not in own or own[k] != v}
            _shorten(fields[key], found)


def _static(kind: Any, base: set[str]) -> dict[str, Any]:
    """Defaults that do not depend on other fields; of nested configurations everything."""
    try:
        instance = json.loads(kind().to_json_string(use_diff=False))
    except Exception:  # some need a nested configuration that has no default
        instance = {}
    result: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        value: Any = field.default
        if value is dataclasses.MISSING:
            factory: Any = field.default_factory
            value = None if factory is dataclasses.MISSING else factory()
        nested = instance.get(field.name)
        if isinstance(nested, dict) and "model_type" in nested:
            value = _pruned(nested, base)
        result[field.name] = value
    kept = _pruned(result, base)
    fixed = {key: sub.model_type for key, sub in getattr(kind, "sub_configs", {}).items() if _named(sub)}
    return kept | ({"_nested": fixed} if fixed else {})


def _named(kind: Any) -> bool:
    """Whether a nested configuration is always of one type, whatever it says itself."""
    return dataclasses.is_dataclass(kind) and bool(getattr(kind, "model_type", ""))


def _pruned(config: dict[str, Any], base: set[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in sorted(config.items()):
        if key != "model_type" and key in base and key not in KEPT:
            continue
        dull = key not in KEPT and any(part in key for part in UNINTERESTING)
        if value is None or key.startswith("_") or dull:
            continue
        if isinstance(value, dict):
            if "model_type" not in value:
                continue
            value = _pruned(value, base)
        try:
            json.dumps(value)
        except TypeError:
            continue
        kept[key] = value
    return kept


def main() -> None:
    """Rewrite the file, one type to a line so that changes can be read."""
    lines = [f"{json.dumps(name)}: {json.dumps(fields, sort_keys=True)}" for name, fields in table().items()]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
