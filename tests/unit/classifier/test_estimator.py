"""scikit-learn's conventions, tested with scikit-learn's own checks where they apply."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from gopro import PromptClassifier
from gopro.classifier.estimator import Estimator
from tiny_classifier import Given, Make

sklearn = pytest.importorskip("sklearn", minversion="1.6")
base = pytest.importorskip("sklearn.base")
checks = pytest.importorskip("sklearn.utils.estimator_checks")
selection = pytest.importorskip("sklearn.model_selection")
pipeline = pytest.importorskip("sklearn.pipeline")

# the checks without numeric tables as input: this estimator takes pictures
_APPLY = [
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_get_params_invariance",
    "check_set_params",
    "check_parameters_default_constructible",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
]


@pytest.mark.parametrize("name", _APPLY)
def test_estimator_checks(name: str) -> None:
    getattr(checks, name)("PromptClassifier", PromptClassifier())


def test_clone_is_unfitted_and_has_the_same_settings(make: Make, given: Given) -> None:
    classifier = make(options={"n_ctx": 2}, epochs=0).fit(*given)
    copy = base.clone(classifier)
    assert copy.get_params() == classifier.get_params()
    assert not hasattr(copy, "classes_")
    assert base.is_classifier(copy)


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="no setting 'colour'"):
        PromptClassifier().set_params(colour=1, lr=3)
    with pytest.raises(TypeError):
        PromptClassifier("gopro")  # type: ignore[misc]


def test_repr_shows_what_was_set() -> None:
    assert repr(PromptClassifier()) == "PromptClassifier()"
    assert (
        repr(PromptClassifier(lr=0.1, method="coop")) == "PromptClassifier(lr=0.1, method='coop')"
    )


def test_answers_need_a_fit() -> None:
    classifier = PromptClassifier()
    for call in (
        lambda: classifier.predict(["a.png"]),
        lambda: classifier.score(["a.png"], ["a"]),
        lambda: classifier.with_classes(["a"]),
        classifier.zero_shot,
        lambda: classifier.save("nowhere"),
    ):
        with pytest.raises(Exception, match="has learned nothing yet"):
            call()
    assert not Estimator.__sklearn_is_fitted__(classifier)


def test_grid_search(make: Make, given: Given) -> None:
    paths, labels = given
    search = selection.GridSearchCV(make(epochs=1), {"lr": [0.0, 0.1]}, cv=2, error_score="raise")
    search.fit(paths, labels)
    assert set(search.best_params_) == {"lr"}
    assert search.predict_proba(paths).shape == (24, 4)
    assert search.best_estimator_.classes_.tolist() == search.classes_.tolist()


def test_pipeline_with_pillow_images_and_arrays(make: Make, given: Given) -> None:
    from PIL import Image

    paths, labels = given

    def mirrored(pictures: list[Any]) -> list[Any]:
        return [np.asarray(Image.open(path))[:, ::-1] for path in pictures]

    steps = pipeline.Pipeline(
        [
            ("mirror", sklearn.preprocessing.FunctionTransformer(mirrored)),
            ("clip", make()),
        ]
    )
    steps.fit(paths, labels)
    direct = make().fit(mirrored(paths), labels)
    assert np.array_equal(steps.predict(paths), direct.predict(mirrored(paths)))
    assert steps.score(paths, labels) == direct.score(mirrored(paths), labels)


def test_cross_validation_on_one_array(make: Make, given: Given) -> None:
    from PIL import Image

    stacked = np.stack([np.asarray(Image.open(path)) for path in given[0]])
    scores = selection.cross_val_score(make(epochs=1), stacked, given[1], cv=3)
    assert len(scores) == 3
    assert ((scores >= 0) & (scores <= 1)).all()


def test_a_fitted_classifier_can_be_pickled(make: Make, given: Given) -> None:
    classifier = make().fit(*given)
    copy = pickle.loads(pickle.dumps(classifier))
    assert np.array_equal(copy.predict_proba(given[0]), classifier.predict_proba(given[0]))
