"""Image files as people have them: decoded to the right grey, or refused in one line that names it and its kind."""

import io
import os
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from malformed import encoded, faces, folder, grey, in_time
from PIL import Image

from datamodules.photos import decode, decode_run

LABELS = "file,Smiling,split\na.png,1,train\nb.png,0,val\nc.png,1,test\n"


def numbers(value: float, kind: Any) -> Image.Image:
    return Image.fromarray(np.full((20, 20), value, kind))


def clear(mode: str, alpha: int) -> Image.Image:
    """Grey of 40 that is as opaque as is said."""
    image = Image.new("RGBA", (20, 20), (40, 40, 40, alpha))
    return image.convert(mode) if mode != "RGBA" else image


def palette(**options: Any) -> bytes:
    image = Image.new("P", (20, 20), 0)
    image.putpalette([40, 40, 40, 200, 200, 200])
    return encoded(image, **options)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def grey_16_png(value: int) -> bytes:
    rows = (b"\0" + struct.pack(">H", value) * 20) * 20
    header = struct.pack(">IIBBBBB", 20, 20, 16, 0, 0, 0, 0)
    whole = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + whole


def pgm(value: int, white: int) -> bytes:
    return f"P5 20 20 {white}\n".encode() + (struct.pack(">H", value) if white > 255 else bytes([value])) * 400


def two_frames() -> bytes:
    return encoded(grey(40), "GIF", save_all=True, append_images=[grey(200)])


def two_pages() -> bytes:
    return encoded(grey(40), "TIFF", save_all=True, append_images=[grey(200)])


def with_notes(notes: bytes) -> bytes:
    return encoded(grey(40), "JPEG", exif=notes, quality=95)


RIGHT: dict[str, tuple[bytes, int]] = {
    "png": (encoded(grey(40)), 40),
    "jpeg": (encoded(grey(40), "JPEG", quality=95), 40),
    "jpeg of grey": (encoded(grey(40).convert("L"), "JPEG", quality=95), 40),
    "jpeg of four inks": (encoded(grey(40).convert("CMYK"), "JPEG", quality=95), 40),
    "progressive jpeg": (encoded(grey(40), "JPEG", quality=95, progressive=True), 40),
    "webp": (encoded(grey(40), "WEBP", lossless=True), 40),
    "bmp": (encoded(grey(40), "BMP"), 40),
    "gif": (encoded(grey(40), "GIF"), 40),
    "the first frame of a gif": (two_frames(), 40),
    "the first page of a tiff": (two_pages(), 40),
    "tiff": (encoded(grey(40), "TIFF"), 40),
    "tiff of four inks": (encoded(grey(40).convert("CMYK"), "TIFF"), 40),
    "ppm": (encoded(grey(40), "PPM"), 40),
    "one bit": (encoded(grey(255).convert("1")), 255),
    "a palette": (palette(), 40),
    "a palette whose colour is clear": (palette(transparency=0), 255),
    "a palette with another colour clear": (palette(transparency=1), 40),
    "clear": (encoded(clear("RGBA", 0)), 255),
    "half clear": (encoded(clear("RGBA", 128)), 147),
    "opaque": (encoded(clear("RGBA", 255)), 40),
    "clear grey": (encoded(clear("LA", 0)), 255),
    "half clear grey": (encoded(clear("LA", 128)), 147),
    "a colour that is clear": (encoded(grey(40), transparency=(40, 40, 40)), 255),
    "a grey that is clear": (encoded(grey(40).convert("L"), transparency=40), 255),
    "a clear webp": (encoded(clear("RGBA", 0), "WEBP", lossless=True, exact=True), 255),
    "a clear tiff": (encoded(clear("RGBA", 0), "TIFF"), 255),
    "a clear gif": (encoded(clear("RGBA", 0), "GIF"), 255),
    "16 bits": (grey_16_png(40 * 257), 40),
    "16 bits, and dark": (grey_16_png(200), 0),
    "16 bits in a tiff": (encoded(numbers(40 * 257, np.uint16), "TIFF"), 40),
    "16 bits in a pgm": (pgm(40 * 257, 65535), 40),
    "10 bits in a pgm": (pgm(160, 1023), 40),
    "4 bits in a pgm": (pgm(8, 15), 136),
    "decimals": (encoded(numbers(40 / 255 + 1e-4, np.float32), "TIFF"), 40),
    "decimals, all black": (encoded(numbers(0, np.float32), "TIFF"), 0),
    "decimals, all white": (encoded(numbers(1, np.float32), "TIFF"), 255),
    "one pixel": (encoded(grey(40, side=1)), 40),
    "a line of pixels": (encoded(grey(40).resize((300, 1))), 40),
    "notes that can't be read": (with_notes(b"Exif\0\0MM\0*\0\0\0\x08\0\xff" + b"\xff" * 30), 40),
    "notes of no kind": (with_notes(b"Exif\0\0nonsense"), 40),
    "bytes after the end": (encoded(grey(40)) + b"more", 40),
}


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("content", "value"), RIGHT.values(), ids=RIGHT)
def test_a_picture_of_any_kind_has_its_grey(content: bytes, value: int, channels: int) -> None:
    for crop in ("aif", "none"):
        found = decode(content, crop, 16, channels)  # type: ignore[arg-type]
        assert found.shape == (channels, 16, 16)
        assert np.abs(found.astype(int) - value).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_upright_whatever_the_camera_noted(orientation: int) -> None:
    """Dark above, light below, on the camera's side that its note calls the top."""
    upright = Image.fromarray(np.repeat(np.linspace(20, 220, 32).astype(np.uint8)[:, None], 32, 1))
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what a camera that is held so does, as Pillow numbers it
    turned = upright.transpose(Image.Transpose(turn[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = decode(encoded(turned, "TIFF", exif=exif), "aif", 32, 1)[0]
    assert np.abs(found.astype(int) - np.asarray(upright)).max() <= 1


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", encoded(grey(40)))
    return buffer.getvalue()


def box(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1" + brand + b"\0" * 40


WHOLE = encoded(Image.effect_noise((60, 60), 90), "JPEG")
NONE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", r"it is empty \(0 bytes\)"),
    "zeros": (bytes(2000), "it is nothing but zero bytes: a download or a disk failed"),
    "text": (b"see the other folder\n", r"it is text \('see the other folder'\)"),
    "html": (b"\n<!DOCTYPE html><html>Quota exceeded</html>", "it is an HTML page: a download service sent it"),
    "json": (b'{"error": 404}', r"""it is text \('\{"error": 404\}'\)"""),
    "a pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "it is a Git LFS pointer",
    ),
    "heic": (box(b"heic"), "it is a HEIC picture: save it as JPEG or PNG"),
    "mp4": (box(b"isom"), r"it is a video \(MP4 or QuickTime\)"),
    "webm": (b"\x1aE\xdf\xa3" + bytes(range(256)), "it is a video"),
    "svg": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "it is an SVG, which has no pixels"),
    "pdf": (b"%PDF-1.7 " + bytes(range(128, 256)), "it is a PDF"),
    "a zip": (zipped(), "it is a zip, or an office document"),
    "gzip": (b"\x1f\x8b\x08\0" + bytes(range(128, 256)), "it is gzipped"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(100), "it is a 7z archive"),
    "numpy": (b"\x93NUMPY\x01\0", "it is a NumPy array"),
    "macOS' notes": (b"\0\5\x16\7\0\2\0\0" + bytes(40), r"it is macOS' notes on a file \(AppleDouble\)"),
    "noise": (b"\xf7" + bytes(range(128, 256)) * 4, "it is of no format that is read .*, or its beginning is damaged"),
    "half a jpeg": (WHOLE[: len(WHOLE) // 2], "truncated|broken"),
    "the beginning of a jpeg": (WHOLE[:30], "."),
    "a jpeg without its beginning": (WHOLE[2:], "it is of no format that is read .*, or its beginning is damaged"),
    "half a png": (encoded(Image.effect_noise((60, 60), 90))[:1500], "truncated|broken|unrecognized"),
    "a png with a wrong byte": (encoded(Image.effect_noise((60, 60), 90))[:200] + b"\xff" * 2000, "."),
    "a bomb": (encoded(Image.new("1", (20_000, 20_000))), "more than 67,108,864 pixels: a decompression bomb"),
    "a smaller bomb": (encoded(Image.new("1", (9_000, 9_000))), "more than 67,108,864 pixels: a decompression bomb"),
    "postscript": (encoded(Image.new("RGB", (9, 9)), "EPS"), "it is PostScript, a program: save it as PNG"),
    "a format of few": (encoded(Image.new("RGB", (9, 9)), "TGA"), "it is of no format that is read"),
    "an icon": (encoded(Image.new("RGB", (16, 16)), "ICO"), "it is of no format that is read"),
    "32 bits": (encoded(numbers(40 * 257, np.int32), "TIFF"), "its whole numbers have 32 bits, and no known white"),
    "32 bits, and dark": (encoded(numbers(40, np.int32), "TIFF"), "its whole numbers have 32 bits, and no known white"),
    "decimals above 1": (encoded(numbers(1.2, np.float32), "TIFF"), r"its decimal numbers go from 1\.2 to 1\.2: scale"),
    "decimals to 255": (encoded(numbers(200, np.float32), "TIFF"), "go from 200 to 200: scale them to 0 .* to 1"),
    "decimals below 0": (encoded(numbers(-0.5, np.float32), "TIFF"), r"go from -0\.5 to -0\.5: scale"),
    "no numbers": (encoded(numbers(np.nan, np.float32), "TIFF"), "go from nan to nan: scale"),
    "numbers without end": (encoded(numbers(np.inf, np.float32), "TIFF"), "go from inf to inf: scale"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("content", "said"), NONE.values(), ids=NONE)
def test_what_is_no_picture_is_named_or_left_out(content: bytes, said: str, tmp_path: Path) -> None:
    root = faces(tmp_path / "faces", LABELS + "d.png,1,train\n")
    (root / "d.png").write_bytes(content)
    with pytest.raises(ValueError, match=rf"d\.png in .*faces can't be decoded \(.*({said})") as raised, in_time():
        folder(root).prepare_data()
    assert "\n" not in str(raised.value)
    assert "BytesIO" not in str(raised.value)
    left = folder(root, on_corrupt="skip")
    left.prepare_data()
    assert [len(left.tensors(split)[0]) for split in ("train", "val", "test")] == [1, 1, 1]


def pipe(file: Path) -> None:
    os.mkfifo(file)


def device(file: Path) -> None:
    file.symlink_to("/dev/zero")


def directory(file: Path) -> None:
    file.mkdir()


def long(file: Path) -> None:
    with file.open("wb") as content:
        content.truncate(2**28 + 1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (pipe, r"d\.png .*can't be read \(a pipe, no file\)"),
        (device, r"d\.png .*can't be read \(a device, no file\)"),
        (directory, r"d\.png .*can't be read \(a directory, no file\)"),
        (long, r"d\.png in .* has 268,435,457 bytes: refused"),
    ],
)
def test_what_would_hang_or_never_end_is_refused(make: Callable[[Path], None], said: str, tmp_path: Path) -> None:
    root = faces(tmp_path / "faces", LABELS + "d.png,1,train\n")
    make(root / "d.png")
    with pytest.raises(ValueError, match=said), in_time():
        folder(root).prepare_data()
    with pytest.raises(ValueError, match=said), in_time():
        decode_run("directory", str(root), ["d.png"], "aif", 16, 3)


def test_a_table_without_end_is_not_read(tmp_path: Path) -> None:
    root = faces(tmp_path / "faces", LABELS)
    with (root / "labels.csv").open("r+b") as content:
        content.truncate(2**40)
    with pytest.raises(ValueError, match=r"labels\.csv has 1,099,511,627,776 bytes, and no table is read"):
        folder(root)


@pytest.mark.parametrize("raised", [KeyError("tag"), IndexError(), MemoryError(), AssertionError("a\nb")])
def test_whatever_pillow_raises_is_of_the_file(
    raised: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = faces(tmp_path / "faces", LABELS)

    def damaged(*_: object) -> None:
        raise raised

    monkeypatch.setattr(Image.Image, "convert", damaged)
    with pytest.raises(ValueError, match=r"a\.png in .* can't be decoded \(.+\): mend it") as told:
        decode_run("directory", str(root), ["a.png"], "aif", 16, 3)
    assert "\n" not in str(told.value)


def test_people_link_their_pictures(tmp_path: Path) -> None:
    root = faces(tmp_path / "faces", LABELS + "d.png,1,train\n")
    (root / "a.png").rename(tmp_path / "elsewhere.png")
    (root / "a.png").symlink_to(tmp_path / "elsewhere.png")
    (root / "d.png").symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_bytes(b"\xffsecret")
    with pytest.raises(ValueError, match=r"d\.png in .* can't be decoded \(it is of no format") as raised:
        folder(root).prepare_data()
    assert "secret" not in str(raised.value)
    assert [len(folder(root, on_corrupt="skip").tensors(split)[0]) for split in ("train", "val", "test")] == [1, 1, 1]


def test_a_link_that_leads_nowhere_has_no_such_file(tmp_path: Path) -> None:
    root = faces(tmp_path / "faces", LABELS + "d.png,1,train\n")
    (root / "d.png").symlink_to(root / "gone.png")
    with pytest.raises(ValueError, match=r"lists d\.png, but .* has no such file"):
        folder(root).prepare_data()


def test_what_pillow_says_of_pictures_that_it_reads_is_kept_from_the_user(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 1
    root = faces(tmp_path / "faces", LABELS)
    (root / "a.png").write_bytes(encoded(grey(40), exif=exif.tobytes()[:-8]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_run("directory", str(root), ["a.png"], "aif", 16, 3)[0].mean() == 40
