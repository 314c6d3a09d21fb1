"""Text models of the transformers library as text towers."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

from torch import Tensor, nn

from gopro.backbones.attention_terms import Added, AttentionTerms
from gopro.backbones.beside_blocks import Beside
from gopro.backbones.passes import Passes
from gopro.backbones.text_towers import Change
from gopro.common.errors import GoproError


class HubText:
    """open_clip's ``HFTextEncoder``: a text model of the transformers library.

    Padding is masked in these, so it is not computed. Tokens are replaced, and terms added, by
    hooks on the blocks.

    Args:
        tower: The module.
        name: The model's name, for messages.
        length: Number of tokens of a full text.

    Raises:
        GoproError: If it has no token embeddings to learn among, or no blocks.
    """

    fills = False
    extensible = False  # masks and relative positions are made before the first block

    def __init__(self, tower: Any, name: str, length: int) -> None:
        self.tower = tower
        self.context_length = length
        model = tower.transformer
        embedding = model.get_input_embeddings()
        stacks = [list(part) for part in model.modules() if isinstance(part, nn.ModuleList)]
        if not isinstance(embedding, nn.Embedding) or not stacks:
            raise GoproError(
                f"the text tower of {name} is a {type(model).__name__} without token embeddings "
                "to learn among; choose another --backbone"
            )
        self.embedding = embedding
        self.width = int(embedding.embedding_dim)
        self.blocks: list[Any] = max(stacks, key=len)
        self.terms = AttentionTerms(self.blocks, self.width)
        self.adaptable = self.terms.possible
        self._changes: Passes[Change] = Passes()
        for index, block in enumerate(self.blocks):
            block.register_forward_pre_hook(partial(self._replace, index), with_kwargs=True)

    @property
    def weight(self) -> Tensor:
        return self.embedding.weight

    @property
    def embed_dim(self) -> int:
        return int(self.tower.output_dim)

    def embed(self, ids: Tensor) -> Tensor:
        embedding: Tensor = self.embedding(ids)
        return embedding

    def run(
        self,
        tokens: Tensor,
        valid: Tensor,
        ends: Tensor,
        change: Change | None = None,
        added: Added | None = None,
        beside: Beside | None = None,
    ) -> Tensor:
        assert beside is None, "methods check whether a tower is extensible"
        mask = valid.long()
        with ExitStack() as stack:
            if change is not None:
                stack.enter_context(self._changes.entering(change))
            if added is not None:
                stack.enter_context(self.terms.adding(added))
            output = self.tower.transformer(inputs_embeds=tokens, attention_mask=mask)
        projected: Tensor = self.tower.proj(self.tower.pooler(output, mask))
        return projected

    def _replace(
        self, index: int, module: nn.Module, args: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        change = self._changes.current
        if change is None or index == 0:
            return None
        if args:
            return (change(index, args[0]), *args[1:]), options
        return args, {**options, "hidden_states": change(index, options["hidden_states"])}
