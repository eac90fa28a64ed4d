"""What a file holds that is named like an image and is none, recognised by its first bytes."""

from __future__ import annotations

HTML = (b"<!doctype html", b"<html", b"<head")
"""Beginnings in lower case, after white space."""
STARTS = {
    b"version https://git-lfs": "a Git LFS pointer in place of the file: git lfs pull gets it",
    b"PK\x03\x04": "a zip, or an office document",
    b"%PDF": "a PDF",
    b"%!PS": "PostScript, a program: save it as PNG",
    b"\xc5\xd0\xd3\xc6": "PostScript, a program: save it as PNG",
    b"\x1f\x8b": "gzipped",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x00\x05\x16\x07": "macOS' notes on a file (AppleDouble), not the file",
    b"\x1aE\xdf\xa3": "a video (WebM or Matroska)",
    b"\x93NUMPY": "a NumPy array",
}
BRANDS = {  # brands of the ISO base media file format, which HEIC, AVIF and most videos use
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"mif1", b"msf1"), "a HEIC picture: save it as JPEG or PNG"),
    **dict.fromkeys((b"avif", b"avis"), "an AVIF picture: save it as JPEG or PNG"),
}
NO_FORMAT = "of no format that is read (JPEG, PNG, WebP, TIFF, BMP, GIF, PPM, JPEG 2000), or its beginning is damaged"


def kind(content: bytes) -> str:
    """The kind of a file whose format is not read, for a message."""
    if not content:
        return "empty (0 bytes)"
    if known := next((name for start, name in STARTS.items() if content.startswith(start)), None):
        return known
    if content[4:8] == b"ftyp":
        return BRANDS.get(content[8:12], "a video (MP4 or QuickTime)")
    if not content.strip(b"\0"):
        return "nothing but zero bytes: a download or a disk failed"
    start = content[:512].lstrip().lower()
    if start.startswith(HTML):
        return "an HTML page: a download service sent it in place of the picture"
    if b"<svg" in start:
        return "an SVG, which has no pixels: save it as PNG"
    try:
        text = content[:512].decode("utf-8", "strict" if len(content) <= 512 else "ignore")
    except UnicodeDecodeError:
        return NO_FORMAT
    printable = sum(one.isprintable() or one.isspace() for one in text)
    if text and printable == len(text):
        return f"text ({' '.join(text.split())[:30]!r})"
    return NO_FORMAT
