"""The methods whose steps are timed: their overrides, the stage that is timed, and the authors' schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

if TYPE_CHECKING:
    from torch import Tensor

# Torch is imported only when a step is made, so that a wrong name is refused at once.
Step = Callable[[], object]
DIGITS = 8  # units of the timed student's code; there are fourteen students


@dataclass(frozen=True)
class Method:
    """A step to be timed.

    Attributes:
        overrides: of ``facet-train``, separated by blanks.
        stage: brings a model to the stage of such steps.
        authors: makes the authors' step from settings, images ``[B, C, H, W]`` in [0, 1] and labels ``[B, k]``; None
            if the authors published no code.
        resolution: whether the method takes images of several sizes.
    """

    overrides: str
    stage: Callable[[Any, DictConfig], None]
    authors: Callable[[DictConfig, Tensor, Tensor], Step] | None = None
    resolution: bool = True


def _at(share: float) -> Callable[[Any, DictConfig], None]:
    """A stage at a share of the run, which determines schedules and a method's phases."""

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
    """A student whose teacher was a student."""
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
    """A teacher in its second stage, with the cycle losses."""
    model.grow(0)


def _student(model: Any, settings: DictConfig) -> None:
    """The first student, of twice the teacher's size."""
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
