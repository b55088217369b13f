"""What is drawn across every page of a document that is not to be filed, or not on the form of its year."""

from dataclasses import dataclass
from math import atan2, cos, hypot, sin
from typing import Final

from pypdf.generic import DictionaryObject, FloatObject

from tickledger.reporting.irs_forms.lettering import text_width
from tickledger.reporting.irs_forms.pdf_objects import dictionary, literal, standard_font

_FONT: Final = "/OverlayFont"
_SEE_THROUGH: Final = "/OverlayState"
_OPACITY: Final = 0.3
#: The part of the page's diagonal that a watermark covers.
_LENGTH: Final = 0.82
_CAP_HEIGHT: Final = 0.718
_REMARK_SIZE: Final = 9
_REMARK_PLACE: Final = (36, 17)


@dataclass(frozen=True, slots=True)
class Overlay:
    """`watermark` goes across the page from corner to corner, `remark` stands in the lower margin."""

    watermark: str | None = None
    remark: str | None = None

    def operators(self, width: float, height: float) -> str:
        """What draws it, on a page of that size whose resources have `add_resources`."""
        parts = []
        if self.watermark:
            parts.append(_across(self.watermark, width, height))
        if self.remark:
            x, y = _REMARK_PLACE
            parts.append(f"q 0.75 0 0 rg BT {_FONT} {_REMARK_SIZE} Tf {x} {y} Td {literal(self.remark)} Tj ET Q")
        return "\n".join(parts)


def _across(text: str, width: float, height: float) -> str:
    angle, diagonal = atan2(height, width), hypot(width, height)
    size = _LENGTH * diagonal / text_width(text, 1)
    along, up = -_LENGTH * diagonal / 2, -_CAP_HEIGHT * size / 2
    turn = f"{cos(angle):.4f} {sin(angle):.4f} {-sin(angle):.4f} {cos(angle):.4f} {width / 2:.2f} {height / 2:.2f} cm"
    write = f"BT {_FONT} {size:.2f} Tf {along:.2f} {up:.2f} Td {literal(text)} Tj ET"
    return f"q {_SEE_THROUGH} gs 0.75 0 0 rg {turn} {write} Q"


def add_resources(resources: DictionaryObject) -> None:
    """Enter what the operators name into the resources of a page."""
    see_through = dictionary({"/ca": FloatObject(_OPACITY)})
    for kind, name, value in (
        ("/Font", _FONT, standard_font("Helvetica-Bold")),
        ("/ExtGState", _SEE_THROUGH, see_through),
    ):
        entries = resources.get(kind, DictionaryObject()).get_object()
        resources.update(dictionary({kind: dictionary({**entries, name: value})}))
