"""What the numbers say about the paper's claims, in words. A claim is judged by intervals, never by single values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from facet.report import ablation_findings, evidence
from facet.report.claims import HIGH, SAME_MSE, Finding, Verdict, edit_rates, stop_at, untested
from facet.report.results import Row, Spread
from facet.report.tables import mse_cell, rate_cell, signed, sums

IGNORED = 0.10
"""Edits ignore y where Ĉ_A + Ĉ_not-A, with its whole interval, is within 100% ± this."""
LEAK = 0.10
"""Bits of y that a fresh probe may read from a code before the code counts as telling y."""
CHANCE = 0.95
"""A is at chance where its loss reaches this share of H(y)."""
CONFUSION = "val/auxiliary_confusion"
"""A's loss as a share of H(y), in ``metrics.csv``."""


def find(rows: Sequence[Row]) -> tuple[Finding, ...]:
    """Judge the paper's claims, as far as the table has the rows for them."""
    by_key = {row.key: row for row in rows}
    claims = (
        (("ours", "no_aux"), ignores_label),
        (("ours", "no_aux"), same_error),
        (("ours",), factored),
        (("ours", "rec_class"), class_on_reconstruction),
        (("ours", "icgan"), icgan),
        (("ours", "cvae_gan"), ablation_findings.cvae_gan),
        (("ours", "no_gan"), ablation_findings.no_gan),
        (("ours", "no_kl"), ablation_findings.no_kl),
        (("ours", "high_kl"), ablation_findings.high_kl),
    )
    return tuple(judge(by_key) for keys, judge in claims if by_key.keys() >= set(keys))


def attribute_of(rows: Sequence[Row]) -> str:
    """The edited attribute, by the first run that has numbers."""
    return next((result.attribute for row in rows for result in row.evaluated), "Attribute")


def ignores_label(rows: Mapping[str, Row]) -> Finding:
    """AIF §4.2 (1) and (2), the paper's main finding."""
    claim = "Without L_aux edits ignore y (the two rates add up to about 100%); with L_aux both rates are high."
    ours, without = rows["ours"], rows["no_aux"]
    reference, total, rates = sums(ours), sums(without), edit_rates(ours)
    if stop := stop_at(claim, ours, without):
        return stop
    if reference is None or total is None or rates is None:
        return untested(claim, ours, without)
    ignored = evidence.within(total, 1 - IGNORED, 1 + IGNORED)
    high = evidence.all_of(*(evidence.within(rate, HIGH, 1.0) for rate in rates))
    better, worse = evidence.below(total, reference), evidence.below(reference, total)
    verdict: Verdict = "undecided"
    if ignored and high:
        verdict = "seen"
    elif better:
        verdict = "partly seen"
    elif worse or ignored is False or high is False:
        verdict = "not seen"
    text = f"Without L_aux, {evidence.edits(without)}; they add up to {evidence.total(without)}: {_control(total)}. "
    text += f"With L_aux, {evidence.edits(ours)}; they add up to {evidence.total(ours)}: {_heights(high)}."
    if verdict == "partly seen":
        text += " L_aux makes a clear difference, though not the whole one that the paper reports."
    return Finding(claim, verdict, text)


def same_error(rows: Mapping[str, Row]) -> Finding:
    """AIF Table 1: 0.028 in every row."""
    claim = "L_aux costs no reconstruction quality: MSE is about the same with and without it."
    ours, without = rows["ours"].spread("mse"), rows["no_aux"].spread("mse")
    if ours is None or without is None:
        return untested(claim, rows["ours"], rows["no_aux"])
    text = f"With L_aux and without it, MSE is {evidence.ratio(ours, without)}."
    if stop := stop_at(claim, rows["ours"], rows["no_aux"]):  # two models that draw nothing have the same error too
        return Finding(claim, stop.verdict, f"{text} {stop.text}")
    return Finding(claim, "seen" if abs(ours.mean / without.mean - 1) <= SAME_MSE else "not seen", text)


def factored(rows: Mapping[str, Row]) -> Finding:
    """AIF §4.3: H(y|ẑ) ≈ H(y), which the paper never measures."""
    claim = "The code does not tell the label: H(y|ẑ) ≈ H(y)."
    ours = rows["ours"]
    sample, mean = ours.spread("leakage_bits_sample"), ours.spread("leakage_bits_mean")
    entropy = ours.spread("entropy_bits")
    if sample is None or mean is None or entropy is None:
        return untested(claim, ours)
    hidden = max(sample.values) <= LEAK, max(mean.values) <= LEAK
    verdict: Verdict = "seen" if all(hidden) else "partly seen" if hidden[0] else "not seen"
    text = f"Of the {entropy.mean:.2f} bit of y, a fresh probe reads {evidence.bits(sample)} from ẑ, which A sees, "
    text += f"and {evidence.bits(mean)} from μ, which the edits use. "
    confusions = [curve[-1][1] for result in ours.evaluated if (curve := result.metrics().get(CONFUSION))]
    if confusions:
        chance = min(confusions) >= CHANCE
        text += f"A's own loss ended at {100 * min(confusions):.0f}% of H(y), {'' if chance else 'not '}at chance"
        text += "; A at chance is not the proof. " if chance and not all(hidden) else ". "
    without = rows.get("no_aux")
    if without and (other := without.spread("leakage_bits_mean")):
        text += f"Without L_aux the probe reads {evidence.bits(other)} from μ. "
    stop = stop_at(claim, ours)
    if stop and verdict != "not seen":  # a code that tells nothing at all does not tell y either
        return Finding(claim, stop.verdict, text + stop.text)
    return Finding(claim, verdict, text + f"At most {LEAK:.1f} bit counts as not telling.")


def class_on_reconstruction(rows: Mapping[str, Row]) -> Finding:
    """AIF §4.2 (3)."""
    claim = "A classification loss on x̂ gives no clear benefit."
    ours, other = rows["ours"], rows["rec_class"]
    before, after = edit_rates(ours), edit_rates(other)
    if stop := stop_at(claim, ours, other):
        return stop
    if before is None or after is None:
        return untested(claim, ours, other)
    attribute = attribute_of([ours])
    changes = [evidence.difference(new, old) for new, old in zip(after, before, strict=True)]
    benefit, harm = any(low > 0 for _, low, _ in changes), any(high < 0 for _, _, high in changes)
    points = [f"{signed(change)} points ({signed(low)} to {signed(high)})" for change, low, high in changes]
    text = f"The edits to Not-{attribute} change by {points[0]}, those to {attribute} by {points[1]}: "
    text += {
        (False, False): "both intervals include zero",
        (True, False): "a gain that the choice of test faces does not explain",
        (False, True): "a loss that the choice of test faces does not explain",
        (True, True): "one rate gains and the other loses",
    }[benefit, harm]
    return Finding(claim, "not seen" if benefit and not harm else "seen", f"{text}.")


def icgan(rows: Mapping[str, Row]) -> Finding:
    """AIF §4.2 (4), with an IcGAN that was trained here."""
    claim = "IcGAN reaches a similar reconstruction error and edits less well."
    ours, other = rows["ours"], rows["icgan"]
    on, off, error = (other.spread(key) for key in ("reconstruction_on", "reconstruction_off", "mse"))
    mse, total, reference = ours.spread("mse"), sums(other), sums(ours)
    if on is None or off is None or error is None:
        return untested(claim, other)
    quality = f"IcGAN's unedited reconstructions keep the label in {rate_cell(on).value} (present) and "
    quality += f"{rate_cell(off).value} (absent) of cases, with an MSE of {mse_cell(error).value}"
    quality += f" (ours: {mse_cell(mse).value})" if mse else ""
    if not other.interpretable:
        return Finding(claim, "can't be interpreted", f"{quality}. {evidence.weak_judge(other)}{evidence.UNDERTRAINED}")
    quality += ": trained well enough to be judged by its edits."
    if stop := stop_at(claim, ours, other):
        return Finding(claim, stop.verdict, f"{quality} {stop.text}")
    if total is None or reference is None or mse is None:
        return untested(claim, other, ours)
    less, more = evidence.below(total, reference), evidence.below(reference, total)
    similar = abs(error.mean / mse.mean - 1) <= SAME_MSE
    verdict: Verdict = "not seen" if more else "undecided" if not less else "seen" if similar else "partly seen"
    how = "less well than ours" if less else "better than ours" if more else "not clearly worse or better than ours"
    text = f"{quality} It edits {how}: {evidence.edits(other)}, together {evidence.total(other)}."
    text += f" Its MSE is {'about the same' if similar else f'{error.mean / mse.mean:.1f} times ours'}."
    return Finding(claim, verdict, text)


def summary(rows: Sequence[Row]) -> str:
    """The main result in a paragraph."""
    by_key = {row.key: row for row in rows}
    judged = next((result for row in rows for result in row.evaluated), None)
    if judged is None:
        return "No run has been evaluated yet: there is nothing to report."
    attribute, n = attribute_of(rows), (next((s.n for row in rows if (s := row.spread("edit_off")) and s.n), (0,)))
    accuracy = judged.value("judge_accuracy")
    said = (
        f"{min(n):,} test faces with the attribute {attribute} ({judged.content.get('data', 'unknown data')}, preset "
    )
    said += f"{judged.content.get('preset', 'unknown')}) were edited both ways and judged by an independent classifier"
    said += f" that is right on {100 * accuracy:.1f}% of real test images. " if accuracy is not None else ". "
    for key, start in (("ours", "With L_aux"), ("no_aux", "Without L_aux")):
        if key in by_key and by_key[key].evaluated and edit_rates(by_key[key]):
            said += f"{start}, {evidence.edits(by_key[key])}. "
    if {"ours", "no_aux"} <= by_key.keys():
        said += {
            "seen": "The paper's main finding is seen: without L_aux the edits ignore the label, with it both succeed.",
            "partly seen": "The paper's main finding is partly seen: L_aux makes a clear difference, though not the "
            "whole one that the paper reports.",
            "not seen": "The paper's main finding, that only L_aux makes edits follow the label, is not seen.",
            "undecided": "Whether the paper's main finding holds is undecided: the intervals allow both.",
            "can't be interpreted": "The paper's main finding can't be judged yet: "
            + ("the judge errs too often." if evidence.weak_judge(*rows) else "reconstructions lose the label."),
            "not tested": "The paper's main finding is not tested: a row that it needs has no numbers.",
        }[ignores_label(by_key).verdict]
    return said + evidence.seeds([row for row in rows if row.evaluated])


def _control(total: Spread) -> str:
    ignored = evidence.within(total, 1 - IGNORED, 1 + IGNORED)
    if ignored:
        return "the picture does not follow y"
    if ignored is None:
        return "the interval does not tell whether the picture follows y a little or not at all"
    return "the picture follows y to some extent" if total.mean > 1 else "the picture goes against y"


def _heights(high: bool | None) -> str:
    if high is None:
        return f"whether both rates are above {HIGH:.0%} is within the intervals"
    return f"both rates are high (above {HIGH:.0%})" if high else f"not both rates are high (above {HIGH:.0%})"
