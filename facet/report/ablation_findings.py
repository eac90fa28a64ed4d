"""What Tables 2 and 3 say besides Table 1's claims: cVAE-GAN, and what the GAN and the KL are for."""

from __future__ import annotations

from collections.abc import Mapping

from facet.report import evidence
from facet.report.claims import HIGH, SAME_MSE, Finding, Verdict, edit_rates, stop_at, untested
from facet.report.results import Row
from facet.report.tables import mse_cell, sums


def cvae_gan(rows: Mapping[str, Row]) -> Finding:
    """AIF §4.4 and Table 2."""
    claim = "cVAE-GAN, trained to reconstruct well, fails to edit the attribute where ours succeeds."
    ours, other = rows["ours"], rows["cvae_gan"]
    if stop := stop_at(claim, ours, other):
        return stop
    reference, total, error, mse = sums(ours), sums(other), other.spread("mse"), ours.spread("mse")
    if reference is None or total is None or error is None or mse is None:
        return untested(claim, ours, other)
    less, more = evidence.below(total, reference), evidence.below(reference, total)
    verdict: Verdict = "seen" if less else "not seen" if more else "undecided"
    text = f"Of cVAE-GAN, {evidence.edits(other)}, together {evidence.total(other)}; of ours, {evidence.edits(ours)}, "
    text += f"together {evidence.total(ours)}. MSE is {mse_cell(error).value} against ours of {mse_cell(mse).value}."
    return Finding(claim, verdict, text)


def no_gan(rows: Mapping[str, Row]) -> Finding:
    """AIF, appendix: blurred, but factored all the same."""
    claim = "Without L_gan the reconstruction error is slightly lower and edits still succeed (the images are blurred)."
    ours, other = rows["ours"], rows["no_gan"]
    if stop := stop_at(claim, ours, other):
        return stop
    error, mse, rates = other.spread("mse"), ours.spread("mse"), edit_rates(other)
    if error is None or mse is None or rates is None:
        return untested(claim, ours, other)
    lower = error.mean < mse.mean
    high = evidence.all_of(*(evidence.within(rate, HIGH, 1.0) for rate in rates))
    verdict: Verdict = "seen" if lower and high else "partly seen" if lower or high else "not seen"
    text = f"MSE is {evidence.ratio(mse, error)} with L_gan and without it; without it, {evidence.edits(other)}. "
    return Finding(claim, verdict, text + "Blur is judged by the eye: the grids stand below.")


def no_kl(rows: Mapping[str, Row]) -> Finding:
    """AIF, appendix: a little regularisation is needed."""
    return _worse("Without L_KL the reconstruction error is higher.", rows["ours"], rows["no_kl"], "without L_KL")


def high_kl(rows: Mapping[str, Row]) -> Finding:
    """AIF Table 3, second row."""
    return _worse("More KL costs reconstruction quality.", rows["ours"], rows["high_kl"], "with twenty times α")


def _worse(claim: str, ours: Row, other: Row, how: str) -> Finding:
    """Whether a row's MSE is higher than ours by more than counts as the same."""
    error, mse = other.spread("mse"), ours.spread("mse")
    if ours.diverged or other.diverged:
        return Finding(claim, "can't be interpreted", evidence.uninterpretable(ours, other))
    if error is None or mse is None:
        return untested(claim, ours, other)
    verdict: Verdict = "seen" if error.mean > (1 + SAME_MSE) * mse.mean else "not seen"
    return Finding(claim, verdict, f"MSE is {mse_cell(mse).value} with ours and {mse_cell(error).value} {how}.")
