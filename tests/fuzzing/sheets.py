"""Tables, damaged: cells replaced, rows and columns taken away, doubled, moved, parted by something else."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

Sheet = list[list[str]]

CELLS = (
    *("", " ", "0", "1", "-1", "+1", "1.0", "-1.0", "true", "FALSE", "nan", "NaN", "None", "null", "2", "-2", "0.5"),
    *("1e400", "-0", "0x1", "1_0", "9" * 30, "9" * 5000, "²", "½", "٣", "１", "1,0", "1;0", "=1+1", "@x", "\t1"),
    *('"', '""', '"1', "'", "a\nb", "a\rb", "a\u2028b", "a\0b", "a\x1b[31mb", "\u202eb", "\ufeff", "é", "e\u0301"),
    *("x" * 300, "x" * 140_000, "/etc/passwd", "../a.png", "..", ".", "/", "C:\\a.png", "\\\\host\\a.png", "~/a.png"),
    *("a.png", "A.PNG", "./a.png", "a.png/", "a.png/b.png", "none.png", "a.png\0", "000001.jpg", "1.jpg", ".jpg"),
    *("train", "val", "test", "TRAIN", "dev", "split", "Split", "file", "image_id", "partition", "index", "Smiling"),
    *("smiling", "Male", "#", "# x", "sep=;", "[red]x", "{x}", "%d", "𝔘", "\ud7ff", "\x85", "\x1c", "\xa0"),
)
LETTERS = "aA01.-+/\\\"', ;\t|#=\r\n\0\x1b\x85\xa0\ufeff\u2028\u202eéß²٣Ａ𝔘\ud800"
SEPARATORS = (",", ",", ",", ";", "\t", "|", " ", "  ", ":", ", ", "")
ENDS = ("\n", "\n", "\n", "\r\n", "\r", "\n\n", "\u2028", "")


@st.composite
def sheets(draw: st.DrawFn, valid: Sheet, separators: Sequence[str] = SEPARATORS) -> str:
    """A table with up to five changes, as text.

    Args:
        draw: hypothesis'.
        valid: its rows, the header among them.
        separators: of the cells, one of which is taken for all.
    """
    rows = [list(row) for row in valid]
    for _ in range(draw(st.sampled_from((0, 1, 1, 2, 5)))):
        rows = draw(_changed(rows))
    separator, end = draw(st.sampled_from(separators)), draw(st.sampled_from(ENDS))
    if draw(st.integers(0, 3)) == 0:
        rows = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in rows]
    text = end.join(separator.join(row) for row in rows)
    return draw(st.sampled_from(("", "", "", "", "", "\ufeff", "sep=;\n", "\n\n", "# x\n", "12\n"))) + text + end


@st.composite
def _changed(draw: st.DrawFn, rows: Sheet) -> Sheet:
    if not rows:
        return [["file", "Smiling"]]
    i, j = (draw(st.integers(0, len(rows) - 1)) for _ in range(2))
    column = draw(st.integers(0, max(0, max(map(len, rows)) - 1)))
    cell = draw(st.sampled_from(CELLS) | st.text(LETTERS, max_size=6))
    row = rows[i]
    match draw(st.integers(0, 12)):
        case 0 | 1 | 2:
            rows[i] = [cell if n == column else each for n, each in enumerate(row)]
        case 3:
            rows[i] = row[:column] + row[column + 1 :]
        case 4:
            rows[i] = [*row[:column], cell, *row[column:]]
        case 5:
            rows.insert(j, list(row))
        case 6:
            del rows[i]
        case 7:
            rows[i], rows[j] = rows[j], rows[i]
        case 8:
            rows = [each[:column] + each[column + 1 :] for each in rows]
        case 9:
            rows = [[*each[: column + 1], *each[column:]] for each in rows]
        case 10:
            rows = [[cell if n == column and at else old for n, old in enumerate(each)] for at, each in enumerate(rows)]
        case 11:
            rows = rows[:i]
        case 12:
            rows[i] = [f" {each}\t" for each in row]
    return rows


def as_bytes(text: str) -> bytes:
    """UTF-8, also of half a surrogate pair."""
    return text.encode("utf-8", "surrogatepass")
