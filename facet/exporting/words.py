"""What a card and a page say of a model in words: its method, its data, their licence, its limits."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass

from facet.exporting.subject import Subject
from facet.measures.registry import MEASURES, Number
from facet.report.cells import cell
from facet.rows import Spread

AIF = "Adversarial Information Factorization (Creswell et al. 2017, arXiv:1711.05175)"
JACSUP = (
    "Overcoming the Disentanglement vs Reconstruction Trade-off via Jacobian Supervision (Lezama 2019, "
    "International Conference on Learning Representations)"
)
METHODS = {
    "aif.ifcvae_gan": ("IFcVAE-GAN", AIF),
    "aif.baselines.cvae_gan": ("cVAE-GAN", "CVAE-GAN (Bao et al. 2017, arXiv:1703.10155)"),
    "aif.baselines.icgan": ("IcGAN", "Invertible Conditional GANs for image editing (Perarnau et al. 2016)"),
    "aif.baselines.fader": ("Fader Networks", "Fader Networks (Lample et al. 2017, arXiv:1706.00409)"),
    "aif.baselines.vae": ("VAE", "β-VAE (Higgins et al. 2017), DIP-VAE (Kumar et al. 2018)"),
    "jacsup.faces": ("JacSup autoencoder of faces", JACSUP),
    "jacsup.digits": ("JacSup autoencoder of digits", JACSUP),
}
"""Name and paper of a method, by its module."""


@dataclass(frozen=True)
class Data:
    """A data set.

    Attributes:
        about: what its pictures are.
        licence: what may be done with them, and with a model that has learnt from them.
        tag: the licence's identifier in the model card.
        link: where the licence is; empty if the tag says it.
        hub: its name on the Hugging Face hub; empty if it isn't there.
    """

    about: str
    licence: str
    tag: str
    link: str = ""
    hub: str = ""


DATA = {
    "avatars": Data(
        "Drawn faces: Facet draws them from known factors, so no person is in them. It knows nothing of photographs.",
        "The drawings are avataaars by Pablo Stanley (free for personal and commercial use), through DiceBear (MIT). "
        "The weights may be used like Facet's code, under the MIT licence.",
        "mit",
    ),
    "heads": Data(
        "Drawn heads: Facet draws them from a parametric model in 3-D, so no person is in them. It knows nothing of "
        "photographs.",
        "The heads' mesh and shapes are MakeHuman's, under CC0. The weights may be used like Facet's code, under the "
        "MIT licence.",
        "mit",
    ),
    "celeba": Data(
        "CelebA (Liu et al. 2015): photographs of celebrities, each with forty attributes that annotators gave it.",
        "CelebA is for non-commercial research only, and so is a model that has learnt from it.",
        "other",
        "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    ),
    "mnist": Data(
        "MNIST (LeCun, Cortes and Burges): handwritten digits.",
        "MNIST is under CC BY-SA 3.0.",
        "cc-by-sa-3.0",
        hub="ylecun/mnist",
    ),
}
OWN = Data(
    "Pictures of its trainer's own.",
    "Not known to Facet: whoever shares this model has to say what the pictures' owners and the people in them allow.",
    "unknown",
)
USES = (
    "Don't identify or recognise anybody with it.",
    "Don't deceive with it: don't show an edit as a real picture, and edit nobody without their consent.",
    "Don't decide about people with it. Attributes are what annotators said of pictures, not facts about persons.",
)
"""What must not be done with a model."""


def method_of(subject: Subject) -> tuple[str, str]:
    """Name and paper of a model's method; of a plug-in, its class and the first line of its docstring."""
    cls = type(subject.model)
    if known := METHODS.get(cls.__module__):
        return known
    return cls.__name__, (inspect.getdoc(cls) or inspect.getdoc(sys.modules[cls.__module__]) or "").split("\n")[0]


def data_of(subject: Subject) -> Data:
    """What is known of a model's data."""
    return DATA.get(subject.data, OWN)


def limits_of(subject: Subject) -> list[str]:
    """What the model can't do, and what its numbers don't say, a sentence each."""
    side, result = subject.resolution, subject.result
    limits = [f"Pictures of {side}×{side} pixels, in and out. {data_of(subject).about}"]
    if subject.labels_given:
        limits.append("It doesn't read attributes: its encoder has to be given them.")
    if (mse := result.number("mse")) is not None:
        limits.append(f"A reconstruction is not the picture: the mean squared error is {said('mse', mse)}.")
    judged = [(name, found) for name in subject.names if (found := result.value("judge_accuracy", name)) is not None]
    if judged:
        name, lowest = min(judged, key=lambda pair: pair[1])
        limits.append(
            f"The numbers are as good as the judge, a classifier that is right in {100 * lowest:.1f}% of real test "
            f"images or more (lowest: {plain(name)})."
        )
    if (drift := result.number("drift_of_all")) is not None:
        limits.append(
            "An edit changes other things, too: the reading of another attribute changes in "
            f"{said('drift_of_all', drift)} of cases."
        )
    return limits


def said(measure: str, number: Number | None) -> str:
    """A number in words, with its 95% interval where it has one."""
    return str(cell(Spread.over(MEASURES[measure], [number] if number else [])))


def plain(name: str) -> str:
    """An attribute's name as a text has it."""
    return name.replace("_", " ")


def size(count: int) -> str:
    """A number of bytes in megabytes, or in kilobytes where that is little."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"
