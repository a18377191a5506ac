"""A user's own benchmark of a server: what the file says, what the user adds, and what is still missing."""

from __future__ import annotations

from advisor.accuracy.comparison import File, Given
from advisor.accuracy.names import format_of, machine_of, model_of
from advisor.accuracy.runs import CLOSED, RATE, Run
from advisor.formats import weights_of
from advisor.machines import engine_for
from calculators.memory import CACHE_BITS
from catalog.errors import BadInput, unknown
from catalog.loader import load, load_engine, load_machine, model_ids


def model_id(file: File, given: Given, printed: str) -> str:
    """The catalogued model.

    Raises:
        BadInput: If neither the user nor the file names one that is known.
    """
    if given.model:
        return load(given.model).id
    if not printed:
        raise BadInput(f"{file.path}: does not say which model ran; add --model ID")
    found = model_of(printed)
    if found is None:
        raise BadInput(f"{unknown('model', printed, model_ids())}; {file.path} names it: add --model ID")
    return found


def machine_id(file: File, given: Given, printed: str = "") -> tuple[str, int]:
    """The catalogued machine and how many of them.

    Raises:
        BadInput: As ``model_id``.
    """
    if given.machine:
        return load_machine(given.machine).id, given.gpus or 1
    found, devices = machine_of(printed) if printed else (None, 1)
    if found is None:
        said = (
            f"names the machine {printed!r}, which is not in the catalog" if printed else "does not say on what it ran"
        )
        raise BadInput(f"{file.path}: {said}; add --machine ID (and --gpus N)")
    return found, given.gpus or devices


def served_run(
    file: File,
    given: Given,
    line: int,
    *,
    model: str,
    clients: float | None,
    rate: float | None,
    answer_s: float | None,
    input_tokens: float,
    output_tokens: float,
    ttft_s: float | None,
    tpot_s: float | None,
) -> Run:
    """One benchmark as a run: a closed loop where the number of clients is given, else a rate of requests.

    Raises:
        BadInput: If the model or the machine is not known, or the load is not.
    """
    name = model_id(file, given, model)
    machine, devices = machine_id(file, given)
    engine = load_engine(given.engine or engine_for(load_machine(machine))).id
    weights = weights_of(load(name), given.weights).id if given.weights else format_of("", name) or "bf16"
    if clients is None and rate is not None and answer_s is not None:
        clients, kind = rate * answer_s, RATE
    elif clients is not None:
        kind = CLOSED
    else:
        raise BadInput(f"{file.path}: says neither how many clients nor how many requests per second there were")
    cache = given.cache or "bf16"
    if cache not in CACHE_BITS:
        raise unknown("cache type", cache, CACHE_BITS)
    return Run(
        kind=kind,
        engine=engine,
        machine=machine,
        model=name,
        weights=weights,
        cache_bits=CACHE_BITS[cache],
        tp=devices,
        clients=max(clients, 1.0),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        ttft_s=ttft_s,
        tpot_s=tpot_s,
        line=line,
        keys={} if rate is None else {"rate": f"{rate:g}"},
    )
