"""CelebA's copies that could be mistaken: one line names what has to be done."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from celeba_forms import as_mask_hq
from malformed import in_time
from small_celeba import data, edit, read, small_celeba


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return small_celeba(tmp_path / "copy")


def line_twice(root: Path) -> Path:
    return edit(root / "list_attr_celeba.txt", lambda lines: ["13", *lines[1:], lines[4].replace("-1", " 1")])


def split_twice(root: Path) -> Path:
    return edit(root / "list_eval_partition.txt", lambda lines: [*lines, "000001.jpg 2"])


def mixture(root: Path) -> Path:
    return edit(root / "list_attr_celeba.txt", lambda lines: [*lines[:-1], lines[-1].replace("-1", " 0")])


def no_column(root: Path) -> Path:
    return edit(root / "list_attr_celeba.txt", lambda lines: [lines[0], lines[1].replace("Smiling", ""), *lines[2:]])


def fewer_cells(root: Path) -> Path:
    return edit(root / "list_attr_celeba.txt", lambda lines: [*lines[:3], lines[3][:-3], *lines[4:]])


def a_comment(root: Path) -> Path:
    return edit(root / "list_attr_celeba.txt", lambda lines: [*lines[:3], "# more", *lines[3:]])


def no_label(root: Path) -> Path:
    return edit(root / "list_attr_celeba.txt", lambda lines: [*lines[:3], lines[3].replace(" 1", " ?", 1), *lines[4:]])


def empty_table(root: Path) -> Path:
    (root / "list_attr_celeba.txt").write_text("")
    return root


def latin_1(root: Path) -> Path:
    (root / "list_attr_celeba.txt").write_bytes(b"12\n\xe9\n\n")
    return root


def split_of_three(root: Path) -> Path:
    return edit(root / "list_eval_partition.txt", lambda lines: [*lines[:-1], "000012.jpg 3"])


def split_of_words(root: Path) -> Path:
    return edit(root / "list_eval_partition.txt", lambda lines: [*lines[:-1], "000012.jpg test"])


def split_missing(root: Path) -> Path:
    return edit(root / "list_eval_partition.txt", lambda lines: lines[:-1])


def both_kinds(root: Path) -> Path:
    shutil.copy(root / "img_align_celeba" / "000001.jpg", root / "img_align_celeba" / "000001.png")
    return root


def in_the_wild(root: Path) -> Path:
    (root / "img_align_celeba").rename(root / "img_celeba")
    return root


def packed(root: Path) -> Path:
    shutil.rmtree(root / "img_align_celeba")
    (root / "img_align_celeba_png.7z.001").write_bytes(b"7z\xbc\xaf")
    return root


def no_image_at_all(root: Path) -> Path:
    for file in (root / "img_align_celeba").iterdir():
        file.unlink()
    return root


def counted_by_a_raised_two(root: Path) -> Path:
    """Which Python takes for a digit, and for no number."""
    return edit(root / "list_attr_celeba.txt", lambda lines: ["²", *lines[1:]])


def counted_without_end(root: Path) -> Path:
    return edit(root / "list_attr_celeba.txt", lambda lines: ["9" * 5000, *lines[1:]])


def zip_of(root: Path, method: int, change: Callable[[bytes], bytes]) -> Path:
    """The pictures in a zip, all of it changed."""
    with zipfile.ZipFile(root / "img_align_celeba.zip", "w", method) as archive:
        for file in sorted((root / "img_align_celeba").iterdir()):
            archive.write(file, file.name)
    shutil.rmtree(root / "img_align_celeba")
    archived = root / "img_align_celeba.zip"
    archived.write_bytes(change(archived.read_bytes()))
    return root


def damaged_lzma(root: Path) -> Path:
    return zip_of(root, zipfile.ZIP_LZMA, lambda content: content[:60] + b"\xff" * 60 + content[120:])


def damaged_bzip2(root: Path) -> Path:
    return zip_of(root, zipfile.ZIP_BZIP2, lambda content: content[:60] + b"\xff" * 60 + content[120:])


def of_a_later_version(root: Path) -> Path:
    """Of version 25.5 by its directory."""
    return zip_of(root, zipfile.ZIP_STORED, lambda content: content.replace(b"PK\1\2\x14\3\x14", b"PK\1\2\x14\3\xff"))


def of_no_names(root: Path) -> Path:
    """Names that are said to be UTF-8, and aren't."""

    def change(content: bytes) -> bytes:
        entry = content.index(b"PK\1\2")
        return content[: entry + 9] + b"\x08" + content[entry + 10 : entry + 46] + b"\xff" + content[entry + 47 :]

    return zip_of(root, zipfile.ZIP_STORED, change)


def empty_zip(root: Path) -> Path:
    shutil.rmtree(root / "img_align_celeba")
    with zipfile.ZipFile(root / "img_align_celeba.zip", "w"):
        pass
    return root


def zip_of_a_folder_twice(root: Path) -> Path:
    with zipfile.ZipFile(root / "img_align_celeba.zip", "w") as archive:
        for folder in ("one", "two"):
            archive.write(root / "img_align_celeba" / "000001.jpg", f"{folder}/000001.jpg")
    shutil.rmtree(root / "img_align_celeba")
    return root


def mask_hq_without_its_map(root: Path) -> Path:
    (as_mask_hq(root) / "CelebA-HQ-to-CelebA-mapping.txt").unlink()
    return root


def mask_hq_without_splits(root: Path) -> Path:
    (as_mask_hq(root) / "list_eval_partition.txt").unlink()
    return root


REFUSED = {
    line_twice: r"list_attr_celeba\.txt, line 15: 000003\.jpg is listed twice, first in line 5",
    split_twice: r"list_eval_partition\.txt, line 13: 000001\.jpg is listed twice, first in line 1",
    mixture: r"list_attr_celeba\.txt, line 14: .*='0', and '-1' in .*list_attr_celeba\.txt, line .*: which of them",
    no_column: r"list_attr_celeba\.txt does not have CelebA's 40 attributes: .* without 'Smiling'",
    fewer_cells: r"list_attr_celeba\.txt, line 4: 40 columns where there should be 41 \('000002\.jpg",
    a_comment: r"list_attr_celeba\.txt says 12 images and has 13 lines",
    no_label: r"list_attr_celeba\.txt, line 4: .*='\?' is not a label",
    empty_table: r"list_attr_celeba\.txt has 0 lines: download it again",
    latin_1: r"list_attr_celeba\.txt, line 2: this is not text in UTF-8",
    split_of_three: r"list_eval_partition\.txt, line 12: the split of '000012\.jpg' is '3', not 0, 1 or 2",
    split_of_words: r"list_eval_partition\.txt, line 12: the split of '000012\.jpg' is 'test', not 0, 1 or 2",
    split_missing: r"list_eval_partition\.txt has no line for 000012\.jpg",
    both_kinds: r"img_align_celeba has 000001\.(jpg|png) and 000001\.(jpg|png): which one is meant",
    in_the_wild: r"neither img_align_celeba/ .* \(img_celeba/ holds the pictures before they were aligned\)",
    packed: r"neither img_align_celeba/ .* \(img_align_celeba_png\.7z\.001 has to be unpacked\)",
    no_image_at_all: r"lacks 12 of the 12 listed images, the first is 000001\.jpg",
    empty_zip: r"img_align_celeba\.zip lacks 12 of the 12 listed images",
    counted_by_a_raised_two: r"list_attr_celeba\.txt does not have CelebA's 40 attributes: its header is '²'",
    counted_without_end: r"list_attr_celeba\.txt does not have CelebA's 40 attributes: its header is '9999",
    damaged_lzma: r"000001\.jpg in .*img_align_celeba\.zip is damaged or can't be unpacked \(Corrupt input data\)",
    damaged_bzip2: r"000001\.jpg in .*img_align_celeba\.zip is damaged or can't be unpacked \(Invalid data stream\)",
    of_a_later_version: r"img_align_celeba\.zip is not a zip, or only a part of one: .* \(zip file version",
    of_no_names: r"img_align_celeba\.zip is not a zip, or only a part of one: .* \(.*codec can't decode",
    zip_of_a_folder_twice: r"img_align_celeba\.zip has two images named 000001\.jpg",
    mask_hq_without_its_map: r"is CelebAMask-HQ without CelebA-HQ-to-CelebA-mapping\.txt: its split is CelebA's by",
    mask_hq_without_splits: r"is CelebAMask-HQ without list_eval_partition\.txt: its split is CelebA's by",
}


@pytest.mark.parametrize(("damage", "said"), REFUSED.items())
def test_what_could_be_mistaken_is_refused_by_name(damage: Callable[[Path], Path], said: str, copy: Path) -> None:
    root = damage(copy)
    with pytest.raises(ValueError, match=said) as raised, in_time():
        data(root).prepare_data()
    assert "\n" not in str(raised.value)


def test_a_part_of_celeba_by_one_option(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for i in (2, 5, 8):
        (copy / "img_align_celeba" / f"{i:06d}.jpg").unlink()
    with pytest.raises(ValueError, match=r"lacks 3 of the 12 listed images, .*data\.on_missing=skip goes on"):
        data(copy).prepare_data()
    greys, labels = read(copy, on_missing="skip")
    assert greys == [[0, 2, 3, 5], [6, 8], [9, 10, 11]]
    assert [len(split) for split in labels] == [4, 2, 3]
    assert "celeba: 3 of the listed images aren't there, and left out" in capfd.readouterr().err


def test_images_without_a_line_are_left_out_by_the_same_option(copy: Path) -> None:
    edit(copy / "list_attr_celeba.txt", lambda lines: [lines[0], lines[1], *lines[3:]])
    with pytest.raises(ValueError, match="says 12 images and has 11 lines"):
        data(copy).prepare_data()
    assert read(copy, on_missing="skip")[0] == [[1, 2, 3, 4, 5], [6, 7, 8], [9, 10, 11]]


def test_no_part_at_all_is_not_enough(copy: Path) -> None:
    no_image_at_all(copy)
    with pytest.raises(ValueError, match=r"has not one of the 12 images that .*list_attr_celeba\.txt lists"):
        data(copy, on_missing="skip").prepare_data()
