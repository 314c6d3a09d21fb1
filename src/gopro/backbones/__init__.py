"""Frozen CLIP backbones: ``build(name, pretrained)`` gives one with two calls, image and text."""

from gopro.backbones.build import build, choose_device
from gopro.backbones.clip import Backbone
from gopro.backbones.features import ImageFeatures
from gopro.backbones.prompts import ClassContext, ClassTokens, Prompts, UpperTokens

__all__ = [
    "Backbone",
    "ClassContext",
    "ClassTokens",
    "ImageFeatures",
    "Prompts",
    "UpperTokens",
    "build",
    "choose_device",
]
