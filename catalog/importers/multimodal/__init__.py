"""Models that read images and write text: towers, connectors and any decoder that is known, put together by tables."""

from catalog.importers.multimodal import gemma4, models, phi4

TYPES = {**models.TYPES, **gemma4.TYPES, **phi4.TYPES}

__all__ = ["TYPES"]
