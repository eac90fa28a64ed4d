"""Small pictures in the formats and modes that Pillow writes, to be damaged."""

from __future__ import annotations

import functools
import io
import struct
import zlib

import numpy as np
from fuzzing.mutations import damaged
from hypothesis import strategies as st
from malformed import encoded
from PIL import Image

MODES = ("RGB", "L", "P", "RGBA", "LA", "1", "I;16", "I", "F", "CMYK", "YCbCr", "PA")
BEFORE = {"I;16": "I", "PA": "P", "F": "L", "I": "L"}  # by which a mode is come to
SIZES = ((20, 20), (1, 1), (31, 17), (1, 60))
OPTIONS: dict[str, tuple[dict[str, object], ...]] = {
    "PNG": ({}, {"transparency": 0}, {"dpi": (1, 2)}),
    "JPEG": ({}, {"progressive": True}, {"quality": 100, "subsampling": 0}, {"comment": b"x" * 50}),
    "TIFF": tuple(
        {"compression": name} for name in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4", "zstd")
    ),
    "WEBP": ({}, {"lossless": True}),
    "GIF": ({}, {"interlace": 0}, {"transparency": 0}),
    "PPM": ({},),
    "TGA": ({}, {"compression": "tga_rle"}),
}


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E], exif[0x8769] = 6, "x" * 20, {0x9003: "2000:01:01 00:00:00"}
    return exif.tobytes()


@functools.cache
def valid(kind: str, mode: str, size: tuple[int, int], number: int, more: str) -> bytes:
    """A picture of noise as Pillow writes it; a PNG where format, mode and options don't go together."""
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    image = Image.fromarray(values).convert(BEFORE.get(mode, "RGB")).convert(mode)
    several = {"save_all": True, "append_images": [image, image]}
    options = {
        **OPTIONS.get(kind, ({},))[number % len(OPTIONS.get(kind, ({},)))],
        **(several if more == "frames" else {}),
    }
    buffer = io.BytesIO()
    try:
        image.save(buffer, kind, **options, **({"exif": _exif()} if more == "exif" else {}))
    except Exception:  # each format has its own
        return encoded(Image.fromarray(values))
    return buffer.getvalue()


@functools.cache
def formats() -> list[str]:
    """What Pillow writes, but for what it only hands on to another program."""
    Image.init()
    return sorted(Image.SAVE.keys() - {"PDF", "BUFR", "GRIB", "HDF5", "WMF"})


@st.composite
def _valid(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from(("JPEG", "PNG", "TIFF", "GIF", "WEBP")) | st.sampled_from(formats()))
    mode, size = draw(st.sampled_from(("RGB", *MODES))), draw(st.sampled_from(((20, 20), *SIZES)))
    more = draw(st.sampled_from(("", "", "exif", "frames")))
    return valid(kind, mode, size, draw(st.integers(0, 6)), "" if kind == "TIFF" and more == "exif" else more)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@st.composite
def _pngs(draw: st.DrawFn) -> bytes:
    """PNGs whose checksums hold whatever their header says."""
    sides = st.sampled_from((0, 1, 3, 20, 20, 8000, 8200, 65536, 2**31 - 1, 2**32 - 1))
    header = struct.pack(
        ">IIBBBBB",
        *(draw(sides), draw(sides), draw(st.sampled_from((1, 2, 4, 8, 8, 16, 3)))),
        *(draw(st.sampled_from((0, 2, 3, 4, 6, 7))), 0, 0, draw(st.sampled_from((0, 1, 2)))),
    )
    kinds = (b"PLTE", b"tRNS", b"gAMA", b"iCCP", b"zTXt", b"tEXt", b"iTXt", b"pHYs", b"eXIf", b"acTL", b"fcTL", b"fdAT")
    some = [_chunk(draw(st.sampled_from(kinds)), draw(st.binary(max_size=30))) for _ in range(draw(st.integers(0, 3)))]
    rows = zlib.compress(draw(st.sampled_from((b"", b"\0" * 1300, b"\4" * 1300, b"\9" * 40))))
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(some) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")
    )


TEXTS = (
    *(b"P5 20 20 255\n" + bytes(400), b"P2\n20 20\n255\n" + b"1 " * 400, b"P1 2 2 1 0 1 0", b"P6 99999 99999 255\n"),
    *(
        b"P4 20 20\n" + bytes(60),
        b"Pf 4 4 -1.0\n" + bytes(64),
        b"P5 8000 8000 255\n",
        b"P7\nWIDTH 2\nHEIGHT 2\nENDHDR\n",
    ),
    *(b"#define x_width 8\n#define x_height 8\nstatic char x_bits[] = { 0x00, 0x01 };", b"<svg></svg>"),
    *(b'/* XPM */\nstatic char *x[] = {\n"2 2 1 1",\n"a c #fff",\n"aa",\n"aa"};', b"%!PS-Adobe-3.0 EPSF-3.0\n"),
    *(
        b"8BPS\0\1" + bytes(6) + b"\0\3\0\0\0\x14\0\0\0\x14\0\x08\0\3" + bytes(60),
        b"SIMPLE  =                    T" + b" " * 50,
    ),
)


def pictures() -> st.SearchStrategy[bytes]:
    """A picture, most often damaged."""
    return st.one_of(
        _valid().flatmap(damaged),
        _valid().flatmap(damaged),
        _valid().flatmap(lambda content: damaged(content, least=0)),
        _pngs(),
        st.sampled_from(TEXTS).flatmap(lambda content: damaged(content, least=0)),
        st.binary(max_size=60),
    )
