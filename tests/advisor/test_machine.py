"""Machines: what drivers say becomes the right machine, and every number of the sheet says how it is known."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from advisor import estimate
from advisor.cli import cli
from advisor.detect.amd import _by_rocm_smi, amd_devices, amd_kind
from advisor.detect.apple import apple_devices
from advisor.detect.cpu import copy_probe, cpu_device, product_probe
from advisor.detect.device import Device, Found
from advisor.detect.matching import matches
from advisor.detect.nvidia import _from_row, nvidia_devices, nvidia_kind
from advisor.detect.own import own_machine
from advisor.machine_sheet import MEANINGS, facts
from advisor.machine_text import sheet
from catalog.errors import BadInput
from catalog.loader import all_machines, load_machine
from catalog.machine import AllReduce, AttentionRates, Link, Ring, Roofline

GIB = 2**30
ASSETS = {machine.id: machine for machine in all_machines()}


def match(name: str, gib: float, vendor: str = "nvidia") -> list[tuple[str, bool]]:
    kind = nvidia_kind(name) if vendor == "nvidia" else amd_kind(name)
    device = Device(vendor, kind, name, memory_bytes=gib * GIB)
    return [(m.machine, m.exact) for m in matches(device, all_machines())]


@pytest.mark.parametrize(
    ("name", "gib", "machine"),
    [
        ("NVIDIA H100 80GB HBM3", 79.65, "h100-sxm"),
        ("NVIDIA H100 PCIe", 79.65, "h100-pcie"),
        ("NVIDIA H100 NVL", 93.6, "h100-nvl"),
        ("NVIDIA H200", 140.4, "h200-sxm"),
        ("NVIDIA H200 NVL", 140.4, "h200-nvl"),
        ("NVIDIA A100-SXM4-80GB", 80, "a100-sxm4-80gb"),
        ("NVIDIA A100-SXM4-40GB", 40, "a100-sxm4-40gb"),
        ("NVIDIA A100 80GB PCIe", 80, "a100-pcie-80gb"),
        ("NVIDIA A100-PCIE-40GB", 40, "a100-pcie-40gb"),
        ("Tesla V100-SXM2-16GB", 16, "v100-sxm2-16gb"),
        ("Tesla T4", 15, "t4"),
        ("NVIDIA L4", 22.5, "l4"),
        ("NVIDIA L40S", 44.99, "l40s"),
        ("NVIDIA A10G", 22.5, "a10g"),
        ("NVIDIA B200", 178, "b200-sxm"),
        ("NVIDIA GB200", 185, "gb200-nvl72"),
        ("NVIDIA GH200 480GB", 95.6, "gh200-96gb"),
        ("NVIDIA GB10", 119.7, "gb10-dgx-spark"),
        ("NVIDIA GeForce RTX 4090", 23.99, "rtx-4090"),
        ("NVIDIA GeForce RTX 4070 Ti SUPER", 16, "rtx-4070-ti-super"),
        ("NVIDIA RTX A6000", 48, "rtx-a6000"),
        ("NVIDIA RTX 6000 Ada Generation", 48, "rtx-6000-ada"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 95.6, "rtx-pro-6000-blackwell-ws"),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", 95.6, "rtx-pro-6000-blackwell-maxq"),
    ],
)
def test_what_nvidia_calls_a_device_is_one_machine(name: str, gib: float, machine: str):
    assert match(name, gib) == [(machine, True)]


@pytest.mark.parametrize(
    ("name", "gib", "near"),
    [
        ("NVIDIA GeForce RTX 4090 Laptop GPU", 16, "rtx-4090"),
        ("NVIDIA GeForce RTX 3060", 8, "rtx-3060-12gb"),
        ("NVIDIA GeForce RTX 4070 SUPER", 12, "rtx-4070"),
        ("Orin (nvgpu)", 61, "jetson-agx-orin-64gb"),
    ],
)
def test_a_relative_is_named_but_not_taken_for_the_same(name: str, gib: float, near: str):
    found = match(name, gib)
    assert (near, False) in found
    assert not any(exact for _, exact in found)


def test_amd_and_apple_names_and_parts_of_a_processor():
    assert match("AMD Instinct MI300X OAM", 191.98, "amd") == [("mi300x", True)]
    assert match("Radeon RX 7900 XTX", 24, "amd") == [("rx-7900-xtx", True)]
    whole = Device("amd", "cpu", "AMD EPYC 9654 96-Core Processor", cores=192)
    part = Device("amd", "cpu", "AMD EPYC 9654 96-Core Processor", cores=8)
    assert [(m.machine, m.exact) for m in matches(whole, all_machines())] == [("epyc-9654", True)]
    first = matches(part, all_machines())[0]
    assert (first.machine, first.exact, first.why) == ("epyc-9654", False, "same name, 8 of its 96 cores")


class FakeNvml:
    """The functions of ``pynvml`` that are asked, for two H100; what it does not have, a driver cannot answer."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_NVLINK_MAX_LINKS = 1, 2, 18
    nvmlInit = nvmlShutdown = staticmethod(lambda: None)
    nvmlSystemGetDriverVersion = staticmethod(lambda: b"580.159.04")
    nvmlDeviceGetCount = staticmethod(lambda: 2)
    nvmlDeviceGetHandleByIndex = staticmethod(lambda index: index)
    nvmlDeviceGetName = staticmethod(lambda handle: "NVIDIA H100 80GB HBM3")
    nvmlDeviceGetMemoryInfo = staticmethod(lambda handle: SimpleNamespace(total=81559 * 2**20, free=80000 * 2**20))
    nvmlDeviceGetMaxClockInfo = staticmethod(lambda handle, clock: {1: 1980, 2: 2619}[clock])
    nvmlDeviceGetMemoryBusWidth = staticmethod(lambda handle: 5120)
    nvmlDeviceGetNumGpuCores = staticmethod(lambda handle: 16896)
    nvmlDeviceGetCudaComputeCapability = staticmethod(lambda handle: (9, 0))
    nvmlDeviceGetMaxPcieLinkGeneration = staticmethod(lambda handle: 5)
    nvmlDeviceGetMaxPcieLinkWidth = staticmethod(lambda handle: 16)
    nvmlDeviceGetNvLinkState = staticmethod(lambda handle, link: 1)
    nvmlDeviceGetNvLinkVersion = staticmethod(lambda handle, link: 4)

    @staticmethod
    def nvmlDeviceGetPowerManagementDefaultLimit(handle):
        raise RuntimeError("Not Supported")

    nvmlDeviceGetEnforcedPowerLimit = staticmethod(lambda handle: 700_000)


def test_an_h100_by_its_driver():
    devices, notes = nvidia_devices(FakeNvml)
    assert notes == []
    assert [d.index for d in devices] == [0, 1]
    d = devices[0]
    assert d.bandwidth_gb_per_s is not None
    assert d.bandwidth_gb_per_s.value == pytest.approx(3352, rel=1e-3)  # the data sheet says 3,350
    assert d.fp32_tflops is not None
    assert d.fp32_tflops.value == pytest.approx(66.9, rel=1e-3)  # and 67
    assert (d.peer_gb_per_s, d.peers, d.pcie_gb_per_s) == (450, "NVLink 4, 18 links", 63)
    assert (d.tdp_w, d.driver, d.free_bytes) == (700, "580.159.04", 80000 * 2**20)
    machine = own_machine(Found(d, 2, matches(d, all_machines())), "mine")
    assert (machine.link.max_gpus, machine.memory_gib) == (2, 79.65)
    assert machine.roofline == ASSETS["h100-sxm"].roofline


def test_a_driver_that_answers_nothing_leaves_names_and_no_error():
    class Bare:
        nvmlInit = nvmlShutdown = staticmethod(lambda: None)
        nvmlDeviceGetCount = staticmethod(lambda: 1)
        nvmlDeviceGetHandleByIndex = staticmethod(lambda index: index)
        nvmlSystemGetDriverVersion = staticmethod(lambda: 1 / 0)

    (device,), notes = nvidia_devices(Bare)
    assert (device.name, device.memory_bytes, device.bandwidth_gb_per_s, notes) == ("NVIDIA GPU", None, None, [])
    with pytest.raises(BadInput, match=r"its bandwidth could not be read .*--like ID"):
        own_machine(Found(device, 1, ()), "mine")

    class Absent:
        @staticmethod
        def nvmlInit():
            raise OSError("NVML Shared Library Not Found")

    assert nvidia_devices(Absent)[1] == ["NVIDIA: no driver answers (NVML Shared Library Not Found)."]


def test_a_row_of_nvidia_smi_with_cells_that_it_cannot_fill():
    row = "0, Tesla T4, 15360, 15000, 550.54, 70.00, 3, [N/A]".split(", ")
    device = _from_row(row)
    assert (device.name, device.memory_bytes, device.tdp_w, device.pcie_gb_per_s) == (
        "Tesla T4",
        15360 * 2**20,
        70,
        None,
    )


def test_amd_by_library_by_rocm_smi_and_from_the_kernel(tmp_path: Path):
    smi = SimpleNamespace(
        amdsmi_init=lambda: None,
        amdsmi_shut_down=lambda: None,
        amdsmi_get_processor_handles=lambda: ["a"],
        amdsmi_get_gpu_asic_info=lambda handle: {"market_name": "AMD Instinct MI300X"},
        AmdSmiMemoryType=SimpleNamespace(VRAM=7),
        amdsmi_get_gpu_memory_total=lambda handle, kind: 206141652992 if kind == 7 else 0,
        amdsmi_get_gpu_memory_usage=lambda handle, kind: 2**30,
    )
    (device,), notes = amd_devices(smi)
    assert (device.kind, device.memory_bytes, notes) == ("datacenter gpu", 206141652992, [])
    text = json.dumps(
        {
            "card0": {
                "Card Series": "Radeon RX 7900 XTX",
                "VRAM Total Memory (B)": "25753026560",
                "VRAM Total Used Memory (B)": "27963392",
            },
            "system": {"Driver version": "6.7"},
        }
    )
    (device,) = _by_rocm_smi(text)
    assert (device.name, device.kind, device.free_bytes) == (
        "Radeon RX 7900 XTX",
        "consumer gpu",
        25753026560 - 27963392,
    )
    assert _by_rocm_smi("not json") == []
    folder = tmp_path / "card1" / "device"
    folder.mkdir(parents=True)
    for name, value in (
        ("vendor", "0x1002"),
        ("product_name", "AMD Instinct MI210"),
        ("mem_info_vram_total", "68702699520"),
    ):
        (folder / name).write_text(value + "\n")
    broken = SimpleNamespace(amdsmi_init=lambda: 1 / 0)
    (device,), notes = amd_devices(broken, tmp_path)
    assert (device.name, device.memory_bytes, device.free_bytes) == ("AMD Instinct MI210", 68702699520, None)
    assert notes == ["AMD: amdsmi does not answer (division by zero)."]


def test_an_apple_chip_by_sysctl():
    answers = {
        ("sysctl", "-n", "machdep.cpu.brand_string"): "Apple M4 Max\n",
        ("sysctl", "-n", "hw.memsize"): "68719476736\n",
        ("system_profiler", "SPDisplaysDataType", "-json"): json.dumps({"SPDisplaysDataType": [{"sppci_cores": "40"}]}),
        (
            "vm_stat",
        ): "Mach Virtual Memory Statistics: (page size of 16384 bytes)\nPages free:   100.\nPages inactive: 50.\n",
    }
    (device,), notes = apple_devices(lambda *command: answers.get(command), "Darwin")
    assert (device.memory_bytes, device.free_bytes, notes) == (64 * GIB, 150 * 16384, [])
    assert "40 GPU cores" in device.details
    machine = own_machine(Found(device, 1, matches(device, all_machines())), "mine")
    assert (machine.memory_gib, machine.bandwidth_gb_per_s) == (64, 546)  # memory is this Mac's, not the largest option
    assert apple_devices(lambda *command: None, "Linux") == ([], [])


def test_a_processor_by_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "cpuinfo").write_text(
        "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC\nflags\t\t: fma avx2 sse\n\n"
        "vendor_id\t: other\n"
    )
    (tmp_path / "meminfo").write_text("MemTotal:       24684092 kB\nMemAvailable:   23173540 kB\n")
    monkeypatch.setitem(__import__("sys").modules, "psutil", None)
    device, notes = cpu_device(tmp_path, probe=False)
    assert (device.vendor, device.memory_bytes, device.family, notes) == ("amd", 24684092 * 1024, "epyc-milan", [])
    assert "avx2" in device.details
    assert matches(device, all_machines())[0].machine == "epyc-milan"


def test_probes_count_what_they_move_and_multiply():
    copied, multiplied = copy_probe(1, 0.0), product_probe(1, 0.0, 128)
    assert 0.01 < copied.value < 2000
    assert 1e-5 < multiplied.value < 100
    assert "probe" in copied.how
    assert "probe" in multiplied.how


def test_a_detected_machine_is_written_and_used(tmp_path: Path, overlay: Path):
    file = tmp_path / "box.yaml"
    run = CliRunner().invoke(
        cli, ["machine", "detect", "--device", "1", "--write", str(file), "--add", "--as", "box", "--json"]
    )
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["written"] == str(overlay / "machines" / "box.yaml")
    machine = load_machine(str(file))
    assert machine == load_machine("box")
    e = estimate(model="qwen2.5-0.5b", machine="box")
    assert e.time.ttft_s is not None
    again = CliRunner().invoke(cli, ["machine", "detect", "--no-probe", "--like", "l4", "--write", str(file)])
    assert again.exit_code != 0
    assert "--replace" in again.output or "--replace" in str(again.exception)


def test_the_constants_of_another_machine_are_no_evidence():
    device = Device("nvidia", "consumer gpu", "NVIDIA GeForce RTX 5060", memory_bytes=8 * GIB)
    machine = own_machine(Found(device, 1, ()), "mine", like="l40s")
    assert {f.badge for f in facts(machine) if f.block in ("products", "attention")} == {"class default"}
    assert machine.roofline["bf16"].compute == ASSETS["l40s"].roofline["bf16"].compute
    with pytest.raises(BadInput, match="unknown machine 'l40z'; did you mean l40"):
        own_machine(Found(device, 1, ()), "mine", like="l40z")


def test_every_constant_has_a_meaning():
    for kind in (Roofline, AttentionRates, AllReduce, Ring, Link):
        unexplained = set(kind.model_fields) - set(MEANINGS) - {"source", "name"}
        assert not unexplained, f"{kind.__name__}: {unexplained}"


@pytest.mark.parametrize("machine", all_machines(), ids=lambda machine: machine.id)
def test_every_machine_fits_on_a_screen_and_every_number_has_a_badge_and_a_source(machine):
    lines = list(sheet(machine))
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    assert all(f.name in MEANINGS for f in facts(machine))
    constants = [f for f in facts(machine) if f.block not in ("memory", "rates", "links", "price")]
    assert all(f.source and f.badge for f in facts(machine))
    assert all(f.badge != "spec sheet" for f in constants)


def test_a_meaning_too_long_for_its_column_goes_on_in_a_second_line():
    lines = list(sheet(load_machine("h100-sxm")))
    at = lines.index("  fixed cost of one")
    assert lines[at + 1].split()[:3] == ["kernel,", "µs", "13.9"]
    (hop,) = (line for line in lines if "hop from one peer" in line)
    assert hop.split()[-2:] == ["µs", "0.822"]


def test_the_list_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    narrow = CliRunner().invoke(cli, ["machine", "list"]).stdout.splitlines()
    assert max(len(line) for line in narrow) <= 80
    monkeypatch.setenv("COLUMNS", "160")
    assert "datacenter gpu" in CliRunner().invoke(cli, ["machine", "list"]).stdout


def test_the_list_filters_and_names_what_is_near():
    run = CliRunner().invoke(cli, ["machine", "list", "--vendor", "amd", "--kind", "datacenter gpu", "--json"])
    rows = json.loads(run.stdout)
    assert {"mi300x", "mi355x"} <= {row["id"] for row in rows}
    assert all(row["kind"] == "datacenter gpu" for row in rows)
    by_id = {row["id"]: row for row in rows}
    assert by_id["mi300x"]["eight_bit_tflops"] == 2615
    wrong = CliRunner().invoke(cli, ["machine", "list", "--vendor", "nvdia"])
    assert isinstance(wrong.exception, BadInput)
    assert "did you mean nvidia" in str(wrong.exception)


def test_show_as_data_and_check(tmp_path: Path):
    run = CliRunner().invoke(cli, ["machine", "show", "h100-sxm", "--json"])
    data = json.loads(run.stdout)
    fp8 = next(f for f in data["facts"] if f["block"] == "products" and f["of"] == "fp8" and f["name"] == "compute")
    assert fp8["badge"] == "calibrated"
    assert fp8["value"] == ASSETS["h100-sxm"].roofline["fp8"].compute
    file = tmp_path / "mine.yaml"
    file.write_text("id: mine\nname: Mine\nvendor: me\nkind: cpu\n")
    wrong = CliRunner().invoke(cli, ["machine", "check", str(file)])
    assert "mine.yaml: sources: is missing" in str(wrong.exception)
