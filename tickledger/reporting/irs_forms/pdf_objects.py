"""The few kinds of PDF objects that the documents here are written with, and text as PDF writes it."""

from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Final

from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    IndirectObject,
    NameObject,
    PdfObject,
)

from tickledger.reporting.irs_forms.lettering import ENCODING

Rectangle = tuple[float, float, float, float]

_VERSION: Final = "%PDF-1.7"
_ESCAPES: Final = str.maketrans({"\\": r"\\", "(": r"\(", ")": r"\)"})


def register(writer: PdfWriter, value: PdfObject) -> IndirectObject:
    """Enter an object into the document; what comes back refers to it."""
    return writer._add_object(value)  # noqa: SLF001  pypdf's own manual enters objects so; there is no other way


def dictionary(entries: Mapping[str, PdfObject]) -> DictionaryObject:
    """A dictionary; the keys are names."""
    return DictionaryObject({NameObject(key): value for key, value in entries.items()})


def numbers(values: Iterable[float]) -> ArrayObject:
    """An array of numbers, such as a rectangle."""
    return ArrayObject(FloatObject(value) for value in values)


def stream(operators: str, entries: Mapping[str, PdfObject] | None = None) -> DecodedStreamObject:
    """A content stream."""
    content = DecodedStreamObject()
    content.update(dictionary(entries or {}))
    content.set_data(operators.encode(ENCODING, "replace"))
    return content


def literal(text: str) -> str:
    """`text` as a string of a content stream."""
    return f"({text.translate(_ESCAPES)})"


def standard_font(name: str) -> DictionaryObject:
    """One of the fonts that every reader has."""
    return dictionary(
        {
            "/Type": NameObject("/Font"),
            "/Subtype": NameObject("/Type1"),
            "/BaseFont": NameObject(f"/{name}"),
            "/Encoding": NameObject("/WinAnsiEncoding"),
        }
    )


def content_of(writer: PdfWriter) -> bytes:
    """The document as bytes; what is drawn here, see-through letters, PDF 1.4 and later know."""
    writer.pdf_header = _VERSION
    buffer = BytesIO()
    writer.write(buffer)
    return buffer.getvalue()
