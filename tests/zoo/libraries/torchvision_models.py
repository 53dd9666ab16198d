"""torchvision: classification, segmentation, detection, video and optical flow."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from entry import Entry, Inputs, floats
from torch import nn

DISTRIBUTIONS = ("torchvision",)

_IMAGES = """
    alexnet convnext_tiny densenet121 efficientnet_b0 efficientnet_v2_s googlenet inception_v3 mnasnet0_5
    mobilenet_v2 mobilenet_v3_small regnet_x_400mf regnet_y_400mf resnet18 resnet50 resnext50_32x4d
    shufflenet_v2_x0_5 squeezenet1_1 swin_t swin_v2_t vgg11_bn wide_resnet50_2
"""
_SEGMENTATION = """
    deeplabv3_mobilenet_v3_large deeplabv3_resnet50 fcn_resnet50 lraspp_mobilenet_v3_large
"""
_VIDEO = """
    mc3_18 r3d_18 r2plus1d_18 s3d swin3d_t mvit_v2_s
"""
_DETECTION = """
    fasterrcnn_mobilenet_v3_large_320_fpn fasterrcnn_resnet50_fpn fcos_resnet50_fpn keypointrcnn_resnet50_fpn
    maskrcnn_resnet50_fpn retinanet_resnet50_fpn ssdlite320_mobilenet_v3_large ssd300_vgg16
"""


def entries() -> Iterator[Entry]:
    """One member of every family."""
    from torchvision import models

    def build(name: str, **options: object) -> nn.Module:
        if name in {"googlenet", "inception_v3"}:
            options["init_weights"] = False
        model: nn.Module = models.get_model(name, weights=None, **options)
        return model

    for name in _IMAGES.split():
        side = 96 if name in {"inception_v3", "alexnet"} else 64
        yield Entry(name, lambda name=name: build(name), floats((2, 3, side, side)))
    yield Entry("maxvit_t", lambda: build("maxvit_t"), floats((1, 3, 224, 224)))
    yield Entry("vit_b_16", lambda: models.VisionTransformer(32, 16, 2, 4, 64, 128), floats((2, 3, 32, 32)))
    for name in _SEGMENTATION.split():
        yield Entry(name, lambda name=name: build(name, weights_backbone=None), floats((2, 3, 64, 64)))
    for name in _VIDEO.split():
        side = 224 if name in {"mvit_v2_s", "s3d"} else 64
        yield Entry(name, lambda name=name: build(name), floats((1, 3, 16, side, side)))
    for name in _DETECTION.split():
        yield Entry(name, lambda name=name: build(name, weights_backbone=None, **_detector(name)), _two_images)
    yield Entry("raft_small", lambda: build("raft_small"), floats((1, 3, 128, 128), (1, 3, 128, 128)))


def _detector(name: str) -> dict[str, object]:
    if name.startswith("ssd"):
        return {"score_thresh": 0.0, "detections_per_img": 5, "topk_candidates": 5, "num_classes": 5}
    small: dict[str, object] = {"min_size": 64, "max_size": 96}
    if "rcnn" in name:
        few = {"rpn_pre_nms_top_n_test": 40, "rpn_post_nms_top_n_test": 10}
        return small | few | {"box_score_thresh": 0.0, "box_detections_per_img": 5}
    return small | {"score_thresh": 0.0, "detections_per_img": 5, "topk_candidates": 20}


def _two_images(_: nn.Module) -> Inputs:
    return ([torch.rand(3, 64, 80), torch.rand(3, 72, 64)],), {}
