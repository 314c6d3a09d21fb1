"""scikit-learn's estimator interface, without a dependency on scikit-learn."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy.typing as npt
from typing_extensions import Self

from gopro.common.errors import GoproError

_CONTAINERS = ("default", "pandas")
_ROUTED = ("validation", "unlabelled", "checkpoint")


class Estimator:
    """The part of scikit-learn's ``BaseEstimator`` and ``ClassifierMixin`` that ``clone``,
    ``GridSearchCV`` and ``Pipeline`` need, with metadata routing and ``set_output``.

    A subclass's ``__init__`` stores each keyword argument under its own name and does nothing
    else. Names of learned attributes end in ``_``.
    """

    _estimator_type: ClassVar[str] = "classifier"  # read by scikit-learn before 1.6
    # scikit-learn's names: ``clone`` copies them
    _sklearn_output_config: dict[str, str]
    _metadata_request: Any

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        return {parameter.name: parameter.default for parameter in parameters}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by name, in alphabetical order.

        Args:
            deep: Has no effect: no setting is an estimator.
        """
        return {name: getattr(self, name) for name in sorted(self._defaults())}

    def set_params(self, **params: Any) -> Self:
        """Change settings; learned attributes stay until the next ``fit``.

        Raises:
            ValueError: For a setting that doesn't exist (scikit-learn expects this class).
        """
        names = sorted(self._defaults())
        for name in params:
            if name not in names:
                raise ValueError(
                    f"{type(self).__name__} has no setting {name!r}; it has {', '.join(names)}"
                )
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = self._defaults()
        changed = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if value is not defaults[name] and repr(value) != repr(defaults[name])
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "classes_")

    def __sklearn_tags__(self) -> Any:
        """Describe the estimator to scikit-learn, which alone calls this."""
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            transformer_tags=TransformerTags(preserves_dtype=[]),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(two_d_array=False),
            no_validation=True,  # pictures are not a numeric table
        )

    def set_fit_request(
        self,
        *,
        validation: bool | str | None = None,
        unlabelled: bool | str | None = None,
        checkpoint: bool | str | None = None,
    ) -> Self:
        """Ask scikit-learn's searches and pipelines to pass arguments on to ``fit``.

        They need ``sklearn.set_config(enable_metadata_routing=True)`` for it.

        Args:
            validation: True to pass it on, False not to, a text for the name that it has outside;
                None changes nothing.
            unlabelled: The same.
            checkpoint: The same.
        """
        request = self.get_metadata_routing()
        for name, asked in zip(_ROUTED, (validation, unlabelled, checkpoint), strict=True):
            if asked is not None:
                request.fit.add_request(param=name, alias=asked)
        self._metadata_request = request
        return self

    def get_metadata_routing(self) -> Any:
        """What ``set_fit_request`` asked for; scikit-learn alone calls this."""
        from sklearn.utils.metadata_routing import MetadataRequest

        if hasattr(self, "_metadata_request"):
            return copy.deepcopy(self._metadata_request)
        request = MetadataRequest(owner=type(self).__name__)
        for name in _ROUTED:
            request.fit.add_request(param=name, alias=None)
        return request

    def set_output(self, *, transform: str | None = None) -> Self:
        """Choose what ``transform`` returns.

        Args:
            transform: default for an array, pandas for a table; None changes nothing.

        Raises:
            ValueError: For anything else (scikit-learn expects this class).
        """
        if transform not in (None, *_CONTAINERS):
            raise ValueError(f"got transform={transform!r}; wanted {' or '.join(_CONTAINERS)}")
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
        return self

    def in_container(self, rows: npt.NDArray[Any], images: Any, names: Sequence[str]) -> Any:
        """Rows [N, F] as ``set_output`` asked for, with the index of a table of pandas."""
        kind = getattr(self, "_sklearn_output_config", {}).get("transform", "default")
        if kind == "pandas":
            import pandas

            index = images.index if hasattr(images, "iloc") else None
            return pandas.DataFrame(rows, columns=list(names), index=index)
        return rows

    def check_fitted(self) -> None:
        """Check that the classifier was fitted or loaded.

        Raises:
            GoproError: Before ``fit`` or ``load``.
        """
        if not self.__sklearn_is_fitted__():
            raise GoproError(
                f"this {type(self).__name__} has learned nothing yet; call fit, or load a saved one"
            )
