"""What ranking must know of models besides what the catalog says of them, made once for the shipped ones and kept."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from advisor.kept.key import with_code
from advisor.ranking.lineage import lineages
from calculators.params import Params
from catalog.compiled import derived
from catalog.loader import all_models, is_shipped
from catalog.spec import ModelSpec
from catalog.values import dataclass

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one disclosed model."""

    params: Params
    writes: bool
    """Whether it writes token by token."""
    reads_source: bool
    """Whether an encoder reads what comes in and a decoder writes."""
    source_tokens: int | None
    """What the encoder reads where that is not text: a length of its own."""
    takes_images: bool
    image_tokens: int
    """Of one image in the context."""
    splits_tensors: bool
    """Whether llama.cpp shares its layers between GPUs."""
    sinks: bool
    """Whether its attention has sinks."""


def lineage_of(spec: ModelSpec) -> str:
    """The lineage of a model among those of the shipped catalog; the user's own models have none but themselves."""
    return _kept()[0].get(spec.id, spec.id) if is_shipped(spec.id) else spec.id


def facts_of(spec: ModelSpec) -> Facts:
    """Of a disclosed model, which may be only listed.

    Raises:
        BadInput: If the architecture is undisclosed.
    """
    known = _kept()[1].get(spec.id) if is_shipped(spec.id) else None
    return known or _facts(spec)


def _kept() -> tuple[dict[str, str], dict[str, Facts]]:
    found: tuple[dict[str, str], dict[str, Facts]] = derived("facts", _key(), _made)
    return found


@lru_cache(maxsize=1)
def _key() -> bytes:
    return with_code(
        HERE / "facts.py", HERE / "lineage.py", HERE.parent / "candidates.py", HERE.parent / "tensor_split.py",
        HERE.parent / "served_models.py",
    )  # fmt: skip


def _made() -> tuple[dict[str, str], dict[str, Facts]]:
    models = [spec for spec in all_models() if is_shipped(spec.id)]
    return lineages(models), {spec.id: _facts(spec) for spec in models if spec.is_disclosed}


def _facts(spec: ModelSpec) -> Facts:
    from advisor.candidates import generates
    from advisor.served_models import has_sinks
    from advisor.tensor_split import splits_tensors
    from calculators.flops import reads_source, source_tokens
    from calculators.images import takes_images, tokens_per_image
    from calculators.params import architecture_of, count_params

    own = architecture_of(spec)
    lengths = {source_tokens(own, usual) for usual in (1, 2)}
    return Facts(
        params=count_params(spec),
        writes=generates(spec),
        reads_source=reads_source(own),
        source_tokens=lengths.pop() if len(lengths) == 1 else None,
        takes_images=takes_images(own),
        image_tokens=tokens_per_image(own),
        splits_tensors=splits_tensors(spec),
        sinks=has_sinks(spec),
    )
