"""Valid files, damaged: bytes flipped, cut, doubled, moved, replaced by what means something to some reader."""

from __future__ import annotations

import bz2
import gzip
import io
import zipfile
from collections.abc import Callable

from hypothesis import strategies as st

ODD_BYTES = (
    *(
        b"",
        b"\0",
        b"\0\0\0\0",
        b"\xff",
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff",
        b"\xff\xff\xff\x7f",
        b"\x80",
        b"\x01",
    ),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\n", b"\r", b"\r\n", b"\x0b", b"\x1a", b"\x1b[31m", b"\x7f"),
    *(b'"', b"'", b",", b";", b"\t", b"|", b"#", b"\\", b"{", b"[", b"]", b"}", b":", b"-", b"/", b"%s", b"${x}"),
    *("\x85".encode(), "\u2028".encode(), "\u202e".encode(), "²".encode(), "é".encode("latin-1"), "𝔘".encode()),
    *(b"\xed\xa0\x80", b"\xc0\xaf", b"-1", b"1e999", b"nan", b"9" * 400, b"9" * 5000, b"../", b"/", b"C:", b"~"),
    *(b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"\x93NUMPY", b"<html>", b"%!PS-Adobe-3.0", b"PAR1", b"0", b"1"),
)
Change = Callable[[bytes, int, int, bytes], bytes]


def _turned(whole: bytes, start: int, stop: int, odd: bytes) -> bytes:
    """A bit, which of them ``stop`` says."""
    return whole[:start] + bytes([whole[start] ^ 1 << stop % 8]) + whole[start + 1 :] if start < len(whole) else whole


CHANGES: dict[str, Change] = {  # of what lies from start to stop
    "turned": _turned,
    "written over": lambda whole, start, stop, odd: whole[:start] + odd + whole[start + len(odd) :],
    "put in": lambda whole, start, stop, odd: whole[:start] + odd + whole[start:],
    "replaced": lambda whole, start, stop, odd: whole[:start] + odd + whole[stop:],
    "taken out": lambda whole, start, stop, odd: whole[:start] + whole[stop:],
    "doubled": lambda whole, start, stop, odd: whole[:stop] + whole[start:],
    "moved to the end": lambda whole, start, stop, odd: whole[:start] + whole[stop:] + whole[start:stop],
    "zeroed": lambda whole, start, stop, odd: whole[:start] + bytes(stop - start) + whole[stop:],
    "turned round": lambda whole, start, stop, odd: whole[:start] + whole[start:stop][::-1] + whole[stop:],
    "cut off": lambda whole, start, stop, odd: whole[:start],
    "begun late": lambda whole, start, stop, odd: whole[start:],
    "gone on": lambda whole, start, stop, odd: whole + odd * 3,
}


def zipped(content: bytes, name: str = "inside") -> bytes:
    """A zip of one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # of no time: the same every time
    return buffer.getvalue()


def _encoded(name: str) -> Callable[[bytes], bytes]:
    return lambda content: content.decode("utf-8", "replace").encode(name, "replace")


WHOLE: dict[str, Callable[[bytes], bytes]] = {  # of all of a file
    "nothing": lambda content: b"",
    "utf-16": _encoded("utf-16"),
    "utf-16 without a mark": _encoded("utf-16-be"),
    "utf-32": _encoded("utf-32"),
    "utf-8 with a mark": _encoded("utf-8-sig"),
    "latin": _encoded("latin-1"),
    "ebcdic": _encoded("cp500"),
    "gzipped": lambda content: gzip.compress(content, 1, mtime=0),
    "gzipped twice": lambda content: gzip.compress(gzip.compress(content, 1, mtime=0), 1, mtime=0),
    "gzipped and cut": lambda content: gzip.compress(content, 1, mtime=0)[:-7],
    "bzip2": bz2.compress,
    "zipped": zipped,
    "zipped twice": lambda content: zipped(zipped(content)),
    "lines of Windows": lambda content: content.replace(b"\n", b"\r\n"),
    "lines of an old Mac": lambda content: content.replace(b"\n", b"\r"),
    "lines of nobody": lambda content: content.replace(b"\n", "\u2028".encode()),
    "one line": lambda content: content.replace(b"\n", b" "),
    "a long line": lambda content: content + b"x" * 200_000,
    "a long line first": lambda content: b"0" * 140_000 + content,
    "many lines": lambda content: content + b"\n" * 10_000,
    "twice": lambda content: content + content,
    "a page": lambda content: b"<!DOCTYPE html><html>quota</html>",
    "zeros": lambda content: bytes(len(content)),
}


@st.composite
def damaged(draw: st.DrawFn, content: bytes, least: int = 1) -> bytes:
    """A file's bytes, with one to four changes; ``least=0``: or none."""
    if draw(st.integers(0, 9)) == 0:
        content = WHOLE[draw(st.sampled_from(sorted(WHOLE)))](content)
        least = 0
    for _ in range(draw(st.sampled_from((least, 1, 1, 2, 4)))):
        start = draw(st.integers(0, len(content)))
        stop = min(len(content), start + draw(st.sampled_from((1, 2, 4, 8, 30, 200))))
        change = CHANGES[draw(st.sampled_from(sorted(CHANGES)))]
        content = change(content, start, stop, draw(st.sampled_from(ODD_BYTES) | st.binary(max_size=8)))
    return content
