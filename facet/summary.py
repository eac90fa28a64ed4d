"""The numbers of a judged run as a W&B summary has them."""

from __future__ import annotations

from facet.results import read_run
from facet.runs import Run

SUMMARY = ("mse", "edit_off", "edit_on", "accuracy", "leakage_bits_sample", "leakage_bits_mean", "drift")


def summary_of(run: Run) -> dict[str, float]:
    """The numbers of ``results.json`` for W&B's summary: ``test/mse``, ``test/edit_on``, ``test/edit_on_low``, …

    If the run has several attributes, the attribute's name is appended: ``test/edit_on/Smiling``. ``test/edits`` is the
    mean over both directions and all attributes.
    """
    result = read_run("", 0, run.path)
    summary: dict[str, float] = {}
    for line in result.lines:
        if line.measure not in SUMMARY or line.stage is not None:
            continue
        suffix = f"/{line.attribute}" if line.attribute and len(result.attribute_names) > 1 else ""
        summary[f"test/{line.measure}{suffix}"] = line.value
        if line.low is not None and line.high is not None:
            summary |= {f"test/{line.measure}_low{suffix}": line.low, f"test/{line.measure}_high{suffix}": line.high}
    edits = [value for name, value in summary.items() if name.split("/")[1] in ("edit_off", "edit_on")]
    if edits:
        summary["test/edits"] = sum(edits) / len(edits)
    return summary
