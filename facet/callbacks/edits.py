"""Edits during training: how often the judge sees what was asked for, and grids to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import WandbLogger
from torch import Tensor

from facet.judge import Judge
from facet.measures.edits import EditRates, edited, encoded
from facet.pictures import edit_grid, save_png
from facet.protocols import Batch, Editor

SHOWN = 12
"""Attributes in a grid, at most."""


class EditMonitor(Callback):
    """Edits every validation image both ways and logs the judge's view of it, with a grid of the first faces.

    Logged, inputs that have the attribute (the paper's protocol): ``val/edit_on``, ``val/edit_off``, and for unedited
    reconstructions ``val/reconstruction_on``, ``val/reconstruction_off``. Of several attributes these are the means,
    and what each has by itself stands beside them, its name appended. ``val/edits`` is the mean over all attributes of
    the edits in which there is something to change: given to who has it not, taken from who has it. Grids go to
    ``<run>/grids/`` and to W&B: original, reconstruction, A=0, A=1, of the first attributes where there are many.

    Args:
        faces: how many faces a grid shows.

    Raises:
        ValueError: none.
    """

    def __init__(self, faces: int = 12) -> None:
        if faces < 1:
            raise ValueError(f"faces={faces}: it must be at least 1")
        self.faces = faces
        self.judge: Judge | None = None  # set before the fit
        self.directory = Path("grids")
        self._rates: EditRates | None = None

    def logged(self, names: Sequence[str]) -> set[str]:
        """The names under which it logs the edits of these attributes."""
        kinds = [f"val/{key}_{side}" for key in ("reconstruction", "edit") for side in ("on", "off")]
        each = [f"{kind}/{name}" for kind in kinds for name in names] if len(names) > 1 else []
        return {"val/edits", *kinds, *each}

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if self.judge is None or not isinstance(pl_module, Editor):
            return
        judge = self.judge.to(pl_module.device)
        names = pl_module.attribute_names
        if self._rates is None:
            self._rates = EditRates(len(names)).to(pl_module.device)
        images, labels = batch["image"], batch["attributes"]
        columns = [judge.attribute_names.index(name) for name in names]
        with trainer.precision_plugin.forward_context():  # the training's precision: this happens often
            predicted, nuisance = encoded(pl_module, images, labels)
            reconstruction = pl_module.decode(predicted, nuisance)
            unedited = judge.read(reconstruction)[:, columns]
            rows, read = [images[: self.faces], reconstruction[: self.faces]], []
            for j, column in enumerate(columns):  # one attribute at a time: edits of all of them would fill the memory
                for value in (False, True):
                    edits = edited(pl_module, trainer.datamodule, predicted, nuisance, j, value)  # type: ignore[attr-defined]
                    read.append(judge.read(edits)[:, column])
                    if j < SHOWN:
                        rows.append(edits[: self.faces].clone())
        self._rates.update(labels, unedited, torch.stack(read[0::2], 1), torch.stack(read[1::2], 1))
        if batch_idx == 0 and trainer.is_global_zero:
            self._show(trainer, names[:SHOWN], [row.float().cpu() for row in rows])

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._rates is None:
            return
        every = self._rates.compute()
        names: tuple[str, ...] = pl_module.attribute_names  # type: ignore[assignment]
        turned = [rates["full"][cell].value for rates in every for cell in ("on_from_off", "off_from_on")]
        pl_module.log("val/edits", _mean(turned))
        for kind, key in (("reconstruction", "reconstruction"), ("paper", "edit")):
            for side in ("on", "off"):
                values = [rates[kind][side].value for rates in every]
                pl_module.log(f"val/{key}_{side}", _mean(values), prog_bar=kind == "paper")
                for name, value in zip(names, values, strict=True) if len(names) > 1 else ():
                    pl_module.log(f"val/{key}_{side}/{name}", value)
        self._rates.reset()

    def _show(self, trainer: Trainer, names: tuple[str, ...], rows: list[Tensor]) -> None:
        labels = ["original", "reconstruction", *(f"{name}={v}" for name in names for v in (0, 1))]
        picture = edit_grid(rows, labels)
        save_png(picture, self.directory / f"epoch-{trainer.current_epoch:04d}.png")
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_image("edits", [picture])


def _mean(values: Sequence[float]) -> float:
    """Of those that are known: some attribute may have no face of a kind; NaN if none is."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
