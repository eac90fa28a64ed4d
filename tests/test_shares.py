"""What a statistic is taken over doesn't depend on how many processes there are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from shares import SIZE, SYSTEMS, Found, of_share

RANKS = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from pathlib import Path
import torch
import torch.distributed
from pytorch_lightning import LightningModule, Trainer
from torch.utils.data import DataLoader
from shares import SIZE, of_share

def over_all(values):
    torch.distributed.all_reduce(values)
    return values / 2

class Carrier(LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch, batch_idx):
        return self.weight.sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def on_train_start(self):
        rank, half = self.trainer.global_rank, SIZE // 2
        found = of_share(rank * half, rank * half + half, self.trainer, over_all)
        torch.save(found, Path({path!r}) / f"rank{{rank}}.pt")

if __name__ == "__main__":
    nothing = dict(logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
    run = Trainer(accelerator="cpu", devices=2, strategy="ddp", max_epochs=1, **nothing)
    run.fit(Carrier(), DataLoader(torch.zeros(2, 1)))
"""


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[Found]:
    """What two gloo ranks have, each from half of a batch."""
    path, root = tmp_path_factory.mktemp("ranks"), Path(__file__).parents[1]
    script = path / "ranks.py"
    script.write_text(RANKS.format(root=str(root), tests=str(root / "tests"), path=str(path)))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=240, cwd=root)
    assert done.returncode == 0, done.stderr[-3000:]
    return [torch.load(path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]


@pytest.mark.parametrize("system", SYSTEMS)
def test_two_processes_make_of_a_batch_what_one_makes_of_it(system: str, ranks: list[Found]) -> None:
    """Losses, their gradient, what is remembered of codes, centres of classes."""
    alone = of_share(0, SIZE, None, lambda values: values)[system]
    assert alone["gradient"].norm() > 1e-6
    for found in ranks:  # in float64: networks that have learned nothing have small covariances
        torch.testing.assert_close(found[system], alone, rtol=1e-6, atol=1e-12)
