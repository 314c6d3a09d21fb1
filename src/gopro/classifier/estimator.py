"""scikit-learn's estimator interface, without a dependency on scikit-learn."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from typing_extensions import Self

from gopro.common.errors import GoproError


class Estimator:
    """The part of scikit-learn's ``BaseEstimator`` and ``ClassifierMixin`` that ``clone``,
    ``GridSearchCV`` and ``Pipeline`` need.

    A subclass's ``__init__`` stores each keyword argument under its own name and does nothing
    else. Names of learned attributes end in ``_``.
    """

    _estimator_type: ClassVar[str] = "classifier"  # read by scikit-learn before 1.6

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
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(two_d_array=False),
            no_validation=True,  # pictures are not a numeric table
        )

    def check_fitted(self) -> None:
        """Check that the classifier was fitted or loaded.

        Raises:
            GoproError: Before ``fit`` or ``load``.
        """
        if not self.__sklearn_is_fitted__():
            raise GoproError(
                f"this {type(self).__name__} has learned nothing yet; call fit, or load a saved one"
            )
