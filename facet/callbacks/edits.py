"""Edits during training: their success rates by the judge, and grids of edited faces."""

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
"""Most attributes in a grid."""


class EditMonitor(Callback):
    """Edits every validation image to 0 and to 1, logs the judge's readings, and draws a grid of the first faces.

    Logged are, for inputs that have the attribute (the paper's protocol), ``val/edit_on`` and ``val/edit_off``, and for
    unedited reconstructions ``val/reconstruction_on`` and ``val/reconstruction_off``. With several attributes these are
    means, and each attribute's own values are logged under the same names with ``/<attribute>`` appended.
    ``val/edits`` is the mean over all attributes of the success of edits that have something to change: the attribute
    is added where it is absent, and removed where it is present. Grids go to ``<run>/grids/`` and to W&B: original,
    reconstruction, A=0 and A=1 of the first attributes.

    Args:
        faces: number of faces in a grid.

    Raises:
        ValueError: ``faces`` is below 1.
    """

    def __init__(self, faces: int = 12) -> None:
        if faces < 1:
            raise ValueError(f"faces={faces}: it must be at least 1")
        self.faces = faces
        self.judge: Judge | None = None  # set before the fit
        self.directory = Path("grids")
        self._rates: EditRates | None = None

    def logged(self, names: Sequence[str]) -> set[str]:
        """The names of the values that are logged for these attributes."""
        kinds = [f"val/{key}_{side}" for key in ("reconstruction", "edit") for side in ("on", "off")]
        of_attributes = [f"{kind}/{name}" for kind in kinds for name in names] if len(names) > 1 else []
        return {"val/edits", *kinds, *of_attributes}

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
        with trainer.precision_plugin.forward_context():  # in the training's precision, which is faster
            predicted, nuisance = encoded(pl_module, images, labels)
            reconstruction = pl_module.decode(predicted, nuisance)
            unedited = judge.read(reconstruction)[:, columns]
            rows, read = [images[: self.faces], reconstruction[: self.faces]], []
            for j, column in enumerate(columns):  # one attribute at a time, because edits of all would fill the memory
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
    """Mean without NaN, which an attribute has that no face shows; NaN if there are no other values."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
