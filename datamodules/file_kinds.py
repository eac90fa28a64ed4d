"""What a file that is no picture holds: the first bytes of what is found under the name of one."""

from __future__ import annotations

HTML = (b"<!doctype html", b"<html", b"<head")
"""In small letters, after any blanks."""
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
BRANDS = {  # of the box format that some pictures and most videos come in
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"mif1", b"msf1"), "a HEIC picture: save it as JPEG or PNG"),
    **dict.fromkeys((b"avif", b"avis"), "an AVIF picture: save it as JPEG or PNG"),
}
NO_FORMAT = "of no format that is read (JPEG, PNG, WebP, TIFF, BMP, GIF, PPM, JPEG 2000), or its beginning is damaged"


def kind(content: bytes) -> str:
    """What a file holds that is of no format that is read, for a message."""
    if not content:
        return "empty (0 bytes)"
    if said := next((said for start, said in STARTS.items() if content.startswith(start)), None):
        return said
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
