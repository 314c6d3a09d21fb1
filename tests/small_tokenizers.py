"""Small tokenizers of the kinds that image-text models have, saved as the hub's are."""

from __future__ import annotations

import string
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

WORDS = ["a", "photo", "of", "the", "cat", "dog", "golden", "retriever", "tabby", "one", "two"]
_LETTERS = [*string.ascii_lowercase, *string.digits, ".", ",", "-"]
SIZE = 256
"""More than the ids of any of them."""


def sentencepiece(folder: Path, *, first_marked: bool = True, start: bool = False) -> str:
    """Words marked by the space before them, as T5's and SigLIP's; Gemma leaves the first bare.

    Args:
        folder: Where to save it.
        first_marked: Whether the first word of a text has a mark too.
        start: Whether a start token comes first, as XLM-R has it.
    """
    special = ["<pad>", "</s>", "<unk>", "<s>"]
    marked = [f"▁{piece}" for piece in [*WORDS, *_LETTERS]]
    pieces = [*special, "▁", *_LETTERS, *[word for word in WORDS if len(word) > 1], *marked]
    scores = [(piece, -float(len(piece) < 3)) for piece in dict.fromkeys(pieces)]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=2))
    scheme = "always" if first_marked else "never"
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme=scheme)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>" if start else "$A </s>", special_tokens=[("<s>", 3), ("</s>", 1)]
    )
    return _saved(tokenizer, folder, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def wordpiece(folder: Path) -> str:
    """BERT's: words in pieces, between [CLS] and [SEP]."""
    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    pieces = [*special, *_LETTERS, *WORDS[1:], *[f"##{letter}" for letter in _LETTERS]]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    names = {"pad": "[PAD]", "cls": "[CLS]", "sep": "[SEP]", "unk": "[UNK]"}
    return _saved(tokenizer, folder, **{f"{key}_token": name for key, name in names.items()})


def _saved(tokenizer: Tokenizer, folder: Path, **special: str) -> str:
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)
    wrapped.save_pretrained(str(folder))
    return str(folder)
