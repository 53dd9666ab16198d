"""Segmentation Models, OpenCLIP, spandrel (super-resolution), kornia, PyTorchVideo and efficientnet-pytorch."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from entry import Entry, called, floats
from torch import nn

DISTRIBUTIONS = (
    "segmentation_models_pytorch", "open_clip_torch", "spandrel", "kornia", "pytorchvideo", "efficientnet_pytorch",
)  # fmt: skip

#: architecture of spandrel → module, class, constructor arguments, side of the image
_SPANDREL: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "ATD": (
        "atd_arch",
        "ATD",
        {
            "embed_dim": 24,
            "depths": (1, 1),
            "num_heads": (2, 2),
            "window_size": 8,
            "category_size": 64,
            "num_tokens": 8,
            "upscale": 2,
            "upsampler": "pixelshuffledirect",
        },
        16,
    ),
    "CRAFT": ("CRAFT", "CRAFT", {"embed_dim": 24, "depths": [1, 1], "num_heads": [2, 2], "upscale": 2}, 32),
    "Compact": ("SRVGG", "SRVGGNetCompact", {"num_feat": 16, "num_conv": 4}, 24),
    "DAT": (
        "DAT",
        "DAT",
        {"embed_dim": 24, "depth": [1, 1], "num_heads": [2, 2], "split_size": [2, 4], "img_size": 16},
        16,
    ),
    "DCTLSA": ("dctlsa", "DCTLSA", {}, 24),
    "DITN": (
        "DITN_Real",
        "DITN_Real",
        {"dim": 12, "ITL_blocks": 1, "SAL_blocks": 1, "UFONE_blocks": 1, "patch_size": 8},
        16,
    ),
    "DRCT": (
        "drct_arch",
        "DRCT",
        {
            "embed_dim": 24,
            "depths": (1, 1),
            "num_heads": (2, 2),
            "window_size": 8,
            "gc": 8,
            "upscale": 2,
            "upsampler": "pixelshuffle",
        },
        16,
    ),
    "DRUNet": ("network_unet", "DRUNet", {"in_nc": 3, "out_nc": 3, "nc": [8, 8, 16, 16], "nb": 1}, 32),
    "DnCNN": ("network_dncnn", "DnCNN", {"in_nc": 3, "out_nc": 3, "nc": 8, "nb": 4}, 16),
    "ESRGAN": ("RRDB", "RRDBNet", {"num_filters": 16, "num_blocks": 2}, 16),
    "FDAT": (
        "fdat",
        "FDAT",
        {"embed_dim": 24, "num_groups": 1, "depth_per_group": 1, "num_heads": 2, "window_size": 8},
        16,
    ),
    "HAT": (
        "HAT",
        "HAT",
        {
            "embed_dim": 24,
            "depths": (1, 1),
            "num_heads": (2, 2),
            "window_size": 8,
            "compress_ratio": 3,
            "squeeze_factor": 6,
            "upscale": 2,
            "upsampler": "pixelshuffle",
        },
        16,
    ),
    "KBNet": (
        "kbnet_s",
        "KBNet_s",
        {"width": 8, "middle_blk_num": 1, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]},
        16,
    ),
    "MoSR": ("mosr_arch", "MoSR", {"dim": 16, "n_block": 2}, 16),
    "NAFNet": (
        "NAFNet_arch",
        "NAFNet",
        {"width": 8, "middle_blk_num": 1, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]},
        16,
    ),
    "OmniSR": ("OmniSR", "OmniSR", {"num_feat": 16, "res_num": 1, "block_num": 1, "up_scale": 2}, 16),
    "PLKSR": ("PLKSR", "PLKSR", {"dim": 16, "n_blocks": 2}, 16),
    "RealPLKSR": ("RealPLKSR", "RealPLKSR", {"dim": 16, "n_blocks": 2}, 16),
    "RCAN": ("rcan_arch", "RCAN", {"n_resgroups": 1, "n_resblocks": 1, "n_feats": 16, "reduction": 4}, 16),
    "RGT": (
        "rgt",
        "RGT",
        {"embed_dim": 24, "depth": [2, 2], "num_heads": [2, 2], "img_size": 16, "split_size": [8, 8], "c_ratio": 0.5},
        16,
    ),
    "RealCUGAN": ("upcunet_v3", "UpCunet2x", {}, 32),
    "RetinexFormer": ("retinexformer_arch", "RetinexFormer", {"n_feat": 8, "stage": 1, "num_blocks": [1, 1, 1]}, 16),
    "SAFMN": ("safmn", "SAFMN", {"dim": 12, "n_blocks": 2}, 16),
    "SCUNet": ("SCUNet", "SCUNet", {"config": [1] * 7, "dim": 64}, 64),
    "SPAN": ("span", "SPAN", {"feature_channels": 8, "upscale": 2, "num_in_ch": 3, "num_out_ch": 3}, 16),
    "SeemoRe": ("seemore_arch", "SeemoRe", {"embedding_dim": 16, "num_layers": 1}, 16),
    "SwiftSRGAN": ("SwiftSRGAN", "Generator", {"num_channels": 16, "num_blocks": 2}, 16),
    "Swin2SR": (
        "Swin2SR",
        "Swin2SR",
        {
            "embed_dim": 24,
            "depths": [1, 1],
            "num_heads": [2, 2],
            "window_size": 8,
            "upscale": 2,
            "upsampler": "pixelshuffle",
        },
        16,
    ),
    "SwinIR": (
        "SwinIR",
        "SwinIR",
        {
            "embed_dim": 24,
            "depths": [1, 1],
            "num_heads": [2, 2],
            "window_size": 8,
            "upscale": 2,
            "upsampler": "pixelshuffle",
        },
        16,
    ),
    "Uformer": ("Uformer", "Uformer", {"img_size": 128, "embed_dim": 8, "depths": [1] * 9, "win_size": 8}, 128),
}


def entries() -> Iterator[Entry]:
    """One small network of every architecture."""
    yield from _segmentation()
    yield from _clips()
    for name, (module, cls, options, side) in _SPANDREL.items():
        yield Entry(
            f"spandrel.{name}",
            _maker(
                f"spandrel.architectures.{name.removeprefix('Real') if name == 'RealPLKSR' else name}.__arch.{module}",
                cls,
                options,
            ),
            floats((1, 3, side, side)),
        )
    yield from _kornia()
    yield from _video()
    yield Entry("efficientnet_pytorch", _efficientnet, floats((2, 3, 64, 64)))


def _maker(module: str, cls: str, options: dict[str, Any]) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        network: nn.Module = getattr(importlib.import_module(module), cls)(**options)
        return network

    return build


def _segmentation() -> Iterator[Entry]:
    import segmentation_models_pytorch as smp

    for name in (
        "Unet",
        "UnetPlusPlus",
        "MAnet",
        "Linknet",
        "FPN",
        "PSPNet",
        "PAN",
        "DeepLabV3",
        "DeepLabV3Plus",
        "UPerNet",
        "Segformer",
    ):
        side = 128 if name == "PAN" else 64
        yield Entry(
            f"smp.{name}",
            lambda name=name: getattr(smp, name)("resnet18", encoder_weights=None, classes=3),
            floats((2, 3, side, side)),
        )
    for encoder in (
        "mobilenet_v2",
        "efficientnet-b0",
        "timm-regnetx_002",
        "mit_b0",
        "vgg11_bn",
        "densenet121",
        "mobileone_s0",
        "dpn68",
    ):
        yield Entry(
            f"smp.Unet.{encoder}",
            lambda encoder=encoder: smp.Unet(encoder, encoder_weights=None),
            floats((2, 3, 64, 64)),
        )
    yield Entry(
        "smp.Unet.attention",
        lambda: smp.Unet("resnet18", encoder_weights=None, decoder_attention_type="scse", aux_params={"classes": 2}),
        floats((2, 3, 64, 64)),
    )


def _clips() -> Iterator[Entry]:
    import open_clip

    text = {"context_length": 12, "vocab_size": 64, "width": 32, "heads": 2, "layers": 2}
    towers: dict[str, dict[str, Any]] = {
        "vit": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 2, "head_width": 16},
        "vit_attentional_pool": {
            "image_size": 32,
            "patch_size": 8,
            "width": 32,
            "layers": 2,
            "head_width": 16,
            "attentional_pool": True,
            "attn_pooler_heads": 2,
            "attn_pooler_queries": 8,
        },
        "resnet": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "head_width": 16},
        "timm": {
            "timm_model_name": "convnext_atto",
            "timm_model_pretrained": False,
            "timm_pool": "avg",
            "timm_proj": "linear",
            "image_size": 64,
        },
    }
    both = called(lambda: (), image=lambda: torch.randn(2, 3, 64, 64), text=lambda: torch.randint(1, 64, (2, 12)))
    small = called(lambda: (), image=lambda: torch.randn(2, 3, 32, 32), text=lambda: torch.randint(1, 64, (2, 12)))
    for name, tower in towers.items():
        inputs = small if tower["image_size"] == 32 else both
        yield Entry(f"open_clip.{name}", lambda tower=tower: open_clip.model.CLIP(16, tower, text), inputs)
    yield Entry("open_clip.quick_gelu", lambda: open_clip.model.CLIP(16, towers["vit"], text, quick_gelu=True), small)
    yield Entry("open_clip.custom_text", lambda: open_clip.model.CustomTextCLIP(16, towers["vit"], text), small)
    yield Entry(
        "open_clip.coca",
        lambda: open_clip.coca_model.CoCa(
            32,
            {"context_length": 12, "vocab_size": 64, "width": 32, "heads": 2, "layers": 2},
            text | {"embed_cls": True, "output_tokens": True},
            towers["vit_attentional_pool"] | {"output_tokens": True},
        ),
        small,
    )


def _kornia() -> Iterator[Entry]:
    from kornia import feature

    patches = floats((3, 1, 32, 32))
    for name in ("HardNet", "HyNet", "SOSNet", "TFeat"):
        yield Entry(f"kornia.{name}", lambda name=name: getattr(feature, name)(pretrained=False), patches)
    yield Entry(
        "kornia.MKDDescriptor", lambda: feature.MKDDescriptor(patch_size=32, whitening=None), floats((2, 1, 32, 32))
    )
    yield Entry("kornia.SIFTDescriptor", lambda: feature.SIFTDescriptor(32), patches)
    yield Entry("kornia.OriNet", lambda: feature.OriNet(pretrained=False), patches)
    yield Entry(
        "kornia.LAFAffNetShapeEstimator",
        lambda: feature.LAFAffNetShapeEstimator(pretrained=False).features,
        patches,
    )
    yield Entry("kornia.KeyNet", lambda: feature.KeyNet(pretrained=False), floats((1, 1, 48, 48)))
    yield Entry("kornia.DISK", feature.DISK, called(lambda: (torch.rand(1, 3, 64, 64),)))
    yield Entry(
        "kornia.XFeat",
        lambda: importlib.import_module("kornia.feature.xfeat").XFeatModel(),
        floats((1, 3, 64, 64)),
    )
    yield Entry("kornia.ScaleSpace", feature.BlobHessian, floats((1, 1, 32, 32)))
    yield Entry(
        "kornia.LoFTR",
        lambda: feature.LoFTR(pretrained=None),
        called(lambda: ({"image0": torch.rand(1, 1, 64, 64), "image1": torch.rand(1, 1, 64, 64)},)),
    )
    yield Entry(
        "kornia.VisionTransformer",
        lambda: importlib.import_module("kornia.models.vit").VisionTransformer(
            image_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=2
        ),
        floats((2, 3, 32, 32)),
    )
    yield Entry(
        "kornia.MobileViT",
        lambda: importlib.import_module("kornia.models.vit_mobile").MobileViT(mode="xxs"),
        floats((1, 3, 256, 256)),
    )
    yield Entry(
        "kornia.TinyViT",
        lambda: importlib.import_module("kornia.models.tiny_vit").TinyViT(
            img_size=64,
            embed_dims=(8, 16, 24, 32),
            depths=(1, 1, 1, 1),
            num_heads=(1, 2, 2, 2),
            window_sizes=(4, 4, 4, 2),
        ),
        floats((1, 3, 64, 64)),
    )
    yield Entry(
        "kornia.EfficientViT",
        importlib.import_module("kornia.models.efficient_vit").backbone.efficientvit_backbone_b0,
        floats((1, 3, 64, 64)),
    )
    yield Entry(
        "kornia.DexiNed",
        lambda: importlib.import_module("kornia.models.dexined").DexiNed(pretrained=False),
        floats((1, 3, 64, 64)),
    )
    yield Entry(
        "kornia.RRDBNet",
        lambda: importlib.import_module("kornia.models.rrdbnet").RRDBNet(
            num_in_ch=3, num_out_ch=3, scale=2, num_feat=8, num_block=1
        ),
        floats((1, 3, 16, 16)),
    )


def _video() -> Iterator[Entry]:
    from pytorchvideo.models import (
        create_csn,
        create_multiscale_vision_transformers,
        create_resnet,
        create_slowfast,
        r2plus1d,
        x3d,
    )

    yield Entry(
        "pytorchvideo.slow",
        lambda: create_resnet(model_depth=50, model_num_class=5, stem_dim_out=8, head_pool_kernel_size=(4, 2, 2)),
        floats((1, 3, 4, 64, 64)),
    )
    yield Entry(
        "pytorchvideo.csn",
        lambda: create_csn(model_depth=50, model_num_class=5, stem_dim_out=8, head_pool_kernel_size=(1, 2, 2)),
        floats((1, 3, 8, 64, 64)),
    )
    yield Entry(
        "pytorchvideo.r2plus1d",
        lambda: r2plus1d.create_r2plus1d(model_num_class=5, stem_dim_out=8, head_pool_kernel_size=(1, 2, 2)),
        floats((1, 3, 8, 64, 64)),
    )
    yield Entry(
        "pytorchvideo.x3d",
        lambda: x3d.create_x3d(input_clip_length=4, input_crop_size=64, model_num_class=5),
        floats((1, 3, 4, 64, 64)),
    )
    yield Entry(
        "pytorchvideo.slowfast",
        lambda: create_slowfast(
            model_num_class=5,
            slowfast_channel_reduction_ratio=(4,),
            head_pool_kernel_sizes=((4, 2, 2), (16, 2, 2)),
            stem_dim_outs=(16, 4),
        ),
        called(lambda: ([torch.randn(1, 3, 4, 64, 64), torch.randn(1, 3, 16, 64, 64)],)),
    )
    yield Entry(
        "pytorchvideo.mvit",
        lambda: create_multiscale_vision_transformers(
            spatial_size=32,
            temporal_size=4,
            depth=2,
            patch_embed_dim=16,
            num_heads=1,
            head_num_classes=5,
            embed_dim_mul=[[1, 2.0]],
            atten_head_mul=[[1, 2.0]],
            pool_q_stride_size=[[1, 1, 2, 2]],
            pool_kv_stride_adaptive=[1, 2, 2],
            pool_kvq_kernel=[3, 3, 3],
        ),
        floats((1, 3, 4, 32, 32)),
    )


def _efficientnet() -> nn.Module:
    from efficientnet_pytorch import EfficientNet

    network: nn.Module = EfficientNet.from_name("efficientnet-b0", num_classes=5)
    return network
