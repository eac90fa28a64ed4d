"""CelebA in every form that people have it in, and in the forms that can't be used."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from celeba_forms import FORMS, as_it_is, as_kaggle, as_parquet, as_zip

from datamodules.celeba import CelebADataModule
from datamodules.celeba_drawn import draw_celeba
from datamodules.celeba_tables import ATTRIBUTES
from datamodules.photos import decode
from datamodules.workers import run_jobs

SIZE = 120


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of JPEGs with the two tables."""
    root = tmp_path_factory.mktemp("celeba") / "copy"
    draw_celeba(root, SIZE)
    return root


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "copy"))


def data(root: Path, store: Path, **settings: Any) -> CelebADataModule:
    defaults: dict[str, Any] = {"resolution": 16, "batch_size": 8, "workers": 1}
    return CelebADataModule(**{**defaults, "root": str(root), "store": str(store), **settings})


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_data(
    form: Callable[[Path], Path], copy: Path, original: Path, tmp_path: Path
) -> None:
    expected = data(original, tmp_path / "expected")
    found = data(form(copy), tmp_path / "store")
    assert found.attribute_names == ATTRIBUTES
    for split, size in (("train", 96), ("val", 12), ("test", 12)):
        images, labels = found.tensors(split)
        assert images.shape == (size, 3, 16, 16)
        for one, other in zip((images, labels), expected.tensors(split), strict=True):
            assert torch.equal(one, other)
    if form is as_zip:
        assert not list(tmp_path.rglob("*.jpg")), "nothing is unpacked"


def test_images_and_labels_are_those_of_the_files(original: Path, tmp_path: Path) -> None:
    celeba = data(original, tmp_path, attributes=["Smiling", "Male"])
    images, labels = celeba.tensors("test")
    lines = (original / "list_attr_celeba.txt").read_text().splitlines()[2:]
    for i in range(12):
        name, *values = lines[108 + i].split()
        content = (original / "img_align_celeba" / name).read_bytes()
        assert np.array_equal(images[i].numpy(), decode(content, "aif", 16, 3))
        assert labels[i].tolist() == [float(values[ATTRIBUTES.index(a)] == "1") for a in ("Smiling", "Male")]


def test_the_authors_split_limits_and_crops(original: Path, tmp_path: Path) -> None:
    authors = data(original, tmp_path, split="authors")
    official = data(original, tmp_path)
    assert [len(authors.tensors(split)[0]) for split in ("train", "test")] == [20, 100]
    assert torch.equal(authors.tensors("test")[0][:96], official.tensors("train")[0])
    assert len(data(original, tmp_path, limit=5).tensors("train")[0]) == 5
    names = {
        data(original, tmp_path, **s).fingerprint for s in ({}, {"crop": "none"}, {"crop": "jacsup"}, {"limit": 5})
    }
    assert len(names) == 4


def test_the_authors_split_is_that_of_the_files_in_shards_too(copy: Path, original: Path, tmp_path: Path) -> None:
    shards = data(as_parquet(copy), tmp_path / "store", split="authors")
    files = data(original, tmp_path / "expected", split="authors")
    for split in ("train", "val", "test"):
        assert torch.equal(shards.tensors(split)[0], files.tensors(split)[0])


def test_several_processes_decode_the_same_and_go_on_where_one_was_killed(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datamodules.pictures.CHUNK", 20)
    expected = data(original, tmp_path / "expected").tensors("train")[0]
    together = data(original, tmp_path / "together", workers=2)
    assert torch.equal(together.tensors("train")[0], expected)
    asked: list[list[str]] = []

    def killed(function: str, jobs: Sequence[dict[str, Any]], workers: int) -> Iterator[Any]:
        asked.append([name for job in jobs for name in job["names"]])
        for i, answer in enumerate(run_jobs(function, jobs, workers)):
            if i == 3 and len(asked) == 1:
                raise KeyboardInterrupt
            yield answer

    monkeypatch.setattr("datamodules.pictures.run_jobs", killed)
    again = data(original, tmp_path / "again", workers=2)
    with pytest.raises(KeyboardInterrupt):
        again.store("train")
    assert torch.equal(again.tensors("train")[0], expected)
    assert (len(asked[0]), len(asked[1])) == (96, 36), "three chunks of twenty were kept"


def test_a_store_of_an_older_decoding_is_built_again_and_said_so(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    data(original, tmp_path).store("val")
    monkeypatch.setattr("datamodules.pictures.VERSION", 99)
    data(original, tmp_path).store("val")
    said = capfd.readouterr().err
    assert "old store, built again" in said
    assert "made by version 2 of its data set, this is 99" in said
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


def test_a_stray_parquet_file_is_not_celeba(copy: Path, tmp_path: Path) -> None:
    (copy / "features.parquet").write_text("")
    assert data(copy, tmp_path / "store").files.kind == "directory"


@pytest.mark.parametrize("form", FORMS)
def test_the_same_images_are_the_same_data_in_every_form(
    form: Callable[[Path], Path], copy: Path, original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = data(original, tmp_path / "store")
    before.prepare_data()
    monkeypatch.setattr("datamodules.pictures.run_jobs", None)  # nothing is decoded again
    after = data(form(copy), tmp_path / "store")
    after.prepare_data()
    assert after.fingerprint == before.fingerprint


@pytest.mark.parametrize("form", [as_it_is, as_zip, as_parquet])
def test_a_changed_copy_is_read_again(form: Callable[[Path], Path], copy: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(copy, tmp_path / "other" / "copy"))
    first, second = (other / "img_align_celeba" / f"00000{i}.jpg" for i in (1, 2))
    first.write_bytes(second.read_bytes())
    root, changed = form(copy), form(other)
    before = data(root, tmp_path / "store").tensors("train")[0][:2]
    for file in (file for file in changed.rglob("*") if file.is_file()):
        shutil.copy(file, root / file.relative_to(changed))
    after = data(root, tmp_path / "store").tensors("train")[0][:2]
    assert torch.equal(after, before[[1, 1]])
    assert not torch.equal(after, before)


def html_zip(root: Path) -> Path:
    shutil.rmtree(root / "img_align_celeba")
    (root / "img_align_celeba.zip").write_text("<!DOCTYPE html><html>Google Drive - Quota exceeded</html>")
    return root


def html_txt(root: Path) -> Path:
    (root / "list_attr_celeba.txt").write_text("<html><body>sign in</body></html>")
    return root


def no_partition(root: Path) -> Path:
    (root / "list_eval_partition.txt").unlink()
    return root


def fewer_lines(root: Path) -> Path:
    file = root / "list_attr_celeba.txt"
    file.write_text("\n".join(file.read_text().splitlines()[:-3]) + "\n")
    return root


def fewer_lines_and_no_count(root: Path) -> Path:
    as_kaggle(root)
    file = root / "list_attr_celeba.csv"
    file.write_text("\n".join(file.read_text().splitlines()[:-3]) + "\n")
    return root


def image_missing(root: Path) -> Path:
    (root / "img_align_celeba" / "000007.jpg").unlink()
    return root


def no_images(root: Path) -> Path:
    shutil.rmtree(root / "img_align_celeba")
    return root


def too_high(root: Path) -> Path:
    (root.parent / "downloads").mkdir()
    root.rename(root.parent / "downloads" / "faces")
    return root.parent / "downloads"


def too_low(root: Path) -> Path:
    return root / "img_align_celeba"


def bad_label(root: Path) -> Path:
    file = root / "list_attr_celeba.txt"
    lines = file.read_text().splitlines()
    lines[4] = lines[4].replace(" 1", " 3", 1)
    file.write_text("\n".join(lines) + "\n")
    return root


def no_test_images(root: Path) -> Path:
    file = root / "list_eval_partition.txt"
    file.write_text(file.read_text().replace(" 2\n", " 1\n"))
    return root


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (html_zip, "img_align_celeba.zip is an HTML page: .* by hand"),
        (html_txt, "list_attr_celeba.txt is an HTML page: .* by hand"),
        (no_partition, "no list_eval_partition.txt or .csv: get img_align_celeba.zip"),
        (fewer_lines, "says 120 images and has 117 lines"),
        (fewer_lines_and_no_count, "has 117 lines for 120 images, and none for 000118.jpg"),
        (image_missing, "lacks 1 of the 120 listed images, the first is 000007.jpg"),
        (no_images, "neither img_align_celeba/ nor img_align_celeba.zip"),
        (too_high, "set data.root=.*/downloads/faces"),
        (too_low, "set data.root=.*/copy"),
        (bad_label, "list_attr_celeba.txt, line 5: .*='3' is not a label"),
        (no_test_images, "the test split is empty"),
        (lambda root: root / "nowhere", "is not a directory: get img_align_celeba.zip"),
    ],
)
def test_a_copy_that_can_not_be_used(damage: Callable[[Path], Path], said: str, copy: Path, tmp_path: Path) -> None:
    root = damage(copy)
    with pytest.raises(ValueError, match=said) as raised:
        data(root, tmp_path / "store").prepare_data()
    assert "\n" not in str(raised.value)
    assert not list((tmp_path / "store").glob("test-*"))


def test_a_truncated_jpeg_is_named_and_the_build_goes_on_without_it(
    copy: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cut = copy / "img_align_celeba" / "000003.jpg"
    cut.write_bytes(cut.read_bytes()[:900])
    with pytest.raises(ValueError, match=r"000003.jpg in .* can't be decoded .*data.on_corrupt=skip"):
        data(copy, tmp_path / "store").prepare_data()
    celeba = data(copy, tmp_path / "store", on_corrupt="skip")
    celeba.prepare_data()
    assert "celeba: train lacks 1 images that can't be decoded" in capfd.readouterr().err
    store = celeba.store("train")
    assert len(store.images) == 95
    assert 2 not in store.order
    assert np.array_equal(store.labels, celeba.files.labels[celeba.positions("train")][store.order])
    with pytest.raises(ValueError, match=r"lacks 1 images .*data.on_corrupt=skip leaves"):
        data(copy, tmp_path / "store").prepare_data()
    whole = copy / "img_align_celeba" / "000004.jpg"
    cut.write_bytes(whole.read_bytes())
    data(copy, tmp_path / "store").prepare_data()
    assert len(data(copy, tmp_path / "store").store("train").images) == 96, "mended, it is read again"


def test_a_download_that_fails_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def quota(*args: object, **kwargs: object) -> None:
        raise RuntimeError("The daily quota of the file\nis exceeded")

    monkeypatch.setattr("torchvision.datasets.CelebA", quota)
    with pytest.raises(ValueError, match=r"could not download CelebA .*quota.* get img_align_celeba.zip") as raised:
        data(tmp_path / "new", tmp_path / "store", download=True).prepare_data()
    assert "\n" not in str(raised.value)
