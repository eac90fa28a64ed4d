"""Photographs: what a decoded square holds, and what is refused."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datamodules.contents import contents
from datamodules.photos import decode, decode_run
from datamodules.sources import Directory, Zip
from photos.squares import square


def picture(width: int = 178, height: int = 218) -> Image.Image:
    """Red falls to the right, green downwards."""
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([255 - x, y, np.full_like(x, 50)], -1).clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("crop", ["aif", "jacsup"])
def test_the_papers_crops_are_rows_20_to_198(crop: str) -> None:
    pixels = square(picture(), crop, 178)  # type: ignore[arg-type]
    assert np.array_equal(pixels, np.asarray(picture())[20:198])
    small = square(picture(), crop, 64).astype(float)  # type: ignore[arg-type]
    assert small.shape == (64, 64, 3)
    assert abs(small.mean() - np.asarray(picture())[20:198].mean()) < 1


def test_the_whole_picture_is_kept_without_a_crop() -> None:
    pixels = square(picture(100, 200), "none", 200)
    assert np.array_equal(pixels[:, 50:150], np.asarray(picture(100, 200)))
    assert np.array_equal(pixels[:, 0], pixels[:, 50]), "its edge is repeated"
    assert np.array_equal(pixels[:, -1], pixels[:, 149])


@pytest.mark.parametrize("crop", ["aif", "jacsup", "none"])
def test_decoding_at_a_fraction_of_the_size_gives_the_same_picture(crop: str) -> None:
    content = encoded(picture(712, 872), quality=95)
    whole = square(Image.open(io.BytesIO(content)).convert("RGB"), crop, 64)  # type: ignore[arg-type]
    found = decode(content, crop, 64, 3)  # type: ignore[arg-type]
    assert found.shape == (3, 64, 64)
    assert np.abs(found.transpose(1, 2, 0).astype(int) - whole).mean() < 1.5


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "1", "I;16", "CMYK"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_picture(mode: str, channels: int) -> None:
    if mode == "I;16":
        image = Image.fromarray((np.asarray(picture().convert("L")).astype(np.uint16)) * 257)
    else:
        image = picture().convert(mode)
    found = decode(encoded(image, "TIFF"), "none", 32, channels)
    assert found.shape == (channels, 32, 32)
    if channels == 1 or mode in ("L", "LA", "I;16"):
        whole = square(image.convert("L") if mode != "I;16" else picture().convert("L"), "none", 32)
        assert np.abs(found.astype(int) - whole).mean() < 2
    elif mode == "RGB":
        assert np.abs(found.transpose(1, 2, 0).astype(int) - square(image, "none", 32)).mean() < 2


def test_an_upright_picture_whatever_the_camera_noted() -> None:
    turned = picture().rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise to see it upright
    upright = decode(encoded(turned, quality=95, exif=exif), "none", 64, 3).astype(int)
    assert np.abs(upright - decode(encoded(picture(), quality=95), "none", 64, 3)).mean() < 3


def test_a_truncated_file_is_named_or_left_out(tmp_path: Path) -> None:
    (tmp_path / "whole.jpg").write_bytes(encoded(picture()))
    (tmp_path / "cut.jpg").write_bytes(encoded(picture())[:1500])
    (tmp_path / "page.jpg").write_text("<html>quota exceeded</html>")
    names = ["whole.jpg", "cut.jpg", "page.jpg"]
    settings = {"crop": "aif", "resolution": 32, "channels": 3}
    with pytest.raises(ValueError, match=r"cut.jpg in .* can't be decoded .*truncated.*data.on_corrupt=skip"):
        decode_run("directory", str(tmp_path), names, **settings)  # type: ignore[arg-type]
    images, good = decode_run("directory", str(tmp_path), names, on_corrupt="skip", **settings)  # type: ignore[arg-type]
    assert good.tolist() == [True, False, False]
    assert images[0].any()
    with pytest.raises(ValueError, match=r"gone.jpg is listed, but .* has no such image"):
        decode_run("directory", str(tmp_path), ["gone.jpg"], on_corrupt="skip", **settings)  # type: ignore[arg-type]


def test_a_decompression_bomb_is_refused(tmp_path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    assert (tmp_path / "bomb.png").stat().st_size < 100_000
    with pytest.raises(ValueError, match="bomb"):
        decode_run("directory", str(tmp_path), ["bomb.png"], "aif", 32, 3)


@pytest.mark.parametrize(
    "name", ["/etc/face.jpg", "../face.jpg", "a/../../face.jpg", "C:\\face.jpg", "a\\..\\..\\b.jpg"]
)
def test_paths_that_lead_out_are_refused(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        archive.writestr(name, encoded(picture()))
    with pytest.raises(ValueError, match="leads out of it: refused"):
        Zip(str(tmp_path / "faces.zip"))
    with pytest.raises(ValueError, match="leads out of it: refused"):
        Directory(str(tmp_path)).read(name)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html><html>Quota exceeded</html>", "is an HTML page"),
        (b"\n  <HTML><head>", "is an HTML page"),
        (b"PK\x03\x04 and then nothing", "is not a zip, or only a part of one"),
        (b"7z\xbc\xaf\x27\x1c", "is not a zip, or only a part of one"),
        (b"", "is not a zip, or only a part of one"),
    ],
)
def test_what_is_named_zip_and_is_none(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "faces.zip").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        Zip(str(tmp_path / "faces.zip"))


def test_a_source_notices_what_changed(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.jpg").write_bytes(encoded(picture()))
    (tmp_path / "notes.txt").write_text("no image")
    source = Directory(str(tmp_path))
    assert list(source.names()) == ["deep/a.jpg"]
    before = contents(source, ["deep/a.jpg"], tmp_path)
    assert np.array_equal(contents(source, ["deep/a.jpg"], tmp_path), before)
    (tmp_path / "b.png").write_bytes(encoded(picture(), "PNG"))
    assert contents(source, ["b.png", "deep/a.jpg"], tmp_path)[0] != before[0]
    (tmp_path / "deep" / "a.jpg").write_bytes(encoded(picture(100, 100)))
    assert contents(source, ["deep/a.jpg"], tmp_path)[0] != before[0]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_the_projects_own_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photos.opening.LARGEST", 178 * 218 - 1)
    with pytest.raises(ValueError, match="decompression bomb"):
        decode(encoded(picture()), "aif", 32, 3)
    monkeypatch.setattr("datamodules.sources.LARGEST_FILE", 100)
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        archive.writestr("a.jpg", b"0" * 101)
    with pytest.raises(ValueError, match=r"a.jpg .* unpacks to 101 bytes: refused"):
        Zip(str(tmp_path / "faces.zip")).read("a.jpg")


def test_a_damaged_entry_of_a_zip_is_named_or_left_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "faces.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.bmp", encoded(picture(), "BMP"))
    content = bytearray((tmp_path / "faces.zip").read_bytes())
    content[60:90] = b"\xff" * 30
    (tmp_path / "faces.zip").write_bytes(bytes(content))
    settings = {"crop": "aif", "resolution": 32, "channels": 3}
    with pytest.raises(ValueError, match=r"a.bmp in .*damaged"):
        decode_run("zip", str(tmp_path / "faces.zip"), ["a.bmp"], **settings)  # type: ignore[arg-type]
    _, good = decode_run("zip", str(tmp_path / "faces.zip"), ["a.bmp"], on_corrupt="skip", **settings)  # type: ignore[arg-type]
    assert not good[0]


def test_what_the_disk_refuses_is_never_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").mkdir()
    with pytest.raises(ValueError, match=r"a.jpg in .* can't be read \(a directory, no file\)"):
        decode_run("directory", str(tmp_path), ["a.jpg"], "aif", 32, 3, on_corrupt="skip")


def test_a_link_that_leads_nowhere_or_round_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "round").symlink_to(tmp_path)
    assert list(Directory(str(tmp_path)).names()) == ["gone.jpg"]
    assert contents(Directory(str(tmp_path)), ["gone.jpg"], tmp_path)[0] < 0


def test_a_picture_of_decimal_numbers() -> None:
    grey = np.asarray(picture().convert("L"))
    values = (grey / 255).astype(np.float32)
    found = decode(encoded(Image.fromarray(values), "TIFF"), "aif", 178, 1)[0]
    assert np.abs(found.astype(int) - grey[20:198]).max() <= 1


def test_two_images_of_one_name_in_a_zip_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for folder in ("one", "two"):
            archive.writestr(f"{folder}/000001.jpg", encoded(picture()))
    with pytest.raises(ValueError, match=r"two images named 000001\.jpg"):
        Zip(str(tmp_path / "faces.zip"))
