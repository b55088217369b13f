"""The blank forms: their pages and the widgets on them, named by the numbers in their names."""

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from io import BytesIO
from typing import Final, Literal, cast

from pypdf import PageObject, PdfReader
from pypdf.generic import ArrayObject, DictionaryObject

from tickledger.reporting.irs_forms.pdf_objects import Rectangle

FormName = Literal["f8949", "f1040sd"]

#: ``f1_07[0]``, ``f1_25_RO[0]`` (text) and ``c1_1[2]`` (a check box of a group).
_NAME: Final = re.compile(r"(?P<kind>[fc])\d+_0*(?P<number>\d+)(?:_RO)?\[(?P<index>\d+)\]")


@dataclass(frozen=True, slots=True)
class Widget:
    """A place on a page to be filled in: text `number`, or check box `index` of group `number`.

    `path` is the full name without its first part, which tells copies of the form apart.
    """

    kind: Literal["f", "c"]
    number: int
    index: int
    path: tuple[str, ...]
    annotation: DictionaryObject
    rectangle: Rectangle


@dataclass(frozen=True, slots=True)
class BlankPage:
    """A page of a blank form; `width` and `height` are points."""

    page: PageObject
    widgets: tuple[Widget, ...]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class BlankForm:
    """A form as it is published; `root` is the first part of the name of every widget, `title` the document's."""

    pages: tuple[BlankPage, ...]
    root: str
    acro_form: DictionaryObject
    title: str


def blank_bytes(form: FormName, year: int) -> bytes:
    """The file as the IRS publishes it."""
    return resources.files(__package__).joinpath("blank", f"{form}_{year}.pdf").read_bytes()


@cache
def blank_form(form: FormName, year: int) -> BlankForm:
    """The form read; reading takes a quarter of a second, so it is kept."""
    reader = PdfReader(BytesIO(blank_bytes(form, year)))
    pages = tuple(_blank_page(page) for page in reader.pages)
    acro_form = cast("DictionaryObject", reader.root_object["/AcroForm"].get_object())
    root = cast("ArrayObject", acro_form["/Fields"])[0].get_object()
    title = reader.metadata.title if reader.metadata else None
    return BlankForm(pages, str(cast("DictionaryObject", root)["/T"]), acro_form, title or form)


def _blank_page(page: PageObject) -> BlankPage:
    annotations = [cast("DictionaryObject", one.get_object()) for one in cast("ArrayObject", page["/Annots"])]
    widgets = tuple(_widget(one) for one in annotations if one.get("/Subtype") == "/Widget")
    return BlankPage(page, widgets, float(page.mediabox.width), float(page.mediabox.height))


def _widget(annotation: DictionaryObject) -> Widget:
    path = _path(annotation)
    name = _NAME.fullmatch(path[-1])
    if name is None:
        raise ValueError(f"expected a widget named like f1_07[0] or c1_1[0], found {path[-1]}")
    left, bottom, right, top = (float(edge) for edge in cast("ArrayObject", annotation["/Rect"]))
    return Widget(
        kind="f" if name["kind"] == "f" else "c",
        number=int(name["number"]),
        index=int(name["index"]),
        path=path[1:],
        annotation=annotation,
        rectangle=(left, bottom, right, top),
    )


def _path(annotation: DictionaryObject) -> tuple[str, ...]:
    names: list[str] = []
    field: DictionaryObject | None = annotation
    while field is not None:
        names.append(str(field["/T"]))
        field = cast("DictionaryObject | None", field["/Parent"].get_object() if "/Parent" in field else None)
    return tuple(reversed(names))
