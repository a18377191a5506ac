"""Money: what a token costs from an API and what a machine costs by the hour, all in US dollars."""

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import Date, Identifier, Size, Source, Spec

Dollars = Annotated[float, Field(ge=0)]


class ApiPrice(Spec):
    """List price of a hosted model, in US dollars per million tokens."""

    provider: str
    input_usd_per_mtok: Dollars
    output_usd_per_mtok: Dollars
    cached_input_usd_per_mtok: Dollars | None = None
    batch_input_usd_per_mtok: Dollars | None = None
    batch_output_usd_per_mtok: Dollars | None = None
    long_above_tokens: Size | None = None
    """Prompts longer than this pay the long-context prices."""
    long_input_usd_per_mtok: Dollars | None = None
    long_output_usd_per_mtok: Dollars | None = None
    source: Source


class MachinePrice(Spec):
    """What one accelerator (or one CPU host) costs by the hour, or to buy."""

    provider: str
    pricing: Literal["on-demand", "reserved", "spot", "purchase", "owned"]
    usd_per_hour: Dollars | None = None
    """Per accelerator, not per node."""
    usd_purchase: Dollars | None = None
    as_of: Date
    source: Source


class PriceList(Spec):
    """All known prices of one machine."""

    machine: Identifier
    prices: tuple[MachinePrice, ...]
