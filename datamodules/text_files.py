"""Text files and csv files, in any separator and encoding that can be recognised with certainty."""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from pathlib import Path

from datamodules.tables import refuse_html

SEPARATORS = (",", ";", "\t", "|")
INDEX = ("", "unnamed: 0", "index")  # what pandas calls the column that counts the rows
LARGEST, LONGEST_NAME = 2**30, 200  # bytes of a table, and characters of a column's name
Row = tuple[int, list[str]]
"""A line's number and its cells."""


def read_text(file: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 with a byte order mark.

    Raises:
        ValueError: the file is missing, can't be read, or is no text.
    """
    if not file.is_file():
        raise ValueError(f"{file} is no file" if file.exists() else f"{file} is missing")
    try:
        if (size := file.stat().st_size) > LARGEST:
            raise ValueError(f"{file} has {size:,} bytes, and no table is read that has more than {LARGEST:,}")
        refuse_html(file)
        content = file.read_bytes()
    except OSError as error:
        raise ValueError(f"{file} can't be read ({error.strerror or error})") from error
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b")):
        raise ValueError(f"{file} is a spreadsheet, or packed, and no text: save it as csv")
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # Excel's "Unicode text"
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"{file}, line {line}: this is not text in UTF-8: save it as that") from error
    if "\0" in text:
        raise ValueError(f"{file}, line {text[: text.index(chr(0))].count(chr(10)) + 1}: it has a zero byte: no text")
    return text


def read_rows(file: Path) -> tuple[list[str], list[Row]]:
    """The header of a csv file, with trimmed names, and its rows. Empty lines are left out.

    The separator is a comma, or without commas in the header a semicolon, a tab or a bar, or as a first line such as
    ``sep=;`` says. A first column without a name that numbers the rows is pandas' index and is left out.

    Raises:
        ValueError: the file is no text or has no header or rows, a column has no name, two columns have the same name,
            or a row has more or fewer cells than the header.
    """
    text = read_text(file)
    first = next((line for line in text.splitlines() if line.strip()), "").lstrip()
    if first[:1] in ("", "{", "["):
        raise ValueError(f"{file} is {'JSON' if first else 'empty'}: a csv is read, whose first line names its columns")
    separator = next((one for one in SEPARATORS if one in first), ",")
    if first.lower().startswith("sep="):  # as Excel writes and reads it
        separator, text = first[4:5] or ",", text.replace(first, "", 1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        rows = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise ValueError(f"{file}, line {reader.line_num}: it can't be read as csv ({error})") from error
    if len(rows) < 2:
        raise ValueError(f"{file} has a header at most, and no lines below it")
    (line, header), *rows = rows
    if header[0].startswith("#"):
        raise ValueError(f"{file}, line {line}: {first[:40]!r} is a comment: the first line has to name the columns")
    for line, cells in rows:
        if len(cells) != len(header):
            why = f"{len(cells)} columns, and {len(header)} in the header (parted by {separator!r})"
            why = f"{cells[0][:40]!r} is a comment" if cells[0].startswith("#") else why
            raise ValueError(f"{file}, line {line}: {why}: mend it, or take it away")
    header = [unicodedata.normalize("NFC", name.strip()) for name in header]
    if header[0].lower() in INDEX and all(cells[0].isdigit() for _, cells in rows):
        header, rows = header[1:], [(line, cells[1:]) for line, cells in rows]
    _check_names(file, header)
    return header, rows


def _check_names(file: Path, header: list[str]) -> None:
    if "" in header[1:]:  # the first column may be pandas' index of paths, which has no name
        raise ValueError(f"{file} has a column without a name: is there a comma at the end of its first line?")
    if odd := next((name for name in header if not name.isprintable()), None):
        raise ValueError(f"{file}: the column {odd!r} has a line break or the like in its name: take it out")
    if long := next((name for name in header if len(name) > LONGEST_NAME), None):
        raise ValueError(f"{file}: the column {long[:40]!r}… has a name of more than {LONGEST_NAME} characters")
    folded = [name.casefold() for name in header]
    if twice := next((name for name in header if folded.count(name.casefold()) > 1), None):
        raise ValueError(f"{file} has two columns named {twice!r}, or differing by upper case alone: take away one")
