"""The optimizers of recipes: torch's, without what only ``torch.compile`` needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

from gopro.methods.base import Recipe

_MARKED = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
"""Methods that torch marks as not to be compiled, by a wrapper that loads its compiler."""


def make_optimizer(recipe: Recipe, parameters: Sequence[Tensor]) -> torch.optim.Optimizer:
    """The recipe's optimizer; ``momentum`` is SGD's, Adam and AdamW keep torch's betas."""
    if recipe.optimizer == "sgd":
        return _without_compiler(torch.optim.SGD)(
            parameters, lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay
        )
    kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
    return _without_compiler(kind)(parameters, lr=recipe.lr, weight_decay=recipe.weight_decay)


@cache
def _without_compiler(kind: type[torch.optim.Optimizer]) -> Callable[..., torch.optim.Optimizer]:
    """The optimizer without the wrappers that load ``torch._dynamo``.

    Loading it takes as long as loading all of torch. The arithmetic is torch's own.
    """
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in _MARKED}
    methods["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), methods)
