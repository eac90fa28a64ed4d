"""The Hugging Face hub: a model's folder is uploaded, or fetched. Whatever fails is one line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from facet.errors import UserError

ID = re.compile(r"[\w.-]+/[\w.-]+")
"""A model on the hub: its owner and its name."""


def library() -> Any:
    """The package ``huggingface_hub``.

    Raises:
        UserError: it isn't installed.
    """
    try:
        import huggingface_hub
        import huggingface_hub.constants
        import huggingface_hub.errors
        import huggingface_hub.utils
    except ImportError as error:
        raise UserError("the hub needs huggingface_hub: pip install 'facet-lab[hub]'") from error
    return huggingface_hub


def refuse_upload(name: str | None) -> None:
    """Refuse, before any work, an upload that can't succeed.

    Raises:
        UserError: no name or one that no model on the hub can have, no library, or no token.
    """
    if name is None or not ID.fullmatch(name):
        raise UserError(f"hub={name}: say the model's owner and name on the hub, such as hub=me/smiles")
    hub = library()
    try:
        hub.utils.validate_repo_id(name)
    except ValueError as error:
        raise UserError(f"hub={name}: {' '.join(str(error).split())}") from error
    if hub.get_token() is None:
        raise UserError("there is no token for the hub: run hf auth login, or set HF_TOKEN to one that may write")


def upload(folder: Path, files: Sequence[str], name: str, public: bool) -> str:
    """Upload files of a folder as a model, which is made if it doesn't exist.

    Args:
        folder: where the files are.
        files: their names.
        name: of the model on the hub.
        public: whether everybody may see a model that is made. One that exists stays as it is.

    Returns:
        The model's address.

    Raises:
        UserError: the hub can't be reached, or refuses.
    """
    hub = library()
    try:
        api = hub.HfApi(library_name="facet")
        address = str(api.create_repo(name, private=not public, exist_ok=True))
        message = "Upload by facet-export"
        api.upload_folder(repo_id=name, folder_path=folder, allow_patterns=list(files), commit_message=message)
    except Exception as error:  # the hub's, and its HTTP library's
        raise UserError(f"hub={name}: {why(error)}; the files are in {folder}") from error
    return address


def fetch(name: str, patterns: Sequence[str]) -> Path:
    """The folder with the files of a model, which are fetched unless they are in the hub's cache.

    Args:
        name: of the model on the hub.
        patterns: which files, such as ``*.safetensors``.

    Raises:
        UserError: no library, no such model, or the hub can't be reached.
    """
    hub = library()
    try:
        return Path(hub.snapshot_download(name, allow_patterns=list(patterns)))
    except Exception as error:  # the hub's, and its HTTP library's
        raise UserError(f"{name} can't be fetched from the hub: {why(error)}") from error


def why(error: Exception) -> str:
    """What went wrong between here and the hub, in words."""
    hub = library()
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return "it doesn't know the token, or there is no such model: run hf auth login, or set HF_TOKEN"
    if status == 403:
        return f"it refuses: the token may not do this{_said(error)}"
    if status == 404:
        return "there is no such model, or it is private and the token may not see it"
    if status is not None:
        return f"it answers with status {status}{_said(error)}"
    offline = hub.errors.LocalEntryNotFoundError, hub.errors.OfflineModeIsEnabled
    if isinstance(error, offline) or type(error).__module__.startswith("httpx"):
        return f"{hub.constants.ENDPOINT} can't be reached"
    return " ".join(str(error).split())[:200]


def _said(error: Any) -> str:
    said = getattr(error, "server_message", None)
    return f" ({' '.join(str(said).split())[:200]})" if said else ""
