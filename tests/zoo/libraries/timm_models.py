"""timm: one small model of every source file."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from entry import Entry, Inputs
from torch import nn

DISTRIBUTIONS = ("timm",)

_NAMES = """
    test_vit gernet_s test_byobnet beit_base_patch16_224 lambda_resnet26t caformer_s18 poolformer_s12
    test_maxvit cait_xxs24_224 coat_lite_tiny convit_tiny convmixer_768_32 convnext_atto cpubone_b0
    crossvit_9_240 darknet17 cspresnet50 csatv2 cspnext_tiny davit_tiny deit_tiny_distilled_patch16_224
    densenet121 dla34 nfnet_f0 test_nfnet dpn48b vovnet39a test_resnet resnet18 seresnet18 edgenext_xx_small
    efficientformer_l1 efficientformerv2_s0 test_efficientnet mixnet_s tf_efficientnet_lite0 efficientvim_m1
    efficientvit_b0 efficientvit_m0 eva02_tiny_patch14_224 fasternet_t0 fastvit_t8 mobilenetv3_small_050
    lcnet_035 focalnet_tiny_srf gcvit_xxtiny ghostnet_050 gmlp_ti16_224 mixer_s32_224 resmlp_12_224
    hardcorenas_a hgnetv2_b0 hiera_tiny_224 hieradet_small hrnet_w18_small inception_next_atto
    inception_resnet_v2 inception_v3 inception_v4 lcnetv2_base legacy_seresnet18 legacy_xception levit_128s
    lowformer_b0 mambaout_femto mobilevit_xxs mobilevitv2_050 mvitv2_tiny naflexvit_base_patch16_gap
    nasnetalarge nest_tiny nextvit_small pit_ti_224 pnasnet5large pvt_v2_b0 rdnet_tiny regnetx_002 regnety_002
    repghostnet_050 repvgg_a0 repvit_m0_9 res2net50_26w_4s resnest14d resnetv2_18 rexnet_100
    samvit_base_patch16_224 selecsls42 sequencer2d_s shvit_s1 skresnet18 starnet_s1 swiftformer_xs
    swin_tiny_patch4_window7_224 swinv2_tiny_window8_256 swinv2_cr_tiny_ns_224 test_vit_relpos tiny_vit_5m_224
    tnt_s_legacy_patch16_224 tresnet_m twins_svt_small vgg11 visformer_tiny vit_tiny_r_s16_p8_224
    vitamin_small_224 volo_d1_224 xception41 xcit_nano_12_p16_224 iformer_t mobilenetv5_300m
"""


def entries() -> Iterator[Entry]:
    """Networks with the size they are made for, or 64 pixels where any size goes."""
    import timm

    known = set(timm.list_models())
    for name in _NAMES.split():
        if name in known:
            yield Entry(name, lambda name=name: _build(name), _image)


def _build(name: str) -> nn.Module:
    import timm

    model: nn.Module = timm.create_model(name, pretrained=False)
    return model


def _image(model: nn.Module) -> Inputs:
    facts = model.default_cfg
    size = facts["input_size"][1:]
    if not facts.get("fixed_input_size") and not any(
        word in type(model).__name__ for word in ("Transformer", "Former", "ViT")
    ):
        size = (96, 96)
    return (torch.randn(2 if size[0] < 100 else 1, 3, *size),), {}
