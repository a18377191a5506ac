"""A user's own machine file: errors name file, line, field and the nearest right name."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.errors import BadInput
from catalog.loader import load_machine

HEAD = ["id: mine", "name: Mine", "vendor: me", "kind: cpu", "bandwidth_gb_per_s: 100", "peak_tflops: {bf16: 10}"]
TAIL = ["sources: [a leaflet]"]


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("tpd_w: 3", "tdp_w"),
        ("link: {name: PCIe, pcie_gbs: 3}", "pcie_gb_per_s"),
        ("roofline: {bf16: {compute: 0.5, memory: 0.5, lunch_us: 1, launch_us: 1, source: me and you}}", "launch_us"),
    ],
)
def test_a_misspelt_field_is_named_with_its_line_and_the_nearest(tmp_path: Path, line: str, near: str):
    link = [] if line.startswith("link") else ["link: {name: PCIe}"]
    file = tmp_path / "mine.yaml"
    file.write_text("\n".join([*HEAD, line, *link, *TAIL]))
    with pytest.raises(BadInput, match=rf"mine\.yaml, line 7: .*unknown field .*; did you mean {near}\?"):
        load_machine(str(file))


def test_constants_that_were_measured_on_the_machine_say_so(tmp_path: Path):
    from calculators.efficiency import efficiency
    from catalog.loader import load_format, machine_classes

    roofline = "roofline: {bf16: {compute: 0.5, memory: 0.5, launch_us: 1, rows: 9, source: own kernels}}"
    calibration = 'calibration: {device: Box, date: "2026-11-23", software: torch 2, rows: 9}'
    file = tmp_path / "mine.yaml"
    for extra, badge in (([], "calibrated"), ([calibration], "measured")):
        file.write_text("\n".join([*HEAD, roofline, "link: {name: PCIe}", *extra, *TAIL]))
        found = efficiency(load_machine(str(file)), load_format("bf16"), machine_classes())
        assert (found.badge, found.products.compute) == (badge, 0.5)
