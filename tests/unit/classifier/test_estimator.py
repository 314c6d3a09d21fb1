"""scikit-learn's conventions, tested with scikit-learn's own checks where they apply."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gopro import GoproError, PromptClassifier
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


def test_transform_gives_embeddings_and_a_table(make: Make, given: Given) -> None:
    pandas = pytest.importorskip("pandas")
    classifier = make().fit(*given)
    rows = classifier.transform(given[0])
    assert (rows.shape, rows.dtype) == ((24, 16), np.float32)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    table = pandas.DataFrame({"path": given[0]}, index=range(100, 124))
    found = base.clone(classifier.set_output(transform="pandas")).fit(*given).transform(table)
    assert found.index.tolist() == table.index.tolist()
    assert found.columns.tolist() == classifier.get_feature_names_out().tolist()
    assert np.array_equal(found.to_numpy(), rows)
    classifier.set_output(transform=None)
    assert isinstance(classifier.transform(table), pandas.DataFrame)
    assert isinstance(classifier.set_output(transform="default").transform(table), np.ndarray)
    with pytest.raises(ValueError, match="wanted default or pandas"):
        classifier.set_output(transform="arrow")


def test_set_output_of_a_pipeline_reaches_it(make: Make, given: Given) -> None:
    same = sklearn.preprocessing.FunctionTransformer()
    steps = pipeline.make_pipeline(same, make()).set_output(transform="pandas")
    pandas = pytest.importorskip("pandas")
    paths = pandas.DataFrame({"path": given[0]})
    steps.fit(paths, given[1])
    assert list(steps.transform(paths).columns) == steps[-1].get_feature_names_out().tolist()
    assert steps.predict(paths).tolist() == steps[-1].predict(given[0]).tolist()


def test_columns_of_pandas(make: Make, given: Given) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"path": list(map(str, given[0])), "label": given[1]})
    shuffled = table.sample(frac=1, random_state=0)
    expected = make().fit(given[0], given[1]).predict(given[0]).tolist()
    for labels in (table["label"], table[["label"]], table["label"].astype("category")):
        classifier = make().fit(table["path"], labels)
        assert classifier.classes_.tolist() == sorted(set(given[1]))
        assert classifier.predict(table[["path"]]).tolist() == expected
    answers = classifier.predict(shuffled["path"])
    assert answers.tolist() == [expected[index] for index in shuffled.index]
    assert classifier.score(shuffled["path"], shuffled["label"]) == classifier.score(*given)
    with pytest.raises(Exception, match="table with 2 columns"):
        classifier.predict(table)


def test_metadata_is_routed_to_fit(make: Make, given: Given) -> None:
    exceptions = pytest.importorskip("sklearn.exceptions")
    search = selection.GridSearchCV(make(select="best"), {"lr": [0.1]}, cv=2, error_score="raise")
    with sklearn.config_context(enable_metadata_routing=True):
        with pytest.raises(exceptions.UnsetMetadataPassedError, match="validation"):
            search.fit(*given, validation=given)
        search.estimator.set_fit_request(validation=True)
        search.fit(*given, validation=given)
        assert "val_accuracy" in search.best_estimator_.history_[0]
        search.estimator.set_fit_request(validation="held_out")
        search.fit(*given, held_out=given)
        search.estimator.set_fit_request(checkpoint=False)  # changes nothing about validation
        search.fit(*given, held_out=given)
        search.estimator.set_fit_request(unlabelled=True)
        with pytest.raises(GoproError, match="coop learns from labelled ones only"):
            search.fit(*given, held_out=given, unlabelled=given[0])


def test_the_fits_of_a_search_share_a_checkpoint_folder(
    make: Make, given: Given, tmp_path: Path
) -> None:
    search = selection.GridSearchCV(make(), {"lr": [0.1, 0.05]}, cv=2, error_score="raise")
    with sklearn.config_context(enable_metadata_routing=True):
        search.estimator.set_fit_request(checkpoint=True)
        search.fit(*given, checkpoint=tmp_path / "kept")
    assert search.best_estimator_.predict(given[0]).shape == (len(given[0]),)


def test_the_same_answers_again_and_in_any_order(make: Make, given: Given) -> None:
    classifier = make()
    before = classifier.get_params()
    first = classifier.fit(*given).predict_proba(given[0])
    assert classifier.fit(*given) is classifier and classifier.get_params() == before
    assert np.array_equal(classifier.predict_proba(given[0]), first)
    assert np.allclose(classifier.predict_proba(given[0][::-1])[::-1], first, atol=1e-6)
    alone = [classifier.predict_proba([path])[0] for path in given[0][:3]]
    assert np.allclose(alone, first[:3], atol=1e-6)
