"""Models that read images and write text: towers, connectors and any decoder that is known, put together by tables."""

from catalog.importers.multimodal.models import TYPES

__all__ = ["TYPES"]
