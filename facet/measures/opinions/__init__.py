"""Second opinions: networks that others trained on photographs, beside the judge, which is ours. None is needed.

They are asked only where ``opinions=`` names them. Their numbers stand under names of their own, and change no other.
"""

from __future__ import annotations

from typing import Any

OPINIONS = ("smiles", "features")
SMILING = "Smiling"
"""The attribute of which the network of expressions has an opinion."""

_SMILES = "measures.opinions.smiles.<A>"
_FEATURES = "measures.opinions.features"
MEASURES: tuple[tuple[Any, ...], ...] = (
    ("smile_auc", f"{_SMILES}.auc", "score", "up", "AUC",
     "AUC of another's smile network on the test images: what its readings below are worth"),
    ("smile_real_on", f"{_SMILES}.real_on", "share", "up", "smiles, real",
     "test images with A that this network reads so"),
    ("smile_real_off", f"{_SMILES}.real_off", "share", "up", "none, real",
     "test images without A that this network reads so"),
    ("smile_reconstruction_on", f"{_SMILES}.reconstruction_on", "share", "up", "smiles, rec.",
     "unedited reconstructions of images with A that this network reads so"),
    ("smile_reconstruction_off", f"{_SMILES}.reconstruction_off", "share", "up", "none, rec.",
     "unedited reconstructions of images without A that this network reads so"),
    ("smile_on_from_on", f"{_SMILES}.on_from_on", "share", "up", "smiles, 2nd",
     "edit_on as this network reads it"),
    ("smile_off_from_on", f"{_SMILES}.off_from_on", "share", "up", "taken away, 2nd",
     "edit_off as this network reads it"),
    ("smile_on_from_off", f"{_SMILES}.on_from_off", "share", "up", "given, 2nd",
     "on_from_off as this network reads it"),
    ("smile_off_from_off", f"{_SMILES}.off_from_off", "share", "up", "none, 2nd",
     "off_from_off as this network reads it"),
    ("smile_raised", f"{_SMILES}.raised", "share", "up", "happier",
     "faces whose edit to A = 1 is happier to this network than their edit to A = 0"),
    ("feature_distance", f"{_FEATURES}.<A>.distance", "score", "down", "features",
     "cosine distance of MobileNetV2's features of the edit and of the input"),
    ("kid", f"{_FEATURES}.<A>.kid", "number", "down", "KID",
     "kernel distance of edits to the test split in MobileNetV2's features"),
    ("feature_distance_of_reconstruction", f"{_FEATURES}_of_reconstruction.distance", "score", "down", "features, rec.",
     "cosine distance of MobileNetV2's features of the reconstruction and of the input"),
    ("kid_of_reconstruction", f"{_FEATURES}_of_reconstruction.kid", "number", "down", "KID, rec.",
     "kernel distance of reconstructions to the test split in MobileNetV2's features"),
    ("feature_distance_of_others", f"{_FEATURES}_of_others.distance", "score", "", "features, others",
     "cosine distance of MobileNetV2's features of two test images: what replaces a face by another has this"),
)  # fmt: skip
"""Name, path, unit, better, title and meaning of each measure, for :mod:`facet.measures.registry`."""
