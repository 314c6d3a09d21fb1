"""GOPro's prompt generators: shifts of the context tokens from an image's layer statistics."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import ImageFeatures
from gopro.common.errors import GoproError


class PaperGenerator(nn.Module):
    """FRG and the projectors rho, after the abstract and the figure.

    Content primitives are the token means of the chosen layers; style primitives are the mean and
    the standard deviation of the last layer. Each is normalised to zero mean and unit variance
    over its width ("feature rescaling") and mapped to the text width by its own linear map; the
    results are stacked to R rows. The rho of a view mixes the R rows into M shifts. It is initially
    zero, so that training starts at zero-shot CLIP.

    Args:
        widths: Token width after each layer of the image encoder.
        text_width: d_t.
        tokens: M.
        content: Use the content primitives.
        style: Use the style primitives.
        layers: Layers whose means are content, counted from 1, or back from -1; None for all.
        rescale: Normalise each primitive to zero mean and unit variance before its map.
        branches: Views with their own rho. Other views use that of x.

    Raises:
        GoproError: If a layer doesn't exist.
    """

    def __init__(
        self,
        widths: Sequence[int],
        text_width: int,
        *,
        tokens: int,
        content: bool,
        style: bool,
        layers: Sequence[int] | None,
        rescale: bool,
        branches: Sequence[str],
    ) -> None:
        super().__init__()
        self.widths = list(widths)
        chosen = tuple(layers) if layers is not None else tuple(range(1, len(widths) + 1))
        wrong = [layer for layer in chosen if not 1 <= abs(layer) <= len(widths)]
        if wrong or not chosen:
            raise GoproError(
                f"got the layers {list(chosen)}; this image encoder has layers 1 to {len(widths)}, "
                "or -1 for the last"
            )
        counted = tuple(layer if layer > 0 else len(widths) + 1 + layer for layer in chosen)
        self.layers = counted if content else ()
        self.style = style
        self.rescale = rescale
        inputs = [widths[layer - 1] for layer in self.layers] + [widths[-1]] * (2 * style)
        self.inputs = inputs
        self.maps = nn.ModuleList(nn.Linear(width, text_width) for width in inputs)
        self.rho = nn.ModuleDict({name: nn.Linear(len(inputs), tokens) for name in branches})
        for parameter in self.rho.parameters():
            nn.init.zeros_(parameter)

    def primitives(self, features: ImageFeatures) -> list[Tensor]:
        """The chosen primitives, each [B, d_v of its layer]."""
        means = torch.split(features.mean, self.widths, dim=1)
        primitives = [means[layer - 1] for layer in self.layers]
        if self.style:
            primitives += [means[-1], torch.split(features.std, self.widths, dim=1)[-1]]
        return primitives

    def forward(self, features: ImageFeatures, branch: str) -> Tensor:
        """Shifts [B, M, d_t] of the context tokens for one view."""
        shifts: Tensor = self._mixer(branch)(self._rows(features)).transpose(1, 2)
        return shifts

    def contributions(self, features: ImageFeatures, branch: str) -> dict[str, Tensor]:
        """The parts of the shifts, each [B, M, d_t]: "content", "style" and "constant"."""
        rows, mixer, cut = self._rows(features), self._mixer(branch), len(self.layers)
        return {
            "content": (rows[..., :cut] @ mixer.weight[:, :cut].T).transpose(1, 2),
            "style": (rows[..., cut:] @ mixer.weight[:, cut:].T).transpose(1, 2),
            "constant": mixer.bias[:, None].expand(len(rows), -1, rows.shape[1]),
        }

    def _mixer(self, branch: str) -> nn.Linear:
        mixer = self.rho[branch if branch in self.rho else "x"]
        assert isinstance(mixer, nn.Linear)
        return mixer

    def _rows(self, features: ImageFeatures) -> Tensor:
        """The mapped primitives, stacked: [B, d_t, R]."""
        rows = []
        primitives = self.primitives(features)
        for linear, width, primitive in zip(self.maps, self.inputs, primitives, strict=True):
            # ONNX needs the width as a constant
            scaled = F.layer_norm(primitive, (width,)) if self.rescale else primitive
            rows.append(linear(scaled))
        return torch.stack(rows, dim=-1)


class ReleasedGenerator(nn.Module):
    """The released code's generator (commit e284586): one shift v for all M context tokens.

    ``content_l = A_l mu_l + a_l``, ``style_l = S_l ((mu_l + sigma_l) / 2) + s_l``,
    ``g_l = (content_l + style_l) / 2``, ``v = sum_l r_l g_l + r_0``; one generator for all views.

    Args:
        widths: Token width after each layer of the image encoder.
        text_width: d_t.
    """

    def __init__(self, widths: Sequence[int], text_width: int) -> None:
        super().__init__()
        self.widths = list(widths)
        self.content = nn.ModuleList(nn.Linear(width, text_width) for width in widths)
        self.style = nn.ModuleList(nn.Linear(width, text_width) for width in widths)
        self.mix = nn.Linear(len(widths), 1)

    def forward(self, features: ImageFeatures, branch: str) -> Tensor:
        """The shift [B, 1, d_t]; it doesn't depend on the branch."""
        content, style = self._rows(features)
        shift: Tensor = self.mix((content + style) / 2).transpose(1, 2)
        return shift

    def contributions(self, features: ImageFeatures, branch: str) -> dict[str, Tensor]:
        """The parts of the shift, each [B, 1, d_t]: "content", "style" and "constant"."""
        content, style = (
            (rows / 2 @ self.mix.weight.T).transpose(1, 2) for rows in self._rows(features)
        )
        return {"content": content, "style": style, "constant": self.mix.bias.expand_as(content)}

    def _rows(self, features: ImageFeatures) -> tuple[Tensor, Tensor]:
        """Content and style of each layer, stacked: two tensors [B, d_t, L]."""
        means = torch.split(features.mean, self.widths, dim=1)
        stds = torch.split(features.std, self.widths, dim=1)
        content = [linear(mean) for linear, mean in zip(self.content, means, strict=True)]
        style = [
            linear((mean + std) / 2)
            for linear, mean, std in zip(self.style, means, stds, strict=True)
        ]
        return torch.stack(content, dim=-1), torch.stack(style, dim=-1)
