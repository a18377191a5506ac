"""All types of models that see images, from the modules that read them."""

from __future__ import annotations

from catalog.importers import cell_mixers, convnets, convnets_more, dual, kinds, pyramids, vit

MODULES = (cell_mixers, convnets, convnets_more, dual, pyramids, vit)
TYPES: dict[str, kinds.Type] = {name: entry for module in MODULES for name, entry in module.TYPES.items()}
