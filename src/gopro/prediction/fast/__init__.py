"""Fast prediction for prompts that depend on the image: no text pass over all classes.

A generator shifts the context tokens for each image, and the classes' text embeddings move with
them. Once per class list the exact embeddings are computed for some training images and a linear
map from shift to embedding is fitted to them. With a the shift's leading components (PCA over the
training images), phi(a) = [1, a] and u the image's unit embedding,

    score of class c = logit_scale * sum_pd phi_p(a) u_d W[p, d, c],

one matrix product whatever the size of the text tower. Such scores are good enough to tell which
few classes can be the answer, not always which of them is. How far the leading classes may be off
against each other is measured on the training images, each left out of the fit in its turn; the
classes that this leaves in question, mostly none or a few, get exact scores. An image whose shift
lies far outside of what was seen gets exact scores for all.

Shape notation: B images, n training images, C classes, e embedding width, q components, p = q + 1
features of a shift, D numbers of a shift (M * d_t, or d_t where all tokens share one).
"""

from gopro.prediction.fast.conditioned import Conditioned, Reference, is_conditioned, only
from gopro.prediction.fast.fitted import FastMap, fit
from gopro.prediction.fast.predict import FastPrompts
from gopro.prediction.fast.stored import load_fast, save_fast
from gopro.prediction.fast.subspace import Subspace

__all__ = [
    "Conditioned",
    "FastMap",
    "FastPrompts",
    "Reference",
    "Subspace",
    "fit",
    "is_conditioned",
    "load_fast",
    "only",
    "save_fast",
]
