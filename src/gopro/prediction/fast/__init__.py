"""Fast prediction for prompts that depend on the image, without a text pass over all classes.

A generator shifts the context tokens for each image, and the text embeddings of all classes change
with the shift. For each list of classes, the exact embeddings are computed once for some training
images, and a linear map from shift to embedding is fitted to them. With a the leading components
of the shift (PCA over the training images), phi(a) = [1, a] and u the image's unit embedding,

    score of class c = logit_scale * sum_pd phi_p(a) u_d W[p, d, c],

one matrix product for any size of the text encoder. These scores show which classes can be the
top-1, but not always which one is. Their errors are measured on the training images by leaving each
out of the fit. Classes whose fast scores are within this error of the best one, usually none or a
few, get exact scores. An image whose shift is far from those of the training images gets exact
scores for all classes.

Shape notation: B images, n training images, C classes, e embedding width, q components, p = q + 1
features of a shift, D entries of a shift (M * d_t, or d_t if all tokens share one).
"""

from gopro.prediction.fast.fitted import FastMap, fit
from gopro.prediction.fast.image_dependent import (
    Conditioned,
    Reference,
    is_conditioned,
    with_classes,
)
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
    "save_fast",
    "with_classes",
]
