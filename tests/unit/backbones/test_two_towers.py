"""The embedded models' towers are open_clip's: the same weights give the same embeddings."""

from __future__ import annotations

from functools import partial

import open_clip
import torch
from open_clip.transformer import LayerNorm, TextTransformer

from gopro.backbones.lite import load as lite
from gopro.backbones.mini import load as mini

TEXTS = ["a photo of a grand piano.", "zyzzyva", "a dog"]


def test_minis_towers() -> None:
    ours = mini.load()
    with torch.random.fork_rng():
        theirs = open_clip.CLIP(**mini.config()["model_cfg"]).eval()
    theirs.load_state_dict(ours.state_dict())
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    tokens = open_clip.SimpleTokenizer()(TEXTS)
    with torch.no_grad():
        torch.testing.assert_close(ours.encode_image(pixels), theirs.encode_image(pixels))
        torch.testing.assert_close(ours.visual._embeds(pixels), theirs.visual._embeds(pixels))
        torch.testing.assert_close(ours.encode_text(tokens), theirs.encode_text(tokens))
        torch.testing.assert_close(
            ours.encode_text(tokens[:, :9], normalize=True),
            theirs.encode_text(tokens, normalize=True),
        )


def test_lites_text_tower() -> None:
    ours, settings = lite.load(), lite.config()
    text = dict(settings["text_cfg"])
    norm = partial(LayerNorm, eps=text.pop("norm_eps"))
    theirs = TextTransformer(**text, output_dim=settings["embed_dim"], norm_layer=norm).eval()
    state = ours.state_dict()
    theirs.load_state_dict({name: state[name] for name in theirs.state_dict()})
    tokens = open_clip.SimpleTokenizer()(TEXTS)
    with torch.no_grad():
        torch.testing.assert_close(ours.encode_text(tokens), theirs(tokens))
