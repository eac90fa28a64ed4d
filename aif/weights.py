"""The weights of the losses of the IFcVAE-GAN."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from nets.checks import not_negative


@dataclass(frozen=True)
class Weights:
    """One weight for each loss of AIF's eqs. 3 to 6 and of Table 1; the reconstruction counts 1.

    Attributes:
        kl: α, eq. 4.
        classification: ρ, eq. 4.
        gan: δ, eqs. 3 and 4; 0 trains without the discriminator.
        auxiliary: γ, of L_aux in eq. 6; with 0 the auxiliary network learns, and the encoder does not play against it.
        class_on_reconstruction: β, of L_class on x̂, row (3) of Table 1.

    Raises:
        ValueError: a weight below 0.
    """

    kl: float = 0.2
    classification: float = 0.1
    gan: float = 0.1
    auxiliary: float = 1.0
    class_on_reconstruction: float = 0.0

    def __post_init__(self) -> None:
        not_negative(**asdict(self))
