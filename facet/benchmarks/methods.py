"""Whose steps are timed: every method's words to train it, the stage that is looked at, and the authors' schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

if TYPE_CHECKING:
    from torch import Tensor

# Torch is imported when a step is made: a name that is none must be told at once.
Step = Callable[[], object]
DIGITS = 8  # units of the student's code: one of fourteen


@dataclass(frozen=True)
class Method:
    """A step to be timed.

    Attributes:
        said: to ``facet-train``.
        stage: takes a model to where it takes such steps.
        authors: makes their step, of settings, images ``[B, C, H, W]`` in [0, 1] and labels ``[B, k]``; None where
            nobody published one.
        resolution: whether there are images of more than one size.
    """

    said: str
    stage: Callable[[Any, DictConfig], None]
    authors: Callable[[DictConfig, Tensor, Tensor], Step] | None = None
    resolution: bool = True


def _at(share: float) -> Callable[[Any, DictConfig], None]:
    """So far into a run: schedules, and a method's stages, follow that."""

    def stage(model: Any, settings: DictConfig) -> None:
        model.progress = lambda batch_idx: share

    return stage


def _of_aif(settings: DictConfig, images: Tensor, labels: Tensor) -> Step:
    from facet.benchmarks.aif import PlainIFcVAEGAN

    model, networks = settings.model, settings.networks
    with images.device:
        plain = PlainIFcVAEGAN(
            images.shape[2],
            labels.shape[1],
            networks.latent_dim,
            networks.width,
            model.discriminator.width,
            model.auxiliary.width,
        )
    return partial(plain.step, images, labels)


def _of_digits(settings: DictConfig, images: Tensor, labels: Tensor) -> Step:
    from facet.benchmarks.jacsup_mnist import PlainStudent

    with images.device:
        plain = PlainStudent(DIGITS)
    return partial(plain.step, images.flatten(1))


def _grown_digits(model: Any, settings: DictConfig) -> None:
    """A student whose teacher was one."""
    model.network.restart(DIGITS - 2)
    model.grow()
    model.grow()


def _of_faces(student: bool, settings: DictConfig, images: Tensor, labels: Tensor) -> Step:
    from facet.benchmarks.jacsup_faces import WIDTHS, PlainStudent, PlainTeacher

    size = int(settings.model.network.latent_channels)
    widths = [min(settings.networks.width << i, WIDTHS[-1]) for i in range(images.shape[-1].bit_length() - 3)]
    with images.device:
        if student:
            plain: PlainTeacher = PlainStudent(labels.shape[1], 2 * size, widths)
        else:
            plain = PlainTeacher(labels.shape[1], size, widths)
    return partial(plain.step, 2 * images - 1, 2 * labels - 1)


def _teacher(model: Any, settings: DictConfig) -> None:
    """In its second stage, with the cycle losses."""
    model.grow(0)


def _student(model: Any, settings: DictConfig) -> None:
    """The first, of twice the teacher's size."""
    _teacher(model, settings)
    model.grow(int(settings.model.network.latent_channels))


METHODS = {
    "aif": Method("", _at(0.5), _of_aif),
    "aif_residual": Method("networks.kind=residual", _at(0.5)),
    "icgan_gan": Method("model=icgan", _at(0.25)),
    "icgan_encoders": Method("model=icgan", _at(0.9)),
    "cvae_gan": Method("model=cvae_gan networks.kind=residual", _at(0.5)),
    "fader": Method("model=fader networks.kind=residual", _at(0.5)),
    "dip_vae": Method("experiment=aif/dip_vae", _at(0.5)),
    "beta_vae": Method("experiment=aif/beta_vae", _at(0.5)),
    "jacsup_digits": Method("model=jacsup_digits", _grown_digits, _of_digits, resolution=False),
    "jacsup_teacher": Method("model=jacsup_faces", _teacher, partial(_of_faces, False)),
    "jacsup_student": Method("model=jacsup_faces", _student, partial(_of_faces, True)),
}
