"""All types of models that see images, from the modules that read them."""

from __future__ import annotations

from catalog.importers import convnets, dual, kinds, pyramids, vit

TYPES: dict[str, kinds.Type] = {
    name: entry for module in (convnets, dual, pyramids, vit) for name, entry in module.TYPES.items()
}
