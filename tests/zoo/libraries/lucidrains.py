"""vit-pytorch, x-transformers, perceiver, performer, reformer, conformer and denoising-diffusion in small sizes."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from entry import Entry, Inputs, called, floats, tokens
from torch import nn

DISTRIBUTIONS = (
    "vit-pytorch", "x-transformers", "perceiver-pytorch", "performer-pytorch", "reformer-pytorch", "conformer",
    "denoising-diffusion-pytorch",
)  # fmt: skip

_PLAIN = {
    "image_size": 32,
    "patch_size": 8,
    "num_classes": 5,
    "dim": 32,
    "depth": 2,
    "heads": 2,
    "mlp_dim": 48,
    "dim_head": 16,
}
_SHALLOW = {name: value for name, value in _PLAIN.items() if name not in {"image_size", "patch_size", "mlp_dim"}}
_IMAGE = floats((2, 3, 32, 32))
_WIDE = floats((1, 3, 64, 64))
_VIDEO = floats((1, 3, 4, 32, 32))
_CLIP = {
    "image_size": 32,
    "image_patch_size": 8,
    "frames": 4,
    "frame_patch_size": 2,
    "num_classes": 5,
    "dim": 48,
    "heads": 2,
    "mlp_dim": 48,
    "dim_head": 16,
}

#: module of vit_pytorch → class, what it is given beside `_PLAIN`; None takes a parameter away
_VITS: dict[str, tuple[str, dict[str, Any]]] = {
    "vit": ("ViT", {}),
    "simple_vit": ("SimpleViT", {}),
    "ats_vit": ("ViT", {"max_tokens_per_depth": (12, 8)}),
    "attn_residual_with_dca_simple_vit": ("SimpleViT", {}),
    "cait": ("CaiT", {"cls_depth": 1}),
    "deepvit": ("DeepViT", {}),
    "jet_vit": ("JetViT", {"window_size": 2}),
    "jumbo_vit": ("JumboViT", {"jumbo_cls_k": 2}),
    "learnable_memory_vit": ("ViT", {}),
    "mp3": ("ViT", {}),
    "normalized_vit": ("nViT", {}),
    "parallel_vit": ("ViT", {}),
    "pit": ("PiT", {"patch_size": 4, "depth": (1, 1)}),
    "rvt": ("RvT", {}),
    "simple_flash_attn_vit": ("SimpleViT", {}),
    "simple_uvit": ("SimpleUViT", {}),
    "simple_vit_attn_residual": ("SimpleViTAttnResidual", {}),
    "simple_vit_orthog_residual_update": ("SimpleViT", {}),
    "simple_vit_with_fft": ("SimpleViT", {"freq_patch_size": 8}),
    "simple_vit_with_hyper_connections": ("SimpleViT", {"num_residual_streams": 2}),
    "simple_vit_with_patch_dropout": ("SimpleViT", {}),
    "simple_vit_with_qk_norm": ("SimpleViT", {}),
    "simple_vit_with_register_tokens": ("SimpleViT", {}),
    "simple_vit_with_relative_proj_pos_bias": ("SimpleViT", {}),
    "simple_vit_with_sparse_gating": ("SimpleViTWithSparseGating", {}),
    "simple_vit_with_specialized_cls": ("SimpleViT", {}),
    "simple_vit_with_value_residual": ("SimpleViT", {}),
    "vit_5": ("ViT", {}),
    "vit_detpool": ("ViTDetPool", {}),
    "vit_for_small_dataset": ("ViT", {}),
    "vit_with_decorr": ("ViT", {}),
    "vit_with_keel_post_ln": ("ViT", {}),
    "vit_with_patch_dropout": ("ViT", {}),
    "vit_with_patch_merger": ("ViT", {"patch_merge_layer": 1, "patch_merge_num_tokens": 4}),
    "xcit": ("XCiT", {"cls_depth": 1}),
    "nest": ("NesT", {"depth": None, "mlp_dim": None, "num_hierarchies": 2, "block_repeats": (1, 1)}),
    "looped_vit": (
        "LoopedViT",
        {"depth": None, "pre_loop_depth": 1, "num_looped_blocks": 1, "post_loop_depth": 1, "loop_depth": 2},
    ),
}
_OTHERS: dict[str, tuple[str, dict[str, Any], Callable[[nn.Module], Inputs]]] = {
    "cct": (
        "CCT",
        {"img_size": 32, "embedding_dim": 32, "num_layers": 2, "num_heads": 2, "mlp_ratio": 2.0, "num_classes": 5},
        _IMAGE,
    ),
    "cct_3d": (
        "CCT",
        {"img_size": 32, "num_frames": 4, "embedding_dim": 32, "num_layers": 2, "num_heads": 2, "num_classes": 5},
        _VIDEO,
    ),
    "cross_vit": (
        "CrossViT",
        {
            "image_size": 32,
            "num_classes": 5,
            "sm_dim": 16,
            "lg_dim": 32,
            "sm_patch_size": 4,
            "lg_patch_size": 8,
            "sm_enc_mlp_dim": 32,
            "lg_enc_mlp_dim": 32,
            "lg_enc_depth": 1,
            "depth": 1,
        },
        _IMAGE,
    ),
    "crossformer": (
        "CrossFormer",
        {
            "dim": (32, 32, 64, 64),
            "depth": (1, 1, 1, 1),
            "global_window_size": (4, 2, 2, 1),
            "local_window_size": 2,
            "num_classes": 5,
        },
        _WIDE,
    ),
    "cvt": (
        "CvT",
        {"num_classes": 5, "s1_emb_dim": 8, "s2_emb_dim": 16, "s3_emb_dim": 32, "s2_depth": 1, "s3_depth": 1},
        _WIDE,
    ),
    "t2t": ("T2TViT", {"image_size": 64, "num_classes": 5, "dim": 32, "depth": 1, "heads": 2, "mlp_dim": 32}, _WIDE),
    "levit": (
        "LeViT",
        {"image_size": 64, "num_classes": 5, "stages": 2, "dim": (16, 32), "depth": 1, "heads": (2, 2), "mlp_mult": 2},
        _WIDE,
    ),
    "look_vit": (
        "LookViT",
        {
            "dim": 32,
            "image_size": 48,
            "num_classes": 5,
            "depth": 1,
            "patch_size": 12,
            "highres_patch_size": 8,
            "heads": 2,
        },
        floats((1, 3, 48, 48)),
    ),
    "wwt": ("WWT", _PLAIN | {"num_slots": 4}, _IMAGE),
    "max_vit": (
        "MaxViT",
        {"num_classes": 5, "dim_conv_stem": 8, "dim": 16, "dim_head": 8, "depth": (1, 1), "window_size": 4},
        _WIDE,
    ),
    "max_vit_with_registers": (
        "MaxViT",
        {"num_classes": 5, "dim_conv_stem": 8, "dim": 16, "dim_head": 8, "depth": (1, 1), "window_size": 4},
        _WIDE,
    ),
    "mobile_vit": (
        "MobileViT",
        {
            "image_size": (64, 64),
            "dims": [16, 24, 32],
            "channels": [4, 8, 8, 8, 16, 16, 16, 16, 24, 24, 32],
            "num_classes": 5,
            "depths": (1, 1, 1),
        },
        _WIDE,
    ),
    "na_vit": (
        "NaViT",
        _PLAIN,
        called(lambda: ([[torch.randn(3, 32, 16), torch.randn(3, 16, 16)], [torch.randn(3, 16, 32)]],)),
    ),
    "na_vit_nested_tensor": ("NaViT", _PLAIN, called(lambda: ([torch.randn(3, 32, 16), torch.randn(3, 16, 16)],))),
    "regionvit": (
        "RegionViT",
        {"dim": (8, 16, 32, 64), "depth": (1, 1, 1, 1), "window_size": 2, "num_classes": 5},
        _WIDE,
    ),
    "scalable_vit": (
        "ScalableViT",
        {
            "num_classes": 5,
            "dim": 16,
            "heads": (1, 2, 2, 2),
            "depth": (1, 1, 1, 1),
            "reduction_factor": (4, 2, 2, 1),
            "window_size": (4, 2, None, None),
        },
        _WIDE,
    ),
    "sep_vit": (
        "SepViT",
        {"num_classes": 5, "dim": 16, "dim_head": 8, "heads": (1, 2), "depth": (1, 1)},
        floats((1, 3, 56, 56)),
    ),
    "simple_flash_attn_vit_3d": ("SimpleViT", {**_CLIP, "depth": 2}, _VIDEO),
    "simple_vit_1d": ("SimpleViT", {**_SHALLOW, "seq_len": 64, "patch_size": 8, "mlp_dim": 48}, floats((2, 3, 64))),
    "simple_vit_3d": ("SimpleViT", {**_CLIP, "depth": 2}, _VIDEO),
    "twins_svt": (
        "TwinsSVT",
        {
            "num_classes": 5,
            **{
                f"s{stage}_{name}": value
                for stage in range(1, 5)
                for name, value in (("emb_dim", 8 * stage), ("local_patch_size", 1), ("global_k", 1), ("depth", 1))
            },
        },
        _WIDE,
    ),
    "vaat": (
        "AST",
        {"dim": 32, "depth": 2, "mlp_dim": 48, "num_classes": 5, "heads": 2, "patch_size": 16},
        floats((2, 4096)),
    ),
    "vat_siglip": (
        "SigLIP",
        {"image_size": 28, "dim": 32, "depth": 2, "heads": 2, "mlp_dim": 48},
        floats((2, 3, 28, 28)),
    ),
    "vit_1d": ("ViT", {**_SHALLOW, "seq_len": 64, "patch_size": 8, "mlp_dim": 48}, floats((2, 3, 64))),
    "vit_3d": ("ViT", {**_CLIP, "depth": 2}, _VIDEO),
    "vit_nd": (
        "ViTND",
        {**_SHALLOW, "ndim": 3, "input_shape": (4, 16, 16), "patch_size": (2, 8, 8), "mlp_dim": 48},
        floats((1, 3, 4, 16, 16)),
    ),
    "vit_nd_rotary": (
        "ViTND",
        {**_SHALLOW, "ndim": 2, "input_shape": (16, 16), "patch_size": 8, "mlp_dim": 48},
        floats((1, 3, 16, 16)),
    ),
    "vit_nd_pope": (
        "ViTND",
        {**_SHALLOW, "ndim": 2, "input_shape": (16, 16), "patch_size": 8, "mlp_dim": 48},
        floats((1, 3, 16, 16)),
    ),
    "vivit": ("ViViT", {**_CLIP, "spatial_depth": 1, "temporal_depth": 1}, _VIDEO),
    "vivit_with_moss": ("ViViT", {**_CLIP, "spatial_depth": 1, "temporal_depth": 1}, _VIDEO),
}


def entries() -> Iterator[Entry]:
    """Every vision transformer of vit-pytorch that is a network by itself, and the sibling libraries."""
    import vit_pytorch  # noqa: F401

    for module, (name, more) in _VITS.items():
        options = {key: value for key, value in (_PLAIN | more).items() if value is not None}
        yield Entry(f"vit_pytorch.{module}", _maker(module, name, options), _IMAGE)
    for module, (name, options, inputs) in _OTHERS.items():
        yield Entry(f"vit_pytorch.{module}", _maker(module, name, options), inputs)
    yield from _x_transformers()
    yield from _siblings()
    yield from _diffusion()


def _maker(module: str, name: str, options: dict[str, Any]) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        network: nn.Module = getattr(importlib.import_module(f"vit_pytorch.{module}"), name)(**options)
        return network

    return build


def _x_transformers() -> Iterator[Entry]:
    from x_transformers import (
        ContinuousTransformerWrapper,
        Decoder,
        Encoder,
        TransformerWrapper,
        ViTransformerWrapper,
        XTransformer,
    )

    size = {"dim": 32, "depth": 2, "heads": 2, "attn_dim_head": 16}
    styles: dict[str, dict[str, Any]] = {
        "decoder": {},
        "rotary": {"rotary_pos_emb": True},
        "alibi": {"alibi_pos_bias": True, "alibi_num_heads": 2},
        "t5_bias": {"rel_pos_bias": True},
        "rmsnorm_swiglu": {"use_rmsnorm": True, "ff_glu": True, "ff_swish": True},
        "sandwich": {"sandwich_norm": True},
        "macaron": {"macaron": True},
        "gate_residual": {"gate_residual": True},
        "multi_query": {"attn_one_kv_head": True},
        "qk_norm": {"attn_qk_norm": True},
        "talking_heads": {"attn_pre_talking_heads": True},
        "memory": {"attn_num_mem_kv": 4},
        "shift_tokens": {"shift_tokens": 1},
        "hyper_connections": {"num_residual_streams": 2},
    }
    ids = called(lambda: (tokens(2, 16),))
    for name, style in styles.items():
        yield Entry(
            f"x_transformers.{name}",
            lambda style=style: TransformerWrapper(num_tokens=64, max_seq_len=32, attn_layers=Decoder(**size, **style)),
            ids,
        )
    yield Entry(
        "x_transformers.encoder",
        lambda: TransformerWrapper(num_tokens=64, max_seq_len=32, attn_layers=Encoder(**size)),
        ids,
    )
    yield Entry(
        "x_transformers.image",
        lambda: ViTransformerWrapper(image_size=32, patch_size=8, num_classes=5, attn_layers=Encoder(**size)),
        _IMAGE,
    )
    yield Entry(
        "x_transformers.continuous",
        lambda: ContinuousTransformerWrapper(dim_in=8, dim_out=4, max_seq_len=32, attn_layers=Encoder(**size)),
        floats((2, 16, 8)),
    )
    yield Entry(
        "x_transformers.encoder_decoder",
        lambda: XTransformer(
            dim=32,
            enc_num_tokens=64,
            enc_depth=1,
            enc_heads=2,
            enc_max_seq_len=32,
            dec_num_tokens=64,
            dec_depth=1,
            dec_heads=2,
            dec_max_seq_len=32,
        ),
        called(lambda: (tokens(2, 16), tokens(2, 12))),
    )


def _siblings() -> Iterator[Entry]:
    from conformer import Conformer
    from perceiver_pytorch import Perceiver, PerceiverIO, PerceiverLM
    from performer_pytorch import Performer, PerformerLM
    from reformer_pytorch import Reformer, ReformerLM

    latents = {"num_latents": 8, "latent_dim": 16, "latent_heads": 2, "cross_dim_head": 8, "latent_dim_head": 8}
    ids = called(lambda: (tokens(2, 32),))
    yield Entry(
        "perceiver",
        lambda: Perceiver(num_freq_bands=4, max_freq=8.0, depth=2, num_classes=5, **latents),
        floats((2, 16, 16, 3)),
    )
    yield Entry(
        "perceiver_shared",
        lambda: Perceiver(num_freq_bands=4, max_freq=8.0, depth=3, weight_tie_layers=True, **latents),
        floats((2, 16, 16, 3)),
    )
    yield Entry(
        "perceiver_io",
        lambda: PerceiverIO(depth=2, dim=8, queries_dim=16, logits_dim=5, **latents),
        called(lambda: (torch.randn(2, 20, 8),), queries=lambda: torch.randn(6, 16)),
    )
    yield Entry("perceiver_lm", lambda: PerceiverLM(num_tokens=64, dim=16, max_seq_len=32, depth=2, **latents), ids)
    yield Entry("performer", lambda: Performer(dim=32, depth=2, heads=2, dim_head=16), floats((2, 32, 32)))
    yield Entry(
        "performer_lm", lambda: PerformerLM(num_tokens=64, max_seq_len=64, dim=32, depth=2, heads=2, dim_head=16), ids
    )
    yield Entry(
        "performer_reversible",
        lambda: PerformerLM(num_tokens=64, max_seq_len=64, dim=32, depth=2, heads=2, dim_head=16, reversible=True),
        ids,
    )
    yield Entry(
        "reformer",
        lambda: Reformer(dim=32, depth=2, heads=2, bucket_size=8, n_hashes=2, ff_chunks=2),
        floats((2, 32, 32)),
    )
    yield Entry(
        "reformer_lm",
        lambda: ReformerLM(
            num_tokens=64,
            dim=32,
            depth=2,
            max_seq_len=64,
            heads=2,
            dim_head=16,
            bucket_size=8,
            n_hashes=2,
            causal=True,
            ff_chunks=2,
        ),
        ids,
    )
    yield Entry(
        "conformer", lambda: Conformer(dim=32, depth=2, dim_head=16, heads=2, conv_kernel_size=7), floats((2, 24, 32))
    )


def _diffusion() -> Iterator[Entry]:
    from denoising_diffusion_pytorch import GaussianDiffusion, GaussianDiffusion1D, KarrasUnet, Unet, Unet1D
    from denoising_diffusion_pytorch.simple_diffusion import UViT

    def at_times(*shape: int) -> Callable[[nn.Module], Inputs]:
        return called(lambda: (torch.randn(shape), torch.rand(shape[0])))

    yield Entry("ddpm.unet", lambda: Unet(dim=8, dim_mults=(1, 2)), at_times(2, 3, 16, 16))
    yield Entry(
        "ddpm.unet_flash",
        lambda: Unet(dim=8, dim_mults=(1, 2), flash_attn=True, learned_sinusoidal_cond=True),
        at_times(2, 3, 16, 16),
    )
    yield Entry("ddpm.unet_1d", lambda: Unet1D(dim=8, dim_mults=(1, 2), channels=4), at_times(2, 4, 32))
    yield Entry(
        "ddpm.karras",
        lambda: KarrasUnet(
            image_size=16, dim=8, dim_max=16, num_downsamples=1, num_blocks_per_stage=1, attn_res=(8,), attn_dim_head=8
        ),
        at_times(2, 4, 16, 16),
    )
    yield Entry(
        "ddpm.uvit",
        lambda: UViT(dim=8, dim_mults=(1, 2), vit_depth=1, attn_dim_head=8, attn_heads=2),
        at_times(2, 3, 32, 32),
    )
    yield Entry(
        "ddpm.loss",
        lambda: GaussianDiffusion(Unet(dim=8, dim_mults=(1, 2)), image_size=16, timesteps=20),
        floats((2, 3, 16, 16)),
    )
    yield Entry(
        "ddpm.loss_1d",
        lambda: GaussianDiffusion1D(Unet1D(dim=8, dim_mults=(1, 2), channels=4), seq_length=32, timesteps=20),
        floats((2, 4, 32)),
    )
