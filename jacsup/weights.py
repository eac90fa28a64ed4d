"""What the losses of JacSup §4 count."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from jacsup.checks import not_negative


@dataclass(frozen=True)
class Weights:
    """What the losses count, in the paper's letters.

    Attributes:
        reconstruction: λ1, eq. 14.
        prediction: λ2.
        covariance: λ3.
        cycle_attributes: λ4; not in the first stage, nor, in the paper, of students.
        cycle_nuisance: λ5; the same.
        code: λ_y, eq. 9; has no part in the teacher's losses.
        difference: λ_diff, eq. 9; the same.

    Raises:
        ValueError: a weight below 0.
    """

    reconstruction: float = 100.0
    prediction: float = 0.1
    covariance: float = 0.1
    cycle_attributes: float = 0.0
    cycle_nuisance: float = 0.0
    code: float = 0.0
    difference: float = 0.0

    def __post_init__(self) -> None:
        not_negative(**asdict(self))

    def must_teach(self, whose: str, *losses: str) -> None:
        """Check that one of these losses counts.

        Raises:
            ValueError: none does.
        """
        if not any(getattr(self, loss) for loss in losses):
            raise ValueError(f"{whose}: {', '.join(losses)} are all 0, so that its first step would learn nothing")
