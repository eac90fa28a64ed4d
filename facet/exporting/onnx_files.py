"""Encoder, decoder and judge as ONNX files, each compared with PyTorch before it is handed out."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from facet.commands import say
from facet.errors import UserError
from facet.exporting.networks import Network, networks_of
from facet.exporting.subject import Subject

OPSET = 18
"""Of the files: all runtimes of the last three years read it."""
TOLERANCE = 1e-4
"""Largest difference to PyTorch, absolute and relative to values above 1."""
BATCHES = (1, 3)
"""Batches at which a file is compared."""
PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def refuse_missing(to: str) -> None:
    """Check that the optional packages are there.

    Raises:
        UserError: one is missing.
    """
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise UserError(f"to={to} needs {', '.join(missing)}: pip install 'facet-lab[export]'")


def onnx_files(subject: Subject) -> dict[str, bytes]:
    """The files by name; each is equal to PyTorch to ``TOLERANCE`` in onnxruntime, at every batch of ``BATCHES``.

    The batch is dynamic, and the metadata hold under ``facet`` as JSON what a reader has to know
    (:attr:`facet.exporting.subject.Subject.description`).

    Raises:
        UserError: the model has no decoder, or the exporter or the runtime can't do it.
    """
    files = {}
    for network in networks_of(subject):
        content = exported(network, subject.description)
        largest = difference(network, content)
        if largest is not None and not largest <= TOLERANCE:  # NaN is not below either
            raise UserError(f"{network.name}.onnx differs from PyTorch by {largest:.1e}: the model can't be exported")
        equal = "draws its own noise, not compared" if largest is None else f"equal to PyTorch to {largest:.0e}"
        say(f"{network.name}.onnx: opset {OPSET}, {equal}")
        files[f"{network.name}.onnx"] = content
    return files


def exported(network: Network, description: dict[str, Any]) -> bytes:
    """A network as the content of an ONNX file.

    Raises:
        UserError: the exporter can't do it.
    """
    shapes = tuple({0: torch.export.Dim.DYNAMIC} for _ in network.inputs)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            program = torch.onnx.export(
                network.module,
                tuple(network.inputs.values()),
                input_names=list(network.inputs),
                output_names=list(network.outputs),
                dynamic_shapes=(shapes,),  # of *inputs, which is one argument
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise UserError(f"{network.name} can't be exported to ONNX: {str(error).splitlines()[0]}") from error
    assert program is not None
    program.model.metadata_props["facet"] = json.dumps(description)
    _name_batch(program.model)
    content: bytes = program.model_proto.SerializeToString()
    return content


def _name_batch(model: Any) -> None:
    """Call the dynamic dimension ``batch`` instead of the exporter's own symbol."""
    import onnx_ir as ir

    for value in (*model.graph.inputs, *model.graph.outputs):
        value.shape = ir.Shape(["batch", *value.shape[1:]])


def difference(network: Network, content: bytes) -> float | None:
    """The largest difference between PyTorch and onnxruntime, relative where values are above 1.

    Returns:
        None if every comparable output is drawn at random; random outputs are left out.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    differences = []
    for batch in BATCHES:
        inputs = {name: _of_batch(value, batch) for name, value in network.inputs.items()}
        found = session.run(None, {name: value.numpy() for name, value in inputs.items()})
        expected, again = (_outputs(network, list(inputs.values())) for _ in range(2))
        for one, other, value in zip(expected, again, found, strict=True):
            if torch.equal(one, other):
                apart = (torch.from_numpy(value) - one).abs() / one.abs().clamp(min=1)
                differences.append(float(apart.max()))
    return max(differences, default=None)


def _outputs(network: Network, inputs: Sequence[Tensor]) -> list[Tensor]:
    with torch.no_grad():
        found = network.module(*inputs)
    return [found] if isinstance(found, Tensor) else list(found)


def _of_batch(example: Tensor, batch: int) -> Tensor:
    """Other values than those that the export has seen, of another batch."""
    generator = torch.Generator().manual_seed(batch)
    low, high = float(example.min()), float(example.max())
    return low + (high - low) * torch.rand(batch, *example.shape[1:], generator=generator)
