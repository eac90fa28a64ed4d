"""How the two adversaries of the IFcVAE-GAN learn: the discriminator C and the auxiliary network A."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aif.memory import Memory
from nets.checks import at_least_one, positive


@dataclass(frozen=True)
class GANTerm:
    """The form of L_gan. It has no part in a training whose ``weights.gan`` is 0.

    Attributes:
        form: ``saturating`` (eqs. 3 and 4) or ``nonsaturating`` (the authors' code, with its factor 0.5).
        discriminator_factor: the factor of L_gan as C minimises it; 1/3 in the paper, 0.3 in the authors' code.
        running_statistics: which images move D's running batch-norm statistics: ``reconstructions`` alone, or ``both``
            kinds, prior samples counting twice, as in the authors' code.

    Raises:
        ValueError: a factor that is not above 0.
    """

    form: Literal["saturating", "nonsaturating"] = "saturating"
    discriminator_factor: float = 1 / 3
    running_statistics: Literal["reconstructions", "both"] = "reconstructions"

    def __post_init__(self) -> None:
        positive(discriminator_factor=self.discriminator_factor)


@dataclass(frozen=True)
class AuxiliaryTraining:
    """What the auxiliary network A reads, and how often it steps.

    Attributes:
        noise: of the code that A reads. ``shared``: the sample ẑ that D reads. ``second``: another sample, as in the
            authors' code. ``none``: μ, which edits start from.
        steps: steps of A for each step of the encoder; all but the first are on remembered codes.
        memory: the codes of the last batches, for the further steps; None if there are no further steps.

    Raises:
        ValueError: fewer than one step, or only one of further steps and memory.
    """

    noise: Literal["shared", "second", "none"] = "shared"
    steps: int = 1
    memory: Memory | None = None

    def __post_init__(self) -> None:
        at_least_one(steps=self.steps)
        if (self.steps > 1) != (self.memory is not None):
            raise ValueError(
                f"model.auxiliary_training.steps={self.steps}: more than 1 need model.auxiliary_training.memory, and 1 "
                "reads none (ablation=strong_auxiliary has both)"
            )
