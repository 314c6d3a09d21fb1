"""``mini``: a small CLIP inside the package, for work without a network.

It has no dependency on the rest of ``gopro.backbones``; :mod:`gopro.backbones.mini.load` reads it.
"""
