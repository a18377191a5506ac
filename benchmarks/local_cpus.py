"""What share of their 32-bit peak llama.cpp's prompts reach on CPUs, each CPU left out in turn.

Run from the repository root::

    python -m benchmarks.local_cpus

prints ``compute`` of ``kinds: [cpu]`` in ``catalog/engines/llama.cpp.yaml``. The peak is that of the base clock with 32
operations a cycle and core (two multiply-adds of 256 bits, or one of 512).
"""

from __future__ import annotations

from collections import defaultdict
from statistics import median

from benchmarks.kernel_fits import read
from benchmarks.published_kernels import FOLDER
from calculators.flops import count_flops
from catalog.loader import load

PER_CYCLE = 32


def shares() -> dict[str, dict[str, float]]:
    """``{cpu: {quantization: share}}``; attention and the last token's logits are in the products."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for row in read(FOLDER / "cpu_llama_cpp.csv"):
        tokens = int(row["prompt_len"])
        done = count_flops(load(row["model"]), tokens, count="needed") * float(row["prompt_tok_s"]) / tokens
        peak = int(row["cores"]) * float(row["base_ghz"]) * 1e9 * PER_CYCLE
        found[row["cpu"]][row["quant"]] = done / peak
    return found


def main() -> None:
    """Print the report."""
    found = shares()
    own = {cpu: median(of.values()) for cpu, of in found.items()}
    print(f"compute {median(own.values()):.3f} of the 32-bit peak; each CPU left out")
    for cpu, share in own.items():
        others = median(value for name, value in own.items() if name != cpu)
        formats = ", ".join(f"{name} {value:.2f}" for name, value in found[cpu].items())
        print(f"  {cpu:15} {share:.2f}, with the others' {others:.2f} times err by {100 * (share / others - 1):+.0f} %")
        print(f"    {formats}")


if __name__ == "__main__":
    main()
