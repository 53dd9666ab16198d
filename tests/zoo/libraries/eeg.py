"""Braindecode: networks over electroencephalograms."""

from __future__ import annotations

from collections.abc import Iterator

from entry import Entry, floats

DISTRIBUTIONS = ("braindecode",)

_EEG = """
    ATCNet Deep4Net EEGConformer EEGITNet EEGInceptionERP EEGInceptionMI EEGNet EEGNetv4 EEGResNet EEGSimpleConv
    ShallowFBCSPNet TIDNet BDTCN SleepStagerBlanco2020 SleepStagerChambon2018 HybridNet FBCNet
    FBLightConvNet FBMSNet IFNet EEGTCNet TSception EEGNeX EEGMiner CTNet SPARCNet SincShallowNet SCCNet MSVTNet
    AttentionBaseNet BIOT DeepSleepNet ContraWR SyncNet
"""


def entries() -> Iterator[Entry]:
    """Every network over 22 channels of four seconds at 250 Hz."""
    from braindecode import models

    for name in _EEG.split():
        if hasattr(models, name):
            yield Entry(
                f"braindecode.{name}",
                lambda name=name: getattr(models, name)(n_chans=22, n_outputs=4, n_times=1000, sfreq=250),
                floats((2, 22, 1000)),
            )
