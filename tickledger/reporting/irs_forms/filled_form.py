"""A form being filled in: pages of a blank are added one by one, each with what is written into its widgets.

Everything that the pages of one kind share, what is printed on them above all, is in the document once, so that
a thousand pages cost a thousand times what is written on them and no more. The XFA description of the form is not
taken along: Acrobat would show that, empty, instead of the fields. Neither are the usage rights, whose signature
no longer holds, nor the scripts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    PdfObject,
    TextStringObject,
)

from tickledger.reporting.irs_forms.blank_forms import BlankForm, BlankPage, Widget
from tickledger.reporting.irs_forms.lettering import (
    LEADING,
    SIZE,
    SMALLEST_LINE,
    Fitted,
    block_height,
    fit_block,
    fit_line,
    printable,
    text_width,
)
from tickledger.reporting.irs_forms.overlay import Overlay, add_resources
from tickledger.reporting.irs_forms.pdf_objects import content_of, dictionary, literal, numbers, register, stream
from tickledger.tax.form_layouts import Place

_MULTILINE: Final = 1 << 12
_FONT: Final = "/HelveticaLTStd-Bold"
#: The dark blue that the forms name for their entries.
_COLOR: Final = "0 0 0.502 rg"
_PADDING: Final = 2.0
_CAP_HEIGHT: Final = 0.718
_DESCENT: Final = 0.21
#: Lines of text stand where those of the one-line cells beside them do.
_LINE_HEIGHT: Final = 12.0
#: Where the text of a widget is put: to the left, in the middle, to the right.
_ALIGNMENTS: Final = (0.0, 0.5, 1.0)
_TO_THE_RIGHT: Final = 2
#: What is copied from a blank widget; its appearance and its place in the blank's trees are not.
_KEPT: Final = ("/Type", "/Subtype", "/FT", "/F", "/Ff", "/MaxLen", "/MK", "/Q", "/TU")


@dataclass(frozen=True, slots=True)
class Entries:
    """What is written on a page: text by the number of its widget, and (group, index) of each checked box."""

    texts: Mapping[int, str]
    checked: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the pages made of one blank page have in common; `boxes` are the appearances of its check boxes."""

    contents: ArrayObject
    resources: IndirectObject
    boxes: Mapping[tuple[int, int], PdfObject]


@dataclass(slots=True)
class FilledForm:
    """A document of filled pages of `blank`; every page carries `overlay`.

    Pages added under one `copy` number are one copy of the form: the names of their fields begin with
    ``topmostSubform[copy]``, as repeated forms are named.
    """

    blank: BlankForm
    overlay: Overlay = field(default_factory=Overlay)
    _writer: PdfWriter = field(default_factory=PdfWriter)
    _shared: dict[int, _Shared] = field(default_factory=dict)
    _nodes: dict[tuple[str, ...], DictionaryObject] = field(default_factory=dict)
    _appearances: dict[tuple[Fitted, float, float, int], IndirectObject] = field(default_factory=dict)
    _fonts: IndirectObject | None = None
    _roots: ArrayObject = field(default_factory=ArrayObject)

    def add_page(self, number: int, entries: Entries, *, copy: int = 0) -> None:
        """Add page `number` (from 1) of the form with `entries` on it."""
        blank = self.blank.pages[number - 1]
        if number not in self._shared:
            self._shared[number] = self._share(blank)
        shared = self._shared[number]
        page = self._writer.add_blank_page(blank.width, blank.height)
        annotations = ArrayObject()
        for widget in blank.widgets:
            filled = self._filled(widget, entries, shared)
            filled[NameObject("/P")] = cast("IndirectObject", page.indirect_reference)
            annotations.append(self._place(filled, (f"{self.blank.root.partition('[')[0]}[{copy}]", *widget.path)))
        page.update(dictionary({"/Contents": shared.contents, "/Resources": shared.resources, "/Annots": annotations}))

    def content(self, *, title: str) -> bytes:
        """The document."""
        # What most entries are written with is said once, for all.
        usual = TextStringObject(_font(SIZE))
        form = dictionary({"/Fields": self._roots, "/DA": usual, "/DR": self._form_fonts()})
        self._writer.root_object.update(dictionary({"/AcroForm": register(self._writer, form)}))
        self._writer.add_metadata({"/Title": title, "/Subject": self.blank.title, "/Producer": "Tickledger"})
        return content_of(self._writer)

    def _share(self, blank: BlankPage) -> _Shared:
        """Copy what is printed on a page into the document, between what keeps the overlay apart from it."""
        found = cast("DictionaryObject", blank.page["/Resources"].get_object())
        resources = found.clone(self._writer)
        add_resources(resources)
        printed = cast("ArrayObject", blank.page["/Contents"].get_object())
        parts = printed if isinstance(printed, ArrayObject) else [printed]
        drawn = self.overlay.operators(blank.width, blank.height)
        contents = ArrayObject(
            [
                register(self._writer, stream("q\n")),
                *(self._copied(part) for part in parts),
                register(self._writer, stream(f"\nQ\n{drawn}\n")),
            ]
        )
        boxes = {
            (widget.number, widget.index): self._copied(widget.annotation["/AP"])
            for widget in blank.widgets
            if widget.kind == "c"
        }
        return _Shared(contents, register(self._writer, resources), boxes)

    def _copied(self, value: PdfObject) -> IndirectObject:
        copy = value.get_object().clone(self._writer)  # type: ignore[union-attr]  # nothing the blanks refer to is missing
        return register(self._writer, copy)

    def _form_fonts(self) -> IndirectObject:
        """The fonts that the entries are written with, under the names that the form gives them."""
        if self._fonts is None:
            self._fonts = self._copied(self.blank.acro_form["/DR"])
        return self._fonts

    def _filled(self, widget: Widget, entries: Entries, shared: _Shared) -> DictionaryObject:
        annotation = widget.annotation
        filled = dictionary({key: annotation.raw_get(key) for key in _KEPT if key in annotation})
        filled.update(dictionary({"/T": TextStringObject(widget.path[-1]), "/Rect": numbers(widget.rectangle)}))
        if widget.kind == "c":
            self._check(filled, widget, entries, shared)
        elif text := entries.texts.get(widget.number):
            self._write(filled, widget, text)
        return filled

    def _check(self, filled: DictionaryObject, widget: Widget, entries: Entries, shared: _Shared) -> None:
        appearances = cast("DictionaryObject", cast("DictionaryObject", widget.annotation["/AP"])["/N"])
        on = next(state for state in appearances if state != "/Off")
        is_checked = (widget.number, widget.index) in entries.checked
        state = NameObject(on if is_checked else "/Off")
        appearance = shared.boxes[widget.number, widget.index]
        font = widget.annotation["/DA"]
        filled.update(dictionary({"/V": state, "/AS": state, "/AP": appearance, "/DA": font}))

    def _write(self, filled: DictionaryObject, widget: Widget, text: str) -> None:
        fitted, width, height = _fitted(widget, text)
        alignment = int(widget.annotation.get("/Q", 0))
        key = (fitted, width, height, alignment)
        if key not in self._appearances:
            self._appearances[key] = register(self._writer, self._appearance(*key))
        appearance = dictionary({"/N": self._appearances[key]})
        filled.update(dictionary({"/V": TextStringObject(text), "/AP": appearance}))
        if fitted.size != SIZE:
            filled.update(dictionary({"/DA": TextStringObject(_font(fitted.size))}))

    def _appearance(self, fitted: Fitted, width: float, height: float, alignment: int) -> PdfObject:
        block = block_height(len(fitted.lines), fitted.size)
        beside = (min(height, _LINE_HEIGHT) - _CAP_HEIGHT * fitted.size) / 2
        lowest = min(beside, (height - block) / 2 + _DESCENT * fitted.size)
        written = []
        for above, line in enumerate(reversed(fitted.lines)):
            free = width - 2 * _PADDING - text_width(line, fitted.size)
            x, y = _PADDING + free * _ALIGNMENTS[alignment], lowest + above * fitted.size * LEADING
            written.append(f"1 0 0 1 {x:.2f} {y:.2f} Tm {literal(line)} Tj")
        operators = f"/Tx BMC q BT {_font(fitted.size)} {' '.join(written)} ET Q EMC"
        return stream(
            operators,
            {
                "/Type": NameObject("/XObject"),
                "/Subtype": NameObject("/Form"),
                "/BBox": numbers((0, 0, width, height)),
                "/Resources": self._form_fonts(),
            },
        )

    def _place(self, filled: DictionaryObject, path: tuple[str, ...]) -> IndirectObject:
        """Enter a widget into the tree of fields under its name, making the branches that are not there yet."""
        reference = register(self._writer, filled)
        if parent := self._node(path[:-1]):
            filled[NameObject("/Parent")] = cast("IndirectObject", parent.indirect_reference)
            cast("ArrayObject", parent["/Kids"]).append(reference)
        return reference

    def _node(self, path: tuple[str, ...]) -> DictionaryObject:
        if path in self._nodes:
            return self._nodes[path]
        node = dictionary({"/T": TextStringObject(path[-1]), "/Kids": ArrayObject()})
        reference = register(self._writer, node)
        self._nodes[path] = node
        if len(path) == 1:
            self._roots.append(reference)
        else:
            parent = self._node(path[:-1])
            node[NameObject("/Parent")] = cast("IndirectObject", parent.indirect_reference)
            cast("ArrayObject", parent["/Kids"]).append(reference)
        return node


def fits(blank: BlankForm, place: Place, text: str) -> bool:
    """Whether the whole of `text` can be read in the widget at `place` (page, number)."""
    page, number = place
    widget = next(one for one in blank.pages[page - 1].widgets if (one.kind, one.number) == ("f", number))
    return not _fitted(widget, text)[0].is_cut


def _fitted(widget: Widget, text: str) -> tuple[Fitted, float, float]:
    """How `text` is written into a widget, and the widget's width and height."""
    left, bottom, right, top = widget.rectangle
    width, height = right - left, top - bottom
    if int(widget.annotation.get("/Ff", 0)) & _MULTILINE:
        return fit_block(printable(text), width - 2 * _PADDING, height - _PADDING), width, height
    # An amount is never cut; what stands to the right is one.
    smallest = 0.0 if widget.annotation.get("/Q") == _TO_THE_RIGHT else SMALLEST_LINE
    return fit_line(printable(text), width - 2 * _PADDING, smallest=smallest), width, height


def _font(size: float) -> str:
    return f"{_FONT} {size:.2f} Tf {_COLOR}"
