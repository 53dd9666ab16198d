from typing import Dict, List, Optional

import torch
from torch import Tensor, nn


class TinyDetector(nn.Module):
    def __init__(self, num_classes: int = 3):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU())
        self.cls = nn.Conv2d(32, num_classes, 3, padding=1)
        self.box = nn.Conv2d(32, 4, 3, padding=1)

    def batch(self, images: List[Tensor]) -> Tensor:
        h = max(i.shape[1] for i in images)
        w = max(i.shape[2] for i in images)
        out = images[0].new_zeros((len(images), 3, h, w))
        for slot, image in zip(out, images):
            slot[:, :image.shape[1], :image.shape[2]].copy_(image)
        return out

    def forward(self, images: List[Tensor], targets: Optional[List[Dict[str, Tensor]]] = None):
        x = self.backbone(self.batch(images))
        result = []
        for scores, boxes in zip(self.cls(x), self.box(x)):
            result.append({"scores": scores.flatten(1), "boxes": boxes.flatten(1).t()})
        return result


if __name__ == "__main__":
    model = TinyDetector()
    model.eval()
    images = [torch.rand(3, 64, 80), torch.rand(3, 72, 64)]
    print(model(images)[0]["boxes"].shape)
