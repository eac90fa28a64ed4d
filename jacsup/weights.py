"""The weights of the losses of JacSup: §3 on digits, §4 on faces."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from nets.checks import not_negative


@dataclass(frozen=True)
class DigitWeights:
    """The weights of §3; the reconstruction counts 1.

    Attributes:
        code: λ_y, eq. 9; 0 together with ``difference`` trains students without Jacobian supervision.
        difference: λ_diff, eq. 9.
        covariance: λ_xcov, of eq. 10.
        stage_factor: the factor of λ_y and λ_diff at every stage after the first student's.

    Raises:
        ValueError: a weight below 0.
    """

    code: float = 0.1
    difference: float = 1.0
    covariance: float = 1e-3
    stage_factor: float = 1.0

    def __post_init__(self) -> None:
        not_negative(**asdict(self))


@dataclass(frozen=True)
class FaceWeights:
    """The weights of §4, for the teacher or for students.

    Attributes:
        reconstruction: λ1, eq. 14.
        prediction: λ2.
        covariance: λ3.
        cycle_attributes: λ4; 0 in the first stage, and in the paper for students.
        cycle_nuisance: λ5; 0 where λ4 is.
        code: λ_y, eq. 9; of students only.
        difference: λ_diff, eq. 9; of students only.

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

    def must_teach(self, key: str, *losses: str) -> None:
        """Check that at least one of these losses has a weight.

        Raises:
            ValueError: all of them are 0; the message begins with ``key``.
        """
        if not any(getattr(self, loss) for loss in losses):
            raise ValueError(f"{key}: {', '.join(losses)} are all 0, so that its first step would learn nothing")
