"""`transformers`: text, vision, audio and multimodal architectures, in tiny configurations."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch
from entry import Entry, tokens
from shrink import shrink
from torch import nn

DISTRIBUTIONS = ("transformers",)

#: which head an architecture is built with: the first of these it has
_HEADS = (
    "CAUSAL_LM", "SEQ_TO_SEQ_CAUSAL_LM", "IMAGE_TEXT_TO_TEXT", "SPEECH_SEQ_2_SEQ", "MASKED_LM", "OBJECT_DETECTION",
    "SEMANTIC_SEGMENTATION", "UNIVERSAL_SEGMENTATION", "DEPTH_ESTIMATION", "IMAGE_CLASSIFICATION", "CTC",
    "VIDEO_CLASSIFICATION", "IMAGE_TO_IMAGE", "SEQUENCE_CLASSIFICATION", "AUDIO_CLASSIFICATION", "KEYPOINT_DETECTION",
    "TEXT_TO_SPECTROGRAM", "TIME_SERIES_PREDICTION",
)  # fmt: skip

#: the architectures whose default configuration, shrunk, builds and runs
_NAMES = """
    albert aria_text audio-spectrogram-transformer axk1 bart beam bert big_bird bigbird_pegasus biogpt bitnet
    blenderbot bloom camembert canine clip clip_text_model clip_vision_model codegen cohere2 cohere2_vision
    conditional_detr convbert convnext convnextv2 cpmant ctrl dab-detr data2vec-audio deberta deberta-v2
    deepseek_v3 deepseek_vl deformable_detr deit detr diffllama dinov3_convnext distilbert doge donut-swin
    electra encoder-decoder ernie4_5_moe esmc eurobert exaone4 falcon falcon_h1 falcon_mamba
    fastspeech2_conformer flaubert flava florence2 fnet focalnet fsmt funnel gemma gemma2 gemma3 git glm4
    glm4_moe glpn gpt2 gpt_bigcode gpt_neo gpt_neox gpt_oss gptj granite granitemoe hiera hubert ibert idefics2
    ijepa imagegpt internvl jetmoe kosmos-2.5 layoutlm layoutlmv3 led levit lilt llama llama4_text llava
    llava_next longformer longt5 luke m2m_100 mamba mamba2 marian maskformer-swin mbart megatron-bert mgp-str
    minimax mistral mistral3 mixtral mllama mobilebert mobilenet_v1 mobilenet_v2 mobilevitv2 modernbert
    modernbert-decoder moonshine moshi mpnet mpt mra mt5 musicflamingo mvp nemotron_h nllb-moe nomic_bert
    nystromformer olmo2 olmoe openai-gpt opt parakeet_ctc pegasus pegasus_x persimmon phi phi3 phimoe pixtral
    plbart poolformer pop2piano prophetnet pvt pvt_v2 qwen2 qwen2_audio qwen2_moe qwen3 qwen3_moe qwen3_next
    qwen3_vl radio regnet rembert resnet roberta roc_bert roformer rwkv seamless_m4t segformer sew sew-d siglip
    siglip_vision_model smollm3 speech_to_text speecht5 splinter squeezebert stablelm starcoder2 swiftformer
    switch_transformers t5 t5gemma table-transformer tapas timesformer trocr umt5 unispeech univnet upernet
    videomae vipllava vision-encoder-decoder visual_bert vit vit_mae vivit voxtral wav2vec2 wavlm whisper xglm
    xlm xlm-roberta yolos yoso zaya
"""

#: modules that every architecture's file imports
_COMMON = ("generation.utils", "modeling_utils", "modeling_layers", "masking_utils", "models.auto.modeling_auto")


def entries() -> Iterator[Entry]:
    """One network an architecture."""
    from transformers import CONFIG_MAPPING

    for module in _COMMON:  # here once, not in every process
        importlib.import_module(f"transformers.{module}")
    known = set(CONFIG_MAPPING)
    for name in _NAMES.split():
        if name in known:
            yield Entry(name, lambda name=name: build(name), lambda model: ((), _arguments(model)))


def build(model_type: str) -> nn.Module:
    """The network of an architecture, in a tiny configuration."""
    import transformers
    from transformers import CONFIG_MAPPING

    cls = CONFIG_MAPPING[model_type]
    values = shrink(cls().to_dict())
    for key in ("transformers_version", "architectures", "model_type"):
        values.pop(key, None)
    model: nn.Module = getattr(transformers, _class_name(model_type))(cls(**values))
    return model


def _class_name(model_type: str) -> str:
    from transformers.models.auto import modeling_auto as auto

    tables = [getattr(auto, f"MODEL_FOR_{head}_MAPPING_NAMES", {}) for head in _HEADS]
    name = next(table[model_type] for table in (*tables, auto.MODEL_MAPPING_NAMES) if model_type in table)
    return name if isinstance(name, str) else name[0]


def _arguments(model: nn.Module) -> dict[str, Any]:
    """What the forward reads, told from its parameters' names and the configuration."""
    config: Any = model.config
    accepted = inspect.signature(model.forward).parameters
    main = model.main_input_name
    makers: dict[str, Callable[[], torch.Tensor]] = {}
    if "input_ids" in accepted:
        makers["input_ids"] = lambda: tokens(2, 16, high=min(getattr(config.get_text_config(), "vocab_size", 64), 64))
    elif "pixel_values" in accepted:
        makers["pixel_values"] = lambda: _pixels(config)
    if "input_values" in accepted:
        makers["input_values"] = lambda: _waveform(config)
    if main == "input_features" in accepted:
        makers["input_features"] = lambda: _spectrogram(config)
    if "decoder_input_ids" in accepted and getattr(config, "is_encoder_decoder", False):
        makers["decoder_input_ids"] = lambda: tokens(2, 8)
    return {name: make() for name, make in makers.items()}


def _first(config: Any, *names: str, default: Any = None) -> Any:
    """The first of these settings that the configuration or one inside it has."""
    inner = (getattr(config, name, None) for name in ("vision_config", "backbone_config", "encoder"))
    found = (getattr(source, name, None) for source in (config, *inner) for name in names)
    return next((value for value in found if value is not None), default)


def _pixels(config: Any) -> torch.Tensor:
    size = _first(config, "image_size", "input_size", default=128)
    height, width = size if isinstance(size, list | tuple) else (size, size)
    channels = _first(config, "num_channels", "in_channels", "in_chans", default=3)
    frames = _first(config, "num_frames")
    return torch.randn((2, frames, channels, height, width) if frames else (2, channels, height, width))


def _waveform(config: Any) -> torch.Tensor:
    if hasattr(config, "num_mel_bins") and hasattr(config, "max_length") and hasattr(config, "patch_size"):
        return torch.randn(2, config.max_length, config.num_mel_bins)
    return torch.randn(2, 8000)


def _spectrogram(config: Any) -> torch.Tensor:
    mels = _first(config, "num_mel_bins", "input_feat_per_channel", "feature_size", default=80)
    positions = getattr(config, "max_source_positions", None)
    if positions and config.model_type == "whisper":
        return torch.randn(2, mels, 2 * positions)
    return torch.randn(2, 64, mels)
