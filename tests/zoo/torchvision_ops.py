"""Makes torchvision importable beside a torch its compiled operators do not fit, by registering them in Python.

Only `nms` and `roi_align` compute; the others are declared, so that the modules which mention them can be imported.
"""

from __future__ import annotations

import importlib.util
import sys

import torch

_ROI = "Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width"
_BACK = "Tensor grad, Tensor rois"
_SIZE = "int pooled_height, int pooled_width, int batch_size, int channels, int height, int width"
_CONV = (
    "Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, int stride_h, int stride_w, int pad_h, "
    "int pad_w, int dilation_h, int dilation_w, int groups, int offset_groups, bool use_mask"
)
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    f"roi_align({_ROI}, int sampling_ratio, bool aligned) -> Tensor",
    f"qroi_align({_ROI}, int sampling_ratio, bool aligned) -> Tensor",
    f"ps_roi_align({_ROI}, int sampling_ratio) -> (Tensor, Tensor)",
    f"roi_pool({_ROI}) -> (Tensor, Tensor)",
    f"ps_roi_pool({_ROI}) -> (Tensor, Tensor)",
    f"deform_conv2d({_CONV}) -> Tensor",
    f"_roi_align_backward({_BACK}, float spatial_scale, {_SIZE}, int sampling_ratio, bool aligned) -> Tensor",
    f"_ps_roi_align_backward({_BACK}, Tensor mapping, float spatial_scale, {_SIZE}, int sampling_ratio) -> Tensor",
    f"_roi_pool_backward({_BACK}, Tensor argmax, float spatial_scale, {_SIZE}) -> Tensor",
    f"_ps_roi_pool_backward({_BACK}, Tensor mapping, float spatial_scale, {_SIZE}) -> Tensor",
    f"_deform_conv2d_backward(Tensor grad, {_CONV}) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
)
_library: list[torch.library.Library] = []


def register() -> None:
    """Registers the operators if torchvision is installed and its own do not load; once a process."""
    if _library or importlib.util.find_spec("torchvision") is None:
        return
    try:
        import torchvision

        return
    except RuntimeError:  # "operator torchvision::nms does not exist"
        _forget("torchvision")
    library = torch.library.Library("torchvision", "DEF")
    _library.append(library)
    for schema in _SCHEMAS:
        library.define(schema)
    library.impl("nms", _nms, "CPU")
    library.impl("roi_align", _roi_align, "CPU")
    import torchvision.extension

    # its function `roi_align` hides the module of that name
    for module in (torchvision.extension, sys.modules["torchvision.ops.roi_align"]):
        module._has_ops = lambda: True  # type: ignore[attr-defined]


def _forget(package: str) -> None:
    """Drops a half-imported package, so that the next import starts over."""
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        del sys.modules[name]


def _nms(boxes: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    """Greedy non-maximum suppression. Boxes [N, 4] as x1, y1, x2, y2; returns the indices kept, best first."""
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    left = scores.argsort(descending=True, stable=True)
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        low = torch.maximum(boxes[best, :2], boxes[left, :2])
        high = torch.minimum(boxes[best, 2:], boxes[left, 2:])
        shared = (high - low).clamp(min=0).prod(1)
        left = left[shared <= threshold * (area[best] + area[left] - shared)]
    return torch.stack(kept) if kept else torch.empty(0, dtype=torch.long)


def _roi_align(
    image: torch.Tensor,
    rois: torch.Tensor,
    spatial_scale: float,
    height: int,
    width: int,
    sampling_ratio: int,
    aligned: bool,
) -> torch.Tensor:
    """Bilinear samples averaged over the bins of every box. Image [N, C, H, W]; rois [K, 5]: index, x1, y1, x2, y2."""
    samples = max(sampling_ratio, 1)
    shift = 0.5 if aligned else 0.0
    result = []
    for roi in rois:
        x1, y1, x2, y2 = (roi[1:] * spatial_scale - shift).unbind()
        if not aligned:
            x2, y2 = torch.maximum(x2, x1 + 1), torch.maximum(y2, y1 + 1)
        steps_x = (torch.arange(width * samples) + 0.5) / (width * samples)
        steps_y = (torch.arange(height * samples) + 0.5) / (height * samples)
        x, y = x1 + steps_x * (x2 - x1), y1 + steps_y * (y2 - y1)
        size_y, size_x = image.shape[-2:]
        grid_y, grid_x = torch.meshgrid(2 * y / max(size_y - 1, 1) - 1, 2 * x / max(size_x - 1, 1) - 1, indexing="ij")
        grid = torch.stack([grid_x, grid_y], -1)[None].to(image.dtype)
        sampled = torch.nn.functional.grid_sample(
            image[int(roi[0])][None], grid, padding_mode="border", align_corners=True
        )
        result.append(torch.nn.functional.avg_pool2d(sampled, samples)[0])
    return torch.stack(result) if result else image.new_empty(0, image.shape[1], height, width)
