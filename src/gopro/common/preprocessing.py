"""From a picture to the square that an image encoder takes, as settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from typing_extensions import Self

Decode = Literal["exact", "reduced"]
Interpolation = Literal["bicubic", "bilinear"]
ResizeMode = Literal["shortest", "longest", "squash"]


@dataclass(frozen=True)
class Preprocessing:
    """How a picture is decoded and resized; the encoder normalises its colours itself.

    Attributes:
        size: Side of the square in pixels.
        interpolation: Of the resize, which is always antialiased.
        resize_mode: ``shortest`` resizes the shorter side to ``size`` and keeps the middle;
            ``longest`` resizes the longer side and fills the rest; ``squash`` changes the ratio.
        fill: Grey value, 0 to 255, around a picture that is resized by its longer side.
        decode: ``exact`` decodes every pixel. ``reduced`` lets a JPEG at least four times as large
            as ``size`` be decoded at a reduced scale, but at least twice ``size``.
    """

    size: int
    interpolation: Interpolation = "bicubic"
    resize_mode: ResizeMode = "shortest"
    fill: int = 0
    decode: Decode = "exact"

    @property
    def reduced_to(self) -> int | None:
        """The size for which a JPEG may be decoded at a reduced scale; None for exact decoding."""
        return self.size if self.decode == "reduced" else None

    def with_decode(self, decode: Decode) -> Self:
        """The same with another way of decoding."""
        return replace(self, decode=decode)

    def in_words(self) -> dict[str, Any]:
        """Size, resize and crop as a model's description has them; decoding is a setting."""
        how = f"{self.interpolation} with antialiasing"
        resize = {
            "shortest": f"shorter side to size, {how}",
            "longest": f"longer side to size, {how}, in the middle of grey {self.fill}",
            "squash": f"both sides to size, {how}",
        }[self.resize_mode]
        crop = "centre" if self.resize_mode == "shortest" else "no"
        return {"size": self.size, "resize": resize, "crop": crop}
