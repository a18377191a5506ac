"""A plan as a person fills it in: texts of a form's fields from and to the data of ``plan.yaml``.

What no field stands for (burstiness, shared prefixes of groups, write-off of purchases …) stays as it was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from advisor.planning.schema import PlanFile
from catalog.errors import BadInput
from catalog.loader import checked

Data = dict[str, Any]
START: Data = {
    "name": "a chat service",
    "traffic": [
        {"name": "chat", "rate": "8/s", "peak": 2, "input": "lognormal:600,0.8", "output": "lognormal:220,0.6",
         "growth": "10%"}
    ],
    "months": 12,
    "slo": "ttft.p95<1s,tpot.p95<50ms",
    "models": ["llama-3.1-8b", "gpt-oss-20b"],
    "machines": [{"id": "l4"}, {"id": "l40s"}, {"id": "h100-sxm"}],
    "layouts": {"tp": [1, 2]},
    "redundancy": 1,
    "apis": ["gpt-5-mini"],
    "seeds": 2,
    "requests": 2000,
}  # fmt: skip
"""A small plan to begin with; simulated in a second or two."""
CLASS = ("name", "preset", "rate", "users", "peak", "input", "output", "turns", "shared_tokens", "growth", "slo")
"""Fields of a class of traffic; in a form their names begin with ``class_``."""
NUMBERS = ("months", "max_devices", "redundancy", "seeds", "requests")
LISTS = ("models", "formats", "caches", "apis")
TEXTS = ("slo", "headroom", "budget", "engine")
FLAGS = ("disaggregation", "mixed")
YES = "yes"
PRICINGS = ("on-demand", "reserved", "spot", "owned")


def data_of(plan: PlanFile) -> Data:
    """A plan as plain data, without what has its default."""
    data: Data = plan.model_dump(mode="json", exclude_defaults=True)
    return data


def plan_of(data: Mapping[str, Any]) -> PlanFile:
    """The plan that data stand for.

    Raises:
        BadInput: If a field is wrong, with what would be right.
    """
    return checked(PlanFile, dict(data), "plan")


def unshown(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of what the data say and no field shows, of classes with the class's name."""
    power = {"power": {"usd_per_kwh", "pue"}, "layouts": {"tp"}, "requirements": {"task"}}
    fields = {*NUMBERS, *LISTS, *TEXTS, *FLAGS, "name", "traffic", "machines"}
    found = [name for name, value in data.items() if name not in fields and not _within(value, power.get(name))]
    for name, entry in zip(names(data), data["traffic"], strict=True):
        found += [f"{field} of {name}" for field in entry if field not in CLASS]
    return tuple(found)


def _within(value: Any, known: set[str] | None) -> bool:
    return known is not None and set(value) <= known


def names(data: Mapping[str, Any]) -> list[str]:
    """Of the classes of traffic."""
    return [str(entry.get("name", "requests")) for entry in data["traffic"]]


def texts(data: Mapping[str, Any], index: int) -> dict[str, str]:
    """What the fields of a form show, for one class of traffic and the whole."""
    entry = data["traffic"][index]
    shown = {f"class_{name}": _text(entry.get(name)) for name in CLASS}
    shown["class_name"] = shown["class_name"] or "requests"
    shown |= {name: _text(data.get(name)) for name in (*NUMBERS, *TEXTS)}
    shown |= {name: YES if data.get(name) else "" for name in FLAGS}
    shown |= {name: ", ".join(map(str, data.get(name, ()))) for name in LISTS}
    shown["machines"] = ", ".join(_machine_text(choice) for choice in data.get("machines", ()))
    shown["tp"] = ", ".join(map(str, (data.get("layouts") or {}).get("tp", ())))
    wanted = data.get("requirements")
    shown["task"] = "" if wanted is None else str(wanted.get("task", "chat"))
    power = data.get("power") or {}
    shown["usd_per_kwh"], shown["pue"] = _text(power.get("usd_per_kwh")), _text(power.get("pue"))
    return shown


def put(data: Mapping[str, Any], index: int, shown: Mapping[str, str]) -> Data:
    """Data with what a form shows; an empty field takes the default.

    Raises:
        BadInput: If a text cannot be read; values are checked by ``plan_of``.
    """
    new: Data = deepcopy(dict(data))
    entry = new["traffic"][index]
    for name in CLASS:
        _set(entry, name, _value(f"class_{name}", shown.get(f"class_{name}", "")))
    for name in (*NUMBERS, *TEXTS):
        _set(new, name, _value(name, shown.get(name, "")))
    for name in FLAGS:
        _set(new, name, shown.get(name) == YES or None)
    for name in LISTS:
        _set(new, name, _split(shown.get(name, "")))
    before = {choice["id"]: choice for choice in new.get("machines", ()) if isinstance(choice, dict)}
    _set(new, "machines", [_machine(text, before) for text in _split(shown.get("machines", ""))])
    _part(new, "layouts", "tp", [_whole("tp", text) for text in _split(shown.get("tp", ""))] or None)
    for name in ("usd_per_kwh", "pue"):
        _part(new, "power", name, _number(name, shown.get(name, "")))
    if new.get("models"):
        new.pop("requirements", None)
    else:
        new["requirements"] = {**(new.get("requirements") or {}), "task": shown.get("task", "") or "chat"}
    return new


def with_class(data: Mapping[str, Any]) -> Data:
    """One more class of traffic, like the last."""
    new: Data = deepcopy(dict(data))
    taken = set(names(new))
    name = next(f"class {k}" for k in range(2, len(taken) + 3) if f"class {k}" not in taken)
    new["traffic"] = [*new["traffic"], {**new["traffic"][-1], "name": name}]
    return new


def without_class(data: Mapping[str, Any], index: int) -> Data:
    """One class less; the last one stays."""
    new: Data = deepcopy(dict(data))
    if len(new["traffic"]) > 1:
        del new["traffic"][index]
    return new


def _text(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _set(where: Data, name: str, value: Any) -> None:
    if value in (None, "", []):
        where.pop(name, None)
    else:
        where[name] = value


def _part(where: Data, block: str, name: str, value: Any) -> None:
    inner = {k: v for k, v in (where.get(block) or {}).items() if k != name}
    if value is not None:
        inner[name] = value
    _set(where, block, inner or None)


def _value(name: str, text: str) -> Any:
    text = text.strip()
    plain = name.removeprefix("class_")
    if not text:
        return None
    if plain in ("users", "shared_tokens", *NUMBERS):
        return _whole(plain, text)
    return _number(plain, text) if plain == "peak" else text


def _whole(name: str, text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise BadInput(f"{name}: {text!r} is not a whole number")
    return int(text)


def _number(name: str, text: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise BadInput(f"{name}: {text!r} is not a number") from None


def _split(text: str) -> list[str]:
    return [part for part in text.replace(",", " ").split() if part]


def _machine_text(choice: Any) -> str:
    if not isinstance(choice, dict):
        return str(choice)
    terms = "" if choice.get("pricing", "on-demand") == "on-demand" else f":{choice['pricing']}"
    price = "" if choice.get("usd_per_hour") is None else f"={choice['usd_per_hour']:g}"
    return f"{choice['id']}{terms}{price}"


def _machine(text: str, before: Mapping[str, Data]) -> Data:
    """``h100-sxm``, ``h100-sxm:reserved``, ``h100-sxm:spot=1.90`` (dollars per hour)."""
    name, _, price = text.partition("=")
    name, _, terms = name.partition(":")
    if terms and terms not in PRICINGS:
        raise BadInput(f"machines: unknown terms {terms!r} in {text!r}; known: {', '.join(PRICINGS)}")
    choice = {k: v for k, v in before.get(name, {}).items() if k not in ("pricing", "usd_per_hour")} | {"id": name}
    if terms and terms != "on-demand":
        choice["pricing"] = terms
    if price:
        choice["usd_per_hour"] = _number("machines", price)
    return choice
