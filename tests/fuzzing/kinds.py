"""Every kind of input, by name."""

from __future__ import annotations

from fuzzing import celeba_inputs, command_lines, folder_inputs, run_inputs, store_inputs
from fuzzing.harness import Kind

MODULES = (folder_inputs, celeba_inputs, store_inputs, run_inputs, command_lines)
KINDS: dict[str, Kind] = {kind.name: kind for module in MODULES for kind in module.KINDS}
