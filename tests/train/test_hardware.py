"""The switches of a training: what each mode sets, and that all of it is put back."""

from __future__ import annotations

import os
import warnings
from contextlib import nullcontext

import pytest
import torch
from packaging.version import Version
from torch import nn

from nnlint.errors import UsageError
from nnlint.train import hardware
from nnlint.train.config import TrainConfig
from nnlint.train.hardware import FEW_SHAPES, Hardware, chosen, facts, prepared
from nnlint.train.switches import kept, set_switch, set_tf32, switches

NO_GPU = not torch.cuda.is_available()
MODES = ("default", "speed", "repro")


@pytest.fixture(autouse=True)
def _quiet_switches():
    """Each test leaves the switches as it found them, and so must the code. Loading a script may have turned one."""
    others = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False
    before = switches()
    yield
    assert switches() == before
    torch.backends.cudnn.benchmark = others


@pytest.mark.parametrize("mode", MODES)
def test_every_switch_is_put_back(mode: str) -> None:
    before = switches()
    with prepared(TrainConfig(mode=mode, threads=3), image_like=True):
        assert torch.get_num_threads() == 3
    assert switches() == before


@pytest.mark.parametrize("mode", MODES)
def test_every_switch_is_put_back_after_an_error(mode: str) -> None:
    before = switches()
    with pytest.raises(ZeroDivisionError), prepared(TrainConfig(mode=mode, threads=2), image_like=True):
        set_tf32(mode != "repro")
        torch.backends.cudnn.benchmark = True
        torch.use_deterministic_algorithms(True, warn_only=True)
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":16:8"
        raise ZeroDivisionError
    assert switches() == before


def test_switches_that_the_user_had_set_come_back() -> None:
    with kept():
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.benchmark = True
        set_tf32(True)
        before = switches()
        with prepared(TrainConfig(mode="repro"), image_like=True):
            assert not torch.is_deterministic_algorithms_warn_only_enabled()
            assert not torch.backends.cudnn.benchmark
        assert switches() == before


def precisions() -> list[object]:
    """Every precision of float32 as torch reads it; None where the old switches and the new contradict each other."""
    parts = [torch.backends, torch.backends.cudnn, torch.backends.cuda.matmul, torch.backends.mkldnn.matmul]
    parts += [torch.backends.cudnn.conv, torch.backends.cudnn.rnn, torch.backends.mkldnn.conv, torch.backends.mkldnn]
    read = [part.fp32_precision for part in parts]
    return [*read, *(switches()[name] for name in (*OLD, "float32_matmul_precision"))]


OLD, CONV = ("cuda.matmul.allow_tf32", "cudnn.allow_tf32"), "cudnn.conv.fp32_precision"
CALLERS = {
    "left alone": lambda: None,
    "high": lambda: torch.set_float32_matmul_precision("high"),
    "medium": lambda: torch.set_float32_matmul_precision("medium"),
    "old switches": lambda: (set_switch(OLD[0], True), set_switch(OLD[1], False)),
    "new switches": lambda: (setattr(torch.backends, "fp32_precision", "tf32"), set_switch(CONV, "ieee")),
    "both, one against the other": lambda: (set_switch(OLD[1], True), set_switch(CONV, "ieee")),
}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("on", [True, False])
@pytest.mark.filterwarnings("ignore:.*TF32")
def test_the_precision_that_the_caller_chose_comes_back(caller: str, on: bool) -> None:
    with kept():
        CALLERS[caller]()
        before = precisions()
        with kept():
            set_tf32(on)
            assert None not in precisions()
            assert torch.get_float32_matmul_precision() == ("high" if on else "highest")
            assert torch.backends.mkldnn.matmul.fp32_precision == ("tf32" if on else "ieee")
        assert precisions() == before


def test_what_was_left_open_stays_open() -> None:
    with kept(), kept():
        set_tf32(False)
    with kept():
        # what was never chosen follows the backend, and that the whole
        torch.backends.fp32_precision = "ieee"
        assert torch.backends.cuda.matmul.fp32_precision == "ieee"
        torch.backends.fp32_precision = "tf32"
        assert torch.backends.cuda.matmul.fp32_precision == "tf32"


@pytest.mark.parametrize("on", [True, False])
def test_tf32_is_the_same_by_the_old_and_the_new_switches(on: bool) -> None:
    with prepared(TrainConfig(), image_like=True), warnings.catch_warnings():
        warnings.simplefilter("error")
        set_tf32(on)
        # what torch.compile and cudnn.flags read; torch raises an error where old and new contradict each other
        assert torch.backends.cuda.matmul.allow_tf32 is on
        assert torch.backends.cudnn.allow_tf32 is on
        assert torch.get_float32_matmul_precision() == ("high" if on else "highest")
        wanted = "tf32" if on else "ieee"
        assert torch.backends.cuda.matmul.fp32_precision == wanted
        assert torch.backends.cudnn.conv.fp32_precision == wanted
        assert torch.backends.cudnn.rnn.fp32_precision == wanted
        with torch.backends.cudnn.flags(enabled=False):
            pass


def test_repro_sets_what_it_says() -> None:
    with prepared(TrainConfig(mode="repro"), image_like=True) as found:
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.get_num_threads() == 1
        assert torch.backends.cudnn.conv.fp32_precision == "ieee"
        assert found.said[0] == "1 CPU thread."
        assert not found.fused


def test_repro_keeps_the_threads_it_is_given() -> None:
    with prepared(TrainConfig(mode="repro", threads=2), image_like=True) as found:
        assert torch.get_num_threads() == 2
        assert found.said[0] == "2 CPU threads."


def test_default_leaves_torch_alone() -> None:
    before = switches()
    with prepared(TrainConfig(device="cpu"), image_like=True) as found:
        assert switches() == before
    assert (found.fused, found.pin, found.resident) == (False, False, False)
    assert found.memory_format == torch.preserve_format


@pytest.mark.skipif(not NO_GPU, reason="what is said without a GPU")
@pytest.mark.parametrize("mode", ["speed", "repro"])
def test_without_a_gpu_it_says_what_it_would_do_on_one(mode: str) -> None:
    with prepared(TrainConfig(mode=mode), image_like=True) as found:
        assert found.device == torch.device("cpu")
    assert any(f"with one, --{mode} would" in sentence for sentence in found.said)


@pytest.mark.parametrize("bf16", [True, False])
def test_speed_on_the_cpu(bf16: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "bf16_on_cpu", lambda: bf16)
    with prepared(TrainConfig(mode="speed", device="cpu"), image_like=True) as found:
        layer = nn.Conv2d(3, 4, 3).to(memory_format=found.memory_format)
        with found.autocast():
            maps = layer(torch.randn(2, 3, 8, 8))
        assert maps.dtype == (torch.bfloat16 if bf16 else torch.float32)
        assert maps.is_contiguous(memory_format=torch.channels_last)
        assert found.fused and not found.resident and not found.fits(1)


def test_speed_leaves_vectors_in_float32() -> None:
    with prepared(TrainConfig(mode="speed", device="cpu", optimizer="adadelta"), image_like=False) as found:
        with found.autocast():
            assert nn.Linear(3, 2)(torch.randn(2, 3)).dtype == torch.float32
        assert found.memory_format == torch.preserve_format
        assert not found.fused


def test_many_input_shapes_end_the_search_for_kernels() -> None:
    with prepared(TrainConfig(), image_like=True) as found:
        torch.backends.cudnn.benchmark = True
        for size in range(FEW_SHAPES):
            assert found.saw((2, 3, size, size)) == ""
            assert found.saw((2, 3, size, size)) == ""
        assert torch.backends.cudnn.benchmark
        assert f"{FEW_SHAPES + 1} input shapes" in found.saw((1, 3, 99, 99))
        assert not torch.backends.cudnn.benchmark
        assert found.saw((1, 3, 98, 98)) == ""


@pytest.mark.skipif(not NO_GPU, reason="a device that is not there")
@pytest.mark.parametrize("name", ["cuda", "cuda:1", "tpu", "cpu:x"])
def test_a_device_that_is_not_there_is_an_error_that_says_which_are(name: str) -> None:
    with (
        pytest.raises(UsageError, match=f"there is no device {name}; there is cpu"),
        prepared(TrainConfig(device=name), image_like=True),
    ):
        pass


def test_a_process_beyond_the_gpus_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert chosen(None, 1) == torch.device("cuda", 1)
    assert chosen("cuda:0", 1) == torch.device("cuda", 0)
    assert chosen("cpu", 1) == torch.device("cpu")
    with pytest.raises(UsageError, match=r"no device cuda:2; there is cuda \(2 of them\), cpu"):
        chosen("cuda", 2)


def test_facts_name_versions_devices_and_switches() -> None:
    known = facts(torch.device("cpu"))
    assert known["torch"] == torch.__version__
    assert known["device"] == "cpu"
    assert known["threads"] == str(torch.get_num_threads())
    assert known["deterministic"] == "False"
    assert all(isinstance(value, str) for value in known.values())


def test_facts_can_be_told_beside_a_gpu_that_cudnn_no_longer_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def version() -> int:
        raise RuntimeError("cuDNN version 91100 is not compatible with devices with SM < 7.5")

    monkeypatch.setattr(torch.backends.cudnn, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cudnn, "version", version)
    assert facts(torch.device("cpu"))["cudnn"] == "none that fits the GPU"


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A GPU as far as the switches are concerned: it answers questions and computes nothing."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "device", lambda _device: nullcontext())
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (8, 0))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_options: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (1000, 2000))
    started: list[bool] = []

    def reset(device: torch.device) -> None:
        if not started:  # as torch's allocator
            raise RuntimeError(f"Invalid device argument {device.index}: did you call init?")

    monkeypatch.setattr(torch.cuda, "init", lambda: started.append(True))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", reset)
    return monkeypatch


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("mode", MODES)
def test_cuda_is_started_before_its_memory_is_counted(mode: str) -> None:
    with prepared(TrainConfig(mode=mode), image_like=True) as found:
        assert found.device == torch.device("cuda", 0)


@pytest.mark.usefixtures("gpu")
def test_speed_on_a_gpu_sets_what_it_says() -> None:
    with prepared(TrainConfig(mode="speed"), image_like=True) as found:
        assert found.device == torch.device("cuda", 0)
        assert torch.backends.cudnn.benchmark
        assert torch.backends.cuda.matmul.fp32_precision == "tf32"
        assert torch.backends.cudnn.conv.fp32_precision == "tf32"
        assert (found.fused, found.pin, found.memory_format) == (True, True, torch.channels_last)
        assert found.fits(250) and not found.fits(251)
        autocast = found.autocast()
        assert isinstance(autocast, torch.autocast)
        assert (autocast.device, autocast.fast_dtype) == ("cuda", torch.bfloat16)
    text = " ".join(found.said)
    for word in ("cudnn.benchmark", "TF32", "bfloat16 autocast", "channels last", "fused"):
        assert word in text
    assert "No CUDA GPU" not in text


def test_an_older_gpu_gets_what_it_can_have(gpu: pytest.MonkeyPatch) -> None:
    gpu.setattr(torch.cuda, "get_device_capability", lambda _device: (7, 5))
    gpu.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    before = switches()
    with prepared(TrainConfig(mode="speed"), image_like=False) as found:
        assert torch.backends.cuda.matmul.fp32_precision == before["cuda.matmul.fp32_precision"]
        assert isinstance(found.autocast(), nullcontext)
    assert "No TF32: this GPU is older than Ampere." in found.said
    assert "No autocast: this GPU has no bfloat16." in found.said


@pytest.mark.parametrize(("torch_version", "wanted"), [("2.9", ":4096:8"), ("2.10", None)])
def test_cublas_needs_its_workspace_below_torch_2_10(
    torch_version: str, wanted: str | None, gpu: pytest.MonkeyPatch
) -> None:
    gpu.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    gpu.setattr(hardware, "TORCH", Version(torch_version))
    with prepared(TrainConfig(mode="repro"), image_like=True):
        assert os.environ.get("CUBLAS_WORKSPACE_CONFIG") == wanted
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ


def test_a_workspace_that_comes_too_late_is_said(gpu: pytest.MonkeyPatch) -> None:
    gpu.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    gpu.setattr(hardware, "TORCH", Version("2.9"))
    gpu.setattr(torch.cuda, "is_initialized", lambda: True)
    with prepared(TrainConfig(mode="repro"), image_like=True) as found:
        assert any("CUDA had started before CUBLAS_WORKSPACE_CONFIG" in sentence for sentence in found.said)


@pytest.mark.parametrize(("kernel", "laid_out"), [(nn.Conv2d(2, 3, 3), True), (nn.Conv3d(2, 3, (1, 3, 3)), False)])
def test_a_network_over_volumes_stays_as_it_lies(kernel: nn.Module, laid_out: bool) -> None:
    net = nn.Sequential(nn.Conv2d(2, 2, 3), kernel)
    Hardware(torch.device("cpu"), memory_format=torch.channels_last).moved(net)
    assert net[0].weight.is_contiguous(memory_format=torch.channels_last) is laid_out
