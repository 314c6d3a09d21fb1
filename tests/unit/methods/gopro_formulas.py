"""GOPro's formulas written out slowly: loops over images, views, layers, classes and tokens.

Takes the learned weights of a method and the layer statistics of its views, and uses none of its
code: scores [B, C] and the loss terms of both variants.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.methods.gopro import GOPro
from small_clips import plain_prompts

Parameters = Mapping[str, Tensor]


def unit(vector: Tensor) -> Tensor:
    return vector / vector.square().sum().sqrt()


def affine(parameters: Parameters, name: str, vector: Tensor) -> Tensor:
    return parameters[f"{name}.weight"] @ vector + parameters[f"{name}.bias"]


def by_layer(statistics: Tensor, widths: Sequence[int]) -> list[Tensor]:
    """One image's [D] cut into its layers."""
    starts = [sum(widths[:layer]) for layer in range(len(widths))]
    return [statistics[start : start + width] for start, width in zip(starts, widths, strict=True)]


def released_shift(parameters: Parameters, means: list[Tensor], stds: list[Tensor]) -> Tensor:
    """v of one image: [d_t]."""
    shift = parameters["generator.mix.bias"][0]
    for layer, (mean, std) in enumerate(zip(means, stds, strict=True)):
        content = affine(parameters, f"generator.content.{layer}", mean)
        style = affine(parameters, f"generator.style.{layer}", (mean + std) / 2)
        shift = shift + parameters["generator.mix.weight"][0, layer] * (content + style) / 2
    return shift


def paper_shifts(
    parameters: Parameters, method: GOPro, means: list[Tensor], stds: list[Tensor], branch: str
) -> list[Tensor]:
    """v_1..v_M of one image, each [d_t]."""
    options = method.settings
    primitives = []
    if options.content:
        layers = options.layers or range(1, len(means) + 1)
        primitives += [means[layer - 1] for layer in layers]
    if options.style:
        primitives += [means[-1], stds[-1]]
    rows = []
    for number, primitive in enumerate(primitives):
        middle = primitive.mean()
        spread = ((primitive - middle) ** 2).mean()
        rescaled = (primitive - middle) / (spread + 1e-5).sqrt() if options.rescale else primitive
        rows.append(affine(parameters, f"generator.maps.{number}", rescaled))
    rho = f"generator.rho.{branch if options.per_branch else 'x'}"
    shifts = []
    for token in range(options.n_ctx):
        shift = parameters[f"{rho}.bias"][token]
        for number, row in enumerate(rows):
            shift = shift + parameters[f"{rho}.weight"][token, number] * row
        shifts.append(shift)
    return shifts


def text(method: GOPro, names: Sequence[str], features: ImageFeatures, branch: str) -> Tensor:
    """Unit text embeddings [B, C, e] of one view's prompts."""
    parameters = dict(method.named_parameters())
    widths = method.backbone.vision_widths
    found = []
    for mean, std in zip(features.mean, features.std, strict=True):
        means, stds = by_layer(mean, widths), by_layer(std, widths)
        if method.settings.variant == "released":
            shifts = [released_shift(parameters, means, stds)] * method.settings.n_ctx
        else:
            shifts = paper_shifts(parameters, method, means, stds, branch)
        tokens = [
            learned + shift for learned, shift in zip(parameters["context"], shifts, strict=True)
        ]
        rows = [unit(row) for row in plain_prompts(method.backbone, names, torch.stack(tokens))]
        if method.settings.variant == "paper" and method.settings.text_projector:
            rows = [unit(row + affine(parameters, "text_projector", row)) for row in rows]
        found.append(torch.stack(rows))
    return torch.stack(found)


def image(method: GOPro, features: ImageFeatures) -> Tensor:
    """Unit image embeddings [B, e] where scores are taken."""
    parameters = dict(method.named_parameters())
    rows = [unit(row) for row in features.embedding]
    if method.settings.variant == "paper" and method.settings.image_projector:
        rows = [unit(row + affine(parameters, "image_projector", row)) for row in rows]
    return torch.stack(rows)


def scores(method: GOPro, features: ImageFeatures, texts: Tensor) -> Tensor:
    scale = math.exp(method.backbone.model.logit_scale.item())
    rows = [
        torch.stack([scale * (one * other).sum() for other in classes])
        for one, classes in zip(image(method, features), texts, strict=True)
    ]
    return torch.stack(rows)


def contrast(a: Tensor, b: Tensor, temperature: float) -> Tensor:
    """NT-Xent over the rows of two views."""
    rows = [unit(row) for row in (*a, *b)]
    count = len(a)
    terms = []
    for i, row in enumerate(rows):
        others = [torch.exp(row @ rows[k] / temperature) for k in range(2 * count) if k != i]
        partner = rows[(i + count) % (2 * count)]
        terms.append(torch.log(sum(others)) - row @ partner / temperature)
    return sum(terms) / (2 * count)


def batch_norm(parameters: Parameters, rows: Tensor) -> Tensor:
    """P_v of the released code in training: a linear map, then each channel over the batch."""
    mapped = torch.stack([affine(parameters, "image_projector.0", row) for row in rows])
    middle = sum(mapped) / len(mapped)
    spread = sum((row - middle) ** 2 for row in mapped) / len(mapped)
    gain, shift = parameters["image_projector.1.weight"], parameters["image_projector.1.bias"]
    return (mapped - middle) / (spread + 1e-5).sqrt() * gain + shift


def losses(
    method: GOPro, names: Sequence[str], features: Mapping[str, ImageFeatures], labels: Tensor
) -> dict[str, Tensor]:
    """L_ce, L_sem and L_con with all three views."""
    texts = {view: text(method, names, features[view], view) for view in ("x", "moco", "augmix")}
    rows = scores(method, features["x"], texts["x"])
    entropy = [
        torch.log(torch.exp(row - row.max()).sum()) + row.max() - row[label]
        for row, label in zip(rows, labels, strict=True)
    ]
    consistency = sum(
        ((texts["x"] - texts[view]) ** 2).sum() / texts["x"].numel() for view in ("moco", "augmix")
    )
    if method.settings.variant == "released":
        parameters = dict(method.named_parameters())
        views = [batch_norm(parameters, image(method, features[view])) for view in ("x", "moco")]
    else:
        views = [image(method, features[view]) for view in ("x", "moco")]
    return {
        "ce": sum(entropy) / len(entropy),
        "sem": consistency,
        "con": contrast(*views, method.settings.temperature),
    }
