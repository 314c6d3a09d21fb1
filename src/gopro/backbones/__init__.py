"""Frozen CLIP backbones: ``build(name, pretrained)`` gives one with two calls, image and text."""

from gopro.backbones.build import build, choose_device
from gopro.backbones.clip import Backbone
from gopro.backbones.features import ImageFeatures
from gopro.backbones.prompts import ClassTokens, OwnTokens, Prompts

__all__ = [
    "Backbone",
    "ClassTokens",
    "ImageFeatures",
    "OwnTokens",
    "Prompts",
    "build",
    "choose_device",
]
