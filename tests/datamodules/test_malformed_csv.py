"""A csv as people have it: read with the right values, or refused in one line that names the file and the line."""

import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from malformed import GREYS, faces, folder, grey, in_time, read

from datamodules.folder_labels import read_labels

PLAIN = "file,Smiling,Hat,split\na.png,1,0,train\nb.png,0,,val\nc.png,1,1,test\n"
LABELS = {"train": [[1.0, 0.0]], "val": [[0.0, -1.0]], "test": [[1.0, 1.0]]}


def with_column(*cells: str) -> str:
    """The csv with a column before the split."""
    lines = [line.rsplit(",", 1) for line in PLAIN.splitlines()]
    return "".join(f"{before},{cell},{split}\n" for (before, split), cell in zip(lines, cells, strict=True))


RIGHT: dict[str, str | bytes] = {
    "as it should be": PLAIN,
    "byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "utf-16, as Excel's Unicode text": PLAIN.replace(",", "\t").encode("utf-16"),
    "semicolons": PLAIN.replace(",", ";"),
    "semicolons and a byte order mark": b"\xef\xbb\xbf" + PLAIN.replace(",", ";").encode(),
    "tabs": PLAIN.replace(",", "\t"),
    "bars": PLAIN.replace(",", "|"),
    "sep=;": "sep=;\n" + PLAIN.replace(",", ";"),
    "sep=,": "sep=,\r\n" + PLAIN.replace("\n", "\r\n"),
    "lines of Windows": PLAIN.replace("\n", "\r\n"),
    "lines of an old Mac": PLAIN.replace("\n", "\r"),
    "no line end at the end": PLAIN.rstrip("\n"),
    "empty lines": PLAIN.replace("\n", "\n\n") + "\n\n",
    "empty first lines": "\n\n" + PLAIN,
    "lines of commas alone": PLAIN + ",,,\n,,,\n",
    "quoted": "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in PLAIN.splitlines()),
    "blanks around names": PLAIN.replace("Smiling", " Smiling ").replace("split", "split "),
    "blanks around cells": PLAIN.replace(",1", ", 1 ").replace("a.png", " a.png "),
    "pandas' index without a name": "".join(f"{i - 1 if i else ''},{x}\n" for i, x in enumerate(PLAIN.splitlines())),
    "paths as pandas' index": PLAIN.replace("file,", ",", 1),
    "pandas' index read back": "".join(
        f"{i - 1 if i else 'Unnamed: 0'},{x}\n" for i, x in enumerate(PLAIN.splitlines())
    ),
    "Split": PLAIN.replace("split", "Split"),
    "SPLIT and its values": PLAIN.replace("split", "SPLIT").replace("train", "Train").replace("val", "Validation"),
    "the split first": "file,split,Smiling,Hat\na.png,train,1,0\nb.png,val,0,\nc.png,test,1,1\n",
    "true and false": PLAIN.replace(",1", ",True").replace(",0", ",FALSE"),
    "decimals, as pandas writes a column with gaps": PLAIN.replace(",1", ",1.0").replace(",0", ",0.0"),
    "minus one": PLAIN.replace(",0", ",-1"),
    "nan": PLAIN.replace(",,", ",nan,"),
    "an age group that nobody chose": with_column("age_group", "20-29", "30-39", ""),
    "a confidence that nobody chose": with_column("confidence", ".43", ".99", ".5"),
    "a column of zero and minus one that nobody chose": with_column("odd", "0", "-1", "1"),
    "./": PLAIN.replace("a.png", "./a.png"),
    "//": PLAIN.replace("a.png", ".//a.png"),
    "backslashes": PLAIN.replace("a.png", ".\\a.png"),
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT)
def test_what_can_not_be_mistaken_is_read(text: str | bytes, tmp_path: Path) -> None:
    greys, labels = read(faces(tmp_path / "faces", text))
    assert greys == [[value] for value in GREYS]
    assert labels == LABELS


def test_the_csv_that_the_docs_show_is_read(tmp_path: Path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
    text = docs.split("```\nfile,Smiling")[1].split("```")[0]
    (tmp_path / "labels.csv").write_text(f"file,Smiling{text}")
    labels = read_labels(tmp_path / "labels.csv", tmp_path, 0, None)
    assert labels.names == ("Smiling", "Wearing_Hat")
    assert labels.splits["train"] == [("anna/1.jpg", [1, 0]), ("anna/2.png", [0, -1])]
    assert labels.splits["test"] == [("ben.webp", [1, 0])]


def edited(old: str, new: str) -> str:
    assert old in PLAIN
    return PLAIN.replace(old, new, 1)


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", r"labels\.csv is empty"),
    "blanks": ("  \n \n", r"labels\.csv is empty"),
    "a header alone": ("file,Smiling,split\n", r"labels\.csv has a header at most, and no lines below it"),
    "no header": ("a.png,1,0\nb.png,0,0\n", r"labels\.csv has no header: its first line is 'a\.png,1,0'"),
    "no header, one column of labels": ("a.png,1\nb.png,0\n", r"no header: its first line is 'a\.png,1'"),
    "a comment first": ("# made by me\n" + PLAIN, r"line 1: '# made by me' is a comment: the first line has to name"),
    "a comment below": (PLAIN + "# more to come\n", r"line 5: '# more to come' is a comment: mend it, or take it away"),
    "html": ("<!DOCTYPE html><html>sign in</html>", r"labels\.csv is an HTML page: .* by hand"),
    "json": ('{"a.png": {"Smiling": 1}}', r"labels\.csv is JSON: a csv is read, whose first line names its columns"),
    "a spreadsheet": (b"PK\x03\x04\x14\x00\x06\x00", r"labels\.csv is a spreadsheet, or packed, and no text: save it"),
    "an old spreadsheet": (b"\xd0\xcf\x11\xe0\xa1\xb1", r"labels\.csv is a spreadsheet"),
    "gzip": (b"\x1f\x8b\x08\0", r"labels\.csv is a spreadsheet, or packed, and no text: save it as csv"),
    "latin-1": (edited("b.png", "bébé.png").encode("latin-1"), r"labels\.csv, line 3: this is not text in UTF-8"),
    "zero bytes": (PLAIN.encode() + b"\0\0\0", r"labels\.csv, line 5: it has a zero byte: no text"),
    "no separator": ("file Smiling split\na.png 1 train\n", r"no column of labels: its header is file Smiling split;"),
    "paths alone": ("file\na.png\n", r"no column of labels: its header is file; after the path, every column is an"),
    "splits alone": ("file,split\na.png,train\n", r"no column of labels: its header is file, split;"),
    "an end comma in the header": (
        edited("split", "split,"),
        r"line 2: 4 columns, and 5 in .* \(parted by ','\)",
    ),
    "a name of a page": (PLAIN.replace("Smiling", "S" * 201), r"a name of more than 200 characters"),
    "end commas everywhere": (PLAIN.replace("\n", ",\n"), r"a column without a name: is there a comma at the end"),
    "a row too short": (edited("a.png,1,0,train", "a.png,1"), r"line 2: 2 columns, and 4 in the header"),
    "a row too long": (edited("a.png,1", "a,b.png,1"), r"line 2: 5 columns, and 4 in the header"),
    "rows of semicolons": (edited("a.png,1,0,train", "a.png;1;0;train"), r"line 2: 1 columns, and 4 in .* by ','"),
    "two columns of one name": (edited("Hat", "Smiling"), r"two columns named 'Smiling'"),
    "a blank at the end of a name": (edited("Hat", "Smiling "), r"two columns named 'Smiling'"),
    "upper case alone": (edited("Hat", "smiling"), r"two columns named 'Smiling', or differing by upper case alone"),
    "split and Split": (edited("Hat", "Split"), r"two columns named 'Split'"),
    "a line break in a name": (
        edited("Hat", '"Ha\nt"'),
        r"the column 'Ha\\nt' has a line break or the like",
    ),
    "a label of words": (edited("a.png,1", "a.png,yes"), r"labels\.csv, line 2: Smiling='yes' is not a label: choose"),
    "a label of two": (edited("c.png,1", "c.png,2"), r"labels\.csv, line 4: Smiling='2' is not a label"),
    "a probability": (edited("b.png,0", "b.png,.43"), r"labels\.csv, line 3: Smiling='\.43' is not a label"),
    "1, 0 and -1": (
        edited("b.png,0", "b.png,-1").replace("c.png,1", "c.png,0"),
        r"labels\.csv, line 4: Smiling='0', and '-1' in .*labels\.csv, line 3: which of them means absent\? Write 0/1",
    ),
    "a split that is none": (edited("train", "training"), r"line 2: split 'training' is none of train, val, test"),
    "splits by number": (edited("train", "0"), r"line 2: split '0' is none of train, val, test"),
    "splits under another name": (edited("split", "set"), r"a column 'set' and none named split: name it split, with"),
    "some splits under another name": (
        edited("split", "set").replace("val", ""),
        r"a column 'set' and none named split",
    ),
    "CelebA's partition": (
        edited("split", "Partition").replace("train", "0").replace("val", "1").replace("test", "2"),
        r"a column 'Partition' and none named split: name it split, with train, val, test",
    ),
    "no path": (edited("a.png", " "), r"line 2: no path"),
    "a dot": (edited("a.png", "."), r"line 2: no path"),
    "out of the root": (edited("a.png", "../a.png"), r"line 2 names '\.\./a\.png', which leads out of it: refused"),
    "out of the root, later": (edited("a.png", "x/../../a.png"), r"line 2 names .* which leads out of it: refused"),
    "elsewhere": (edited("a.png", "/etc/passwd"), r"line 2 names '/etc/passwd', which leads out of it: refused"),
    "a drive": (edited("a.png", "C:\\\\a.png"), r"line 2 names .* which leads out of it: refused"),
    "one image twice": (edited("b.png", "a.png"), r"line 3: a\.png is listed twice, first in line 2"),
    "one image as ./": (edited("b.png", "./a.png"), r"line 3: a\.png is listed twice, first in line 2"),
    "one image as .//": (edited("b.png", ".//a.png"), r"line 3: a\.png is listed twice, first in line 2"),
    "one image with a backslash": (edited("b.png", ".\\a.png"), r"line 3: a\.png is listed twice, first in line 2"),
    "one image with a blank": (edited("b.png", " a.png "), r"line 3: a\.png is listed twice, first in line 2"),
    "an image that isn't there": (edited("a.png", "z.png"), r"labels\.csv lists z\.png, but .* has no such file: mend"),
    "another case": (edited("a.png", "A.PNG"), r"lists A\.PNG, but .* has no such file \(is a\.png meant\?\)"),
    "no ending": (edited("a.png", "a"), r"lists a, but .* has no such file \(is a\.png meant\?\)"),
    "a name without end": (edited("a.png", "a" * 5000), r"labels\.csv lists a{5000}, but .* has no such file"),
    "a split without images": (
        edited("train", "val"),
        r"the train split is empty: no line of .* belongs to it",
    ),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_what_could_be_mistaken_is_refused_by_name(text: str | bytes, said: str, tmp_path: Path) -> None:
    root = faces(tmp_path / "faces", text)
    with pytest.raises(ValueError, match=said) as raised, in_time():
        folder(root, attributes=["Smiling"]).prepare_data()
    assert "\n" not in str(raised.value)


def hard_link(root: Path) -> None:
    (root / "b.png").unlink()
    os.link(root / "a.png", root / "b.png")


def soft_link(root: Path) -> None:
    (root / "b.png").unlink()
    (root / "b.png").symlink_to("a.png")


@pytest.mark.parametrize("link", [hard_link, soft_link])
def test_one_file_by_two_names_is_not_in_two_splits(link: Callable[[Path], None], tmp_path: Path) -> None:
    root = faces(tmp_path / "faces", PLAIN)
    link(root)
    with pytest.raises(ValueError, match=r"labels\.csv lists a\.png and b\.png, which are one file: list it once"):
        folder(root).prepare_data()


@pytest.mark.parametrize(("on_disk", "in_csv"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_accents_may_be_written_either_way(on_disk: str, in_csv: str, tmp_path: Path) -> None:
    root = faces(tmp_path / "faces", edited("a.png", unicodedata.normalize(in_csv, "zoé.png")))  # type: ignore[arg-type]
    (root / "a.png").rename(root / unicodedata.normalize(on_disk, "zoé.png"))  # type: ignore[arg-type]
    assert read(root)[0] == [[value] for value in GREYS]


def test_an_image_written_with_accents_both_ways_is_listed_twice(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "zoé.png") for form in ("NFC", "NFD")]  # type: ignore[arg-type]
    root = faces(tmp_path / "faces", edited("a.png", names[0]).replace("b.png", names[1]))
    (root / "a.png").rename(root / names[0])
    with pytest.raises(ValueError, match=r"line 3: zoé\.png is listed twice, first in line 2"):
        folder(root)


def test_a_whole_path_inside_the_root_is_the_one_below_it(tmp_path: Path) -> None:
    root = faces(tmp_path / "faces", PLAIN.replace("a.png", f"{tmp_path}/faces/a.png"))
    assert read(root) == ([[value] for value in GREYS], LABELS)
    (root / "labels.csv").write_text(PLAIN.replace("b.png", f"{tmp_path}/faces/a.png"))
    with pytest.raises(ValueError, match=r"line 3: a\.png is listed twice"):
        folder(root)


def test_columns_that_hold_no_labels_are_said_and_refused_where_they_are_chosen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = "file,Smiling,age,split\na.png,1,20-29,train\nb.png,0,?,val\nc.png,0,9,test\n"
    root = faces(tmp_path / "faces", text)
    for _ in range(2):
        data = folder(root)
        data.prepare_data()
    assert data.known == ("Smiling",)
    said = " ".join(capfd.readouterr().err.split())
    assert said.count("left out") == 1
    assert "labels.csv: age: no labels, and left out" in said
    assert "line 2: age='20-29' is not a label" in said
    with pytest.raises(ValueError, match=r"labels\.csv, line 2: age='20-29' is not a label: choose 0/1"):
        folder(root, attributes=["age"])
    with pytest.raises(ValueError, match=r"no attribute 'Smilin'; nearest: Smiling"):
        folder(root, attributes=["Smilin"])


def test_where_no_column_holds_labels_the_last_says_why(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"labels\.csv, line 2: age='20-29' is not a label"):
        folder(faces(tmp_path / "faces", "file,age\na.png,20-29\n"))


def test_a_folder_per_class_is_told_what_a_csv_has_to_hold(tmp_path: Path) -> None:
    for kind in ("cat", "dog"):
        (tmp_path / "faces" / kind).mkdir(parents=True)
        grey(9).save(tmp_path / "faces" / kind / "1.png")
    said = "labels.csv is missing: .* has folders (cat, dog); if they are classes: write a csv with a line per image, "
    said += "such as file,cat | cat/1.png,1 | dog/1.png,0"
    with pytest.raises(ValueError, match=re.escape(said).replace(r"\.\*", ".*").replace(r"\ ", " ")):
        folder(tmp_path / "faces")


def test_json_per_image_is_told_what_a_csv_has_to_hold(tmp_path: Path) -> None:
    root = faces(tmp_path / "faces")
    (root / "json").mkdir()
    (root / "json" / "00000.json").write_text('[{"faceAttributes": {"smile": 0.98}}]')
    with pytest.raises(ValueError, match=r"has JSON \(json/00000\.json\), and which of it are labels is yours"):
        folder(root)


def test_a_part_of_the_images_by_one_option(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    root = faces(tmp_path / "faces", PLAIN + "gone.png,1,0,train\n")
    with pytest.raises(ValueError, match=r"lists gone\.png, but .*data\.on_missing=skip goes on with the images that"):
        folder(root).prepare_data()
    assert read(root, on_missing="skip") == ([[value] for value in GREYS], LABELS)
    assert "folder: 1 of the listed images aren't there, and left out" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"root": ""}, "data.root= is empty: set it to a directory, or leave it out"),
        ({"root": " "}, "data.root= is empty"),
        ({"root": None}, "data.root=None is not a directory: set it to where your images are"),
        ({"root": "labels.csv"}, "data.root=labels.csv is not a directory"),
        ({"labels": ""}, "data.labels= is empty: set it to a csv of labels, or leave it out"),
        ({"labels": "."}, "faces is no file"),
        ({"labels": "/dev/zero"}, "/dev/zero is no file"),
        ({"labels": "other.csv"}, "other.csv is missing: write a csv with a line per image, such as file,Smiling"),
        ({"store": ""}, "data.store= is empty: set it to a directory, or leave it out"),
        ({"limit": 0}, "data.limit=0: it must be at least 1, or null for all"),
        ({"batch_size": 1}, "data.batch_size=1: batch norm and pairs of images need at least 2"),
        ({"resolution": 4}, "data.resolution=4: nothing can be seen below 8 pixels"),
        ({"attributes": []}, "choose one or more, each once"),
        ({"attributes": ["Hat", "Hat"]}, "choose one or more, each once"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], said: str, tmp_path: Path) -> None:
    root = faces(tmp_path / "faces", PLAIN)
    with pytest.raises(ValueError, match=re.escape(said)) as raised, in_time():
        folder(root, **settings)
    assert "\n" not in str(raised.value)


def test_a_pipe_in_place_of_the_csv_is_no_file(tmp_path: Path) -> None:
    root = faces(tmp_path / "faces")
    os.mkfifo(root / "labels.csv")
    with pytest.raises(ValueError, match=r"labels\.csv is no file"), in_time():
        folder(root)
