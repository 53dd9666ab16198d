"""The networks of the project."""

from .resnet import ResNet, build_model

__all__ = ["ResNet", "build_model"]
