"""diffusers: denoising U-Nets, diffusion transformers, autoencoders and control networks, in small configurations."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from entry import Entry, Inputs, named
from torch import nn

DISTRIBUTIONS = ("diffusers",)

_UNET = {
    "block_out_channels": (8, 16),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "sample_size": 16,
}
_DOWN = ("DownBlock2D", "CrossAttnDownBlock2D")
_UP = ("CrossAttnUpBlock2D", "UpBlock2D")


def _noise(
    *shape: int, context: tuple[int, ...] | None = None, **more: Callable[[], Any]
) -> Callable[[nn.Module], Inputs]:
    makers: dict[str, Callable[[], Any]] = {
        "sample": lambda: torch.randn(shape),
        "timestep": lambda: torch.tensor([10] * shape[0]),
    }
    if context:
        makers["encoder_hidden_states"] = lambda: torch.randn(context)
    return named(makers | more)


def _tokens(
    *shape: int, context: tuple[int, ...], time: float = 0.5, **more: Callable[[], Any]
) -> Callable[[nn.Module], Inputs]:
    makers: dict[str, Callable[[], Any]] = {
        "hidden_states": lambda: torch.randn(shape),
        "encoder_hidden_states": lambda: torch.randn(context),
        "timestep": lambda: torch.full((shape[0],), time),
    }
    return named(makers | more)


def _long(inputs: Callable[[nn.Module], Inputs], time: int = 5) -> Callable[[nn.Module], Inputs]:
    def make(model: nn.Module) -> Inputs:
        args, kwargs = inputs(model)
        return args, kwargs | {"timestep": torch.full_like(kwargs["timestep"], time, dtype=torch.long)}

    return make


def _image(*shape: int) -> Callable[[nn.Module], Inputs]:
    return named({"sample": lambda: torch.randn(shape)})


def entries() -> Iterator[Entry]:
    """Configurations written after the constructors' parameters; two layers, widths of 8 to 64."""
    import diffusers as d

    for part in ("unets", "transformers", "autoencoders", "controlnets"):  # here once, not in every process
        importlib.import_module(f"diffusers.models.{part}")

    makers: dict[str, tuple[Callable[[], nn.Module], Callable[[nn.Module], Inputs]]] = {
        "UNet2DModel": (
            lambda: d.UNet2DModel(
                **_UNET,
                down_block_types=("DownBlock2D", "AttnDownBlock2D"),
                up_block_types=("AttnUpBlock2D", "UpBlock2D"),
                attention_head_dim=4,
            ),
            _noise(2, 3, 16, 16),
        ),
        "UNet1DModel": (
            lambda: d.UNet1DModel(
                block_out_channels=(32, 32, 64),
                in_channels=4,
                out_channels=4,
                sample_size=16,
                extra_in_channels=0,
                down_block_types=("DownBlock1D", "DownBlock1D", "AttnDownBlock1D"),
                up_block_types=("AttnUpBlock1D", "UpBlock1D", "UpBlock1D"),
                time_embedding_type="positional",
                use_timestep_embedding=True,
                act_fn="silu",
                downsample_each_block=True,
            ),
            _noise(2, 4, 64),
        ),
        "UNet2DConditionModel": (
            lambda: d.UNet2DConditionModel(
                **_UNET, down_block_types=_DOWN, up_block_types=_UP, cross_attention_dim=8, attention_head_dim=2
            ),
            _noise(2, 4, 16, 16, context=(2, 7, 8)),
        ),
        "UNet3DConditionModel": (
            lambda: d.UNet3DConditionModel(
                **_UNET,
                down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"),
                up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"),
                cross_attention_dim=8,
                attention_head_dim=4,
            ),
            _noise(1, 4, 4, 16, 16, context=(1, 7, 8)),
        ),
        "UNetSpatioTemporalConditionModel": (
            lambda: d.UNetSpatioTemporalConditionModel(
                block_out_channels=(32, 64),
                down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
                up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
                layers_per_block=1,
                in_channels=4,
                out_channels=4,
                cross_attention_dim=8,
                num_attention_heads=4,
                addition_time_embed_dim=8,
                projection_class_embeddings_input_dim=24,
                sample_size=16,
            ),
            _noise(1, 2, 4, 16, 16, context=(1, 7, 8), added_time_ids=lambda: torch.randn(1, 3)),
        ),
        "ControlNetModel": (
            lambda: d.ControlNetModel(
                block_out_channels=(8, 16),
                layers_per_block=1,
                norm_num_groups=4,
                down_block_types=_DOWN,
                cross_attention_dim=8,
                attention_head_dim=2,
                conditioning_embedding_out_channels=(4, 8),
            ),
            _noise(2, 4, 16, 16, context=(2, 7, 8), controlnet_cond=lambda: torch.randn(2, 3, 32, 32)),
        ),
        "Kandinsky3UNet": (
            lambda: d.Kandinsky3UNet(
                in_channels=4,
                time_embedding_dim=16,
                groups=2,
                attention_head_dim=4,
                layers_per_block=3,
                block_out_channels=(8, 16),
                cross_attention_dim=4,
                encoder_hid_dim=8,
            ),
            _noise(2, 4, 16, 16, context=(2, 4, 8), encoder_attention_mask=lambda: torch.ones(2, 4)),
        ),
        "PriorTransformer": (
            lambda: d.PriorTransformer(
                num_attention_heads=2,
                attention_head_dim=4,
                num_layers=2,
                embedding_dim=8,
                num_embeddings=7,
                additional_embeddings=4,
            ),
            named(
                {
                    "hidden_states": lambda: torch.randn(2, 8),
                    "timestep": lambda: torch.tensor([2, 2]),
                    "proj_embedding": lambda: torch.randn(2, 8),
                    "encoder_hidden_states": lambda: torch.randn(2, 7, 8),
                }
            ),
        ),
        "DiTTransformer2DModel": (
            lambda: d.DiTTransformer2DModel(
                num_attention_heads=2,
                attention_head_dim=8,
                in_channels=4,
                num_layers=2,
                sample_size=8,
                patch_size=2,
                num_embeds_ada_norm=8,
            ),
            named(
                {
                    "hidden_states": lambda: torch.randn(2, 4, 8, 8),
                    "timestep": lambda: torch.tensor([3, 4]),
                    "class_labels": lambda: torch.tensor([1, 2]),
                }
            ),
        ),
        "PixArtTransformer2DModel": (
            lambda: d.PixArtTransformer2DModel(
                num_attention_heads=2,
                attention_head_dim=8,
                in_channels=4,
                out_channels=8,
                num_layers=2,
                cross_attention_dim=16,
                sample_size=8,
                caption_channels=8,
            ),
            _long(
                _tokens(
                    2, 4, 8, 8, context=(2, 5, 8), added_cond_kwargs=lambda: {"aspect_ratio": None, "resolution": None}
                )
            ),
        ),
        "Transformer2DModel": (
            lambda: d.Transformer2DModel(
                num_attention_heads=2,
                attention_head_dim=8,
                in_channels=16,
                num_layers=2,
                norm_num_groups=4,
                cross_attention_dim=8,
            ),
            named(
                {
                    "hidden_states": lambda: torch.randn(2, 16, 8, 8),
                    "encoder_hidden_states": lambda: torch.randn(2, 5, 8),
                }
            ),
        ),
        "SD3Transformer2DModel": (
            lambda: d.SD3Transformer2DModel(
                sample_size=8,
                patch_size=2,
                in_channels=4,
                num_layers=2,
                attention_head_dim=8,
                num_attention_heads=2,
                caption_projection_dim=16,
                joint_attention_dim=8,
                pooled_projection_dim=16,
                out_channels=4,
                pos_embed_max_size=16,
            ),
            _long(_tokens(2, 4, 8, 8, context=(2, 5, 8), pooled_projections=lambda: torch.randn(2, 16))),
        ),
        "FluxTransformer2DModel": (
            lambda: d.FluxTransformer2DModel(
                patch_size=1,
                in_channels=4,
                num_layers=1,
                num_single_layers=1,
                attention_head_dim=16,
                num_attention_heads=2,
                joint_attention_dim=8,
                pooled_projection_dim=8,
                axes_dims_rope=(4, 4, 8),
            ),
            _tokens(
                2,
                16,
                4,
                context=(2, 5, 8),
                pooled_projections=lambda: torch.randn(2, 8),
                img_ids=lambda: torch.randn(16, 3),
                txt_ids=lambda: torch.zeros(5, 3),
            ),
        ),
        "AuraFlowTransformer2DModel": (
            lambda: d.AuraFlowTransformer2DModel(
                sample_size=8,
                patch_size=2,
                in_channels=4,
                num_mmdit_layers=1,
                num_single_dit_layers=1,
                attention_head_dim=8,
                num_attention_heads=2,
                joint_attention_dim=8,
                caption_projection_dim=16,
                pos_embed_max_size=64,
            ),
            _tokens(2, 4, 8, 8, context=(2, 5, 8)),
        ),
        "CogVideoXTransformer3DModel": (
            lambda: d.CogVideoXTransformer3DModel(
                num_attention_heads=2,
                attention_head_dim=8,
                in_channels=4,
                out_channels=4,
                time_embed_dim=4,
                text_embed_dim=8,
                num_layers=2,
                sample_width=8,
                sample_height=8,
                sample_frames=9,
                patch_size=2,
                max_text_seq_length=8,
            ),
            _long(_tokens(1, 3, 4, 8, 8, context=(1, 8, 8))),
        ),
        "HunyuanDiT2DModel": (
            lambda: d.HunyuanDiT2DModel(
                sample_size=8,
                patch_size=2,
                in_channels=4,
                num_layers=2,
                attention_head_dim=8,
                num_attention_heads=2,
                cross_attention_dim=8,
                cross_attention_dim_t5=8,
                pooled_projection_dim=4,
                hidden_size=16,
                text_len=4,
                text_len_t5=4,
                activation_fn="gelu-approximate",
            ),
            _tokens(
                1,
                4,
                8,
                8,
                context=(1, 4, 8),
                text_embedding_mask=lambda: torch.ones(1, 4),
                encoder_hidden_states_t5=lambda: torch.randn(1, 4, 8),
                text_embedding_mask_t5=lambda: torch.ones(1, 4),
                image_meta_size=lambda: torch.ones(1, 6),
                style=lambda: torch.zeros(1, dtype=torch.long),
                image_rotary_emb=lambda: [torch.ones(16, 8), torch.zeros(16, 8)],
            ),
        ),
        "LTXVideoTransformer3DModel": (
            lambda: d.LTXVideoTransformer3DModel(
                in_channels=8,
                out_channels=8,
                num_attention_heads=2,
                attention_head_dim=8,
                cross_attention_dim=16,
                num_layers=1,
                caption_channels=16,
            ),
            _long(
                _tokens(
                    1,
                    32,
                    8,
                    context=(1, 6, 16),
                    encoder_attention_mask=lambda: torch.ones(1, 6),
                    num_frames=lambda: 2,
                    height=lambda: 4,
                    width=lambda: 4,
                )
            ),
        ),
        "WanTransformer3DModel": (
            lambda: d.WanTransformer3DModel(
                patch_size=(1, 2, 2),
                num_attention_heads=2,
                attention_head_dim=12,
                in_channels=4,
                out_channels=4,
                text_dim=16,
                freq_dim=32,
                ffn_dim=32,
                num_layers=2,
                rope_max_seq_len=32,
            ),
            _long(_tokens(1, 4, 2, 8, 8, context=(1, 6, 16))),
        ),
        "SanaTransformer2DModel": (
            lambda: d.SanaTransformer2DModel(
                patch_size=1,
                in_channels=4,
                out_channels=4,
                num_layers=1,
                attention_head_dim=4,
                num_attention_heads=2,
                num_cross_attention_heads=2,
                cross_attention_head_dim=4,
                cross_attention_dim=8,
                caption_channels=8,
                sample_size=8,
            ),
            _long(_tokens(2, 4, 8, 8, context=(2, 5, 8))),
        ),
        "MochiTransformer3DModel": (
            lambda: d.MochiTransformer3DModel(
                patch_size=2,
                num_attention_heads=2,
                attention_head_dim=8,
                num_layers=2,
                pooled_projection_dim=16,
                in_channels=4,
                text_embed_dim=8,
                time_embed_dim=4,
                activation_fn="swiglu",
                max_sequence_length=16,
            ),
            _long(
                _tokens(
                    1, 4, 2, 8, 8, context=(1, 6, 8), encoder_attention_mask=lambda: torch.ones(1, 6, dtype=torch.bool)
                )
            ),
        ),
        "AllegroTransformer3DModel": (
            lambda: d.AllegroTransformer3DModel(
                num_attention_heads=2,
                attention_head_dim=12,
                in_channels=4,
                out_channels=4,
                num_layers=1,
                cross_attention_dim=24,
                sample_width=8,
                sample_height=8,
                sample_frames=2,
                caption_channels=24,
            ),
            _long(
                _tokens(
                    1,
                    4,
                    2,
                    8,
                    8,
                    context=(1, 1, 6, 24),
                    attention_mask=lambda: torch.ones(1, 2, 8, 8),
                    encoder_attention_mask=lambda: torch.ones(1, 6),
                )
            ),
        ),
        "LatteTransformer3DModel": (
            lambda: d.LatteTransformer3DModel(
                sample_size=8,
                num_layers=1,
                patch_size=2,
                attention_head_dim=4,
                num_attention_heads=2,
                caption_channels=8,
                in_channels=4,
                cross_attention_dim=8,
                out_channels=8,
                attention_bias=True,
                activation_fn="gelu-approximate",
                num_embeds_ada_norm=1000,
                norm_type="ada_norm_single",
                norm_elementwise_affine=False,
            ),
            _long(_tokens(1, 4, 1, 8, 8, context=(1, 6, 8))),
        ),
        "LuminaNextDiT2DModel": (
            lambda: d.LuminaNextDiT2DModel(
                sample_size=16,
                patch_size=2,
                in_channels=4,
                hidden_size=24,
                num_layers=2,
                num_attention_heads=3,
                num_kv_heads=1,
                multiple_of=16,
                cross_attention_dim=32,
            ),
            _tokens(
                2,
                4,
                16,
                16,
                context=(2, 5, 32),
                encoder_mask=lambda: torch.ones(2, 5),
                image_rotary_emb=lambda: torch.ones(384, 384, 4),
                cross_attention_kwargs=dict,
            ),
        ),
        "StableAudioDiTModel": (
            lambda: d.StableAudioDiTModel(
                sample_size=4,
                in_channels=4,
                num_layers=2,
                attention_head_dim=8,
                num_attention_heads=4,
                num_key_value_attention_heads=2,
                out_channels=4,
                cross_attention_dim=8,
                time_proj_dim=8,
                global_states_input_dim=8,
                cross_attention_input_dim=8,
            ),
            _long(
                _tokens(
                    1,
                    4,
                    16,
                    context=(1, 5, 8),
                    global_hidden_states=lambda: torch.randn(1, 1, 8),
                    rotary_embedding=lambda: (torch.ones(17, 4), torch.zeros(17, 4)),
                )
            ),
        ),
        "QwenImageTransformer2DModel": (
            lambda: d.QwenImageTransformer2DModel(
                patch_size=2,
                in_channels=16,
                out_channels=4,
                num_layers=2,
                attention_head_dim=16,
                num_attention_heads=2,
                joint_attention_dim=16,
                axes_dims_rope=(8, 4, 4),
            ),
            _tokens(
                1,
                16,
                16,
                context=(1, 5, 16),
                encoder_hidden_states_mask=lambda: torch.ones(1, 5, dtype=torch.long),
                img_shapes=lambda: [(1, 4, 4)],
            ),
        ),
        "HunyuanVideoTransformer3DModel": (
            lambda: d.HunyuanVideoTransformer3DModel(
                in_channels=4,
                out_channels=4,
                num_attention_heads=2,
                attention_head_dim=10,
                num_layers=1,
                num_single_layers=1,
                num_refiner_layers=1,
                patch_size=2,
                patch_size_t=1,
                guidance_embeds=True,
                text_embed_dim=16,
                pooled_projection_dim=8,
                rope_axes_dim=(2, 4, 4),
            ),
            _long(
                _tokens(
                    1,
                    4,
                    1,
                    8,
                    8,
                    context=(1, 6, 16),
                    pooled_projections=lambda: torch.randn(1, 8),
                    encoder_attention_mask=lambda: torch.ones(1, 6),
                    guidance=lambda: torch.tensor([5.0]),
                )
            ),
        ),
        "UVit2DModel": (
            lambda: d.UVit2DModel(
                hidden_size=32,
                cond_embed_dim=16,
                micro_cond_encode_dim=4,
                micro_cond_embed_dim=20,
                encoder_hidden_size=16,
                vocab_size=32,
                codebook_size=24,
                num_hidden_layers=2,
                num_attention_heads=2,
                block_num_heads=2,
                block_out_channels=32,
                in_channels=32,
                intermediate_size=64,
                sample_size=8,
                num_res_blocks=1,
            ),
            named(
                {
                    "input_ids": lambda: torch.randint(0, 24, (2, 8, 8)),
                    "encoder_hidden_states": lambda: torch.randn(2, 5, 16),
                    "pooled_text_emb": lambda: torch.randn(2, 16),
                    "micro_conds": lambda: torch.randn(2, 5),
                }
            ),
        ),
        "AutoencoderKL": (
            lambda: d.AutoencoderKL(
                block_out_channels=(8, 16),
                norm_num_groups=4,
                latent_channels=4,
                down_block_types=("DownEncoderBlock2D",) * 2,
                up_block_types=("UpDecoderBlock2D",) * 2,
            ),
            _image(2, 3, 16, 16),
        ),
        "AsymmetricAutoencoderKL": (
            lambda: d.AsymmetricAutoencoderKL(
                down_block_types=("DownEncoderBlock2D",) * 2,
                down_block_out_channels=(8, 16),
                layers_per_down_block=1,
                up_block_types=("UpDecoderBlock2D",) * 2,
                up_block_out_channels=(8, 16),
                layers_per_up_block=1,
                norm_num_groups=4,
                sample_size=16,
            ),
            _image(1, 3, 16, 16),
        ),
        "AutoencoderTiny": (
            lambda: d.AutoencoderTiny(
                encoder_block_out_channels=(8, 8),
                decoder_block_out_channels=(8, 8),
                num_encoder_blocks=(1, 1),
                num_decoder_blocks=(1, 1),
            ),
            _image(2, 3, 16, 16),
        ),
        "AutoencoderDC": (
            lambda: d.AutoencoderDC(
                in_channels=3,
                latent_channels=4,
                attention_head_dim=2,
                encoder_block_types=("ResBlock", "EfficientViTBlock"),
                decoder_block_types=("ResBlock", "EfficientViTBlock"),
                encoder_block_out_channels=(8, 8),
                decoder_block_out_channels=(8, 8),
                encoder_qkv_multiscales=((), (5,)),
                decoder_qkv_multiscales=((), (5,)),
                encoder_layers_per_block=(1, 1),
                decoder_layers_per_block=(1, 1),
                downsample_block_type="conv",
                upsample_block_type="interpolate",
                decoder_norm_types="rms_norm",
                decoder_act_fns="silu",
            ),
            _image(2, 3, 16, 16),
        ),
        "VQModel": (
            lambda: d.VQModel(
                block_out_channels=(8, 16),
                norm_num_groups=4,
                latent_channels=3,
                down_block_types=("DownEncoderBlock2D",) * 2,
                up_block_types=("UpDecoderBlock2D",) * 2,
                num_vq_embeddings=32,
            ),
            _image(2, 3, 16, 16),
        ),
        "AutoencoderKLTemporalDecoder": (
            lambda: d.AutoencoderKLTemporalDecoder(
                block_out_channels=(32, 64),
                down_block_types=("DownEncoderBlock2D",) * 2,
                layers_per_block=1,
                latent_channels=4,
            ),
            named({"sample": lambda: torch.randn(2, 3, 16, 16), "num_frames": lambda: 2}),
        ),
        "AutoencoderKLCogVideoX": (
            lambda: d.AutoencoderKLCogVideoX(
                down_block_types=("CogVideoXDownBlock3D",) * 4,
                up_block_types=("CogVideoXUpBlock3D",) * 4,
                block_out_channels=(8, 8, 8, 8),
                latent_channels=4,
                layers_per_block=1,
                norm_num_groups=2,
                temporal_compression_ratio=4,
            ),
            _image(1, 3, 8, 16, 16),
        ),
        "AutoencoderKLWan": (
            lambda: d.AutoencoderKLWan(
                base_dim=4, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
            ),
            _image(1, 3, 5, 16, 16),
        ),
        "AutoencoderKLMochi": (
            lambda: d.AutoencoderKLMochi(
                in_channels=15,
                out_channels=3,
                latent_channels=4,
                encoder_block_out_channels=(32, 32, 32, 32),
                decoder_block_out_channels=(32, 32, 32, 32),
                layers_per_block=(1, 1, 1, 1, 1),
            ),
            _image(1, 3, 7, 16, 16),
        ),
        "AutoencoderOobleck": (
            lambda: d.AutoencoderOobleck(
                encoder_hidden_size=8,
                decoder_channels=8,
                decoder_input_channels=4,
                audio_channels=2,
                downsampling_ratios=[2, 4],
                channel_multiples=[1, 2],
            ),
            _image(2, 2, 64),
        ),
        "T2IAdapter": (
            lambda: d.T2IAdapter(in_channels=3, channels=[8, 8, 16, 16], num_res_blocks=1, downscale_factor=8),
            named({"x": lambda: torch.randn(2, 3, 64, 64)}),
        ),
        "T5FilmDecoder": (
            lambda: d.models.T5FilmDecoder(
                input_dims=8, targets_length=16, d_model=16, num_layers=2, num_heads=2, d_kv=8, d_ff=32
            ),
            named(
                {
                    "encodings_and_masks": lambda: [(torch.randn(2, 6, 16), torch.ones(2, 6))],
                    "decoder_input_tokens": lambda: torch.randn(2, 16, 8),
                    "decoder_noise_time": lambda: torch.rand(2),
                }
            ),
        ),
    }
    for name, (build, inputs) in makers.items():
        yield Entry(name, build, inputs)
