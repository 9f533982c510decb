"""Which frozen model a policy asks for.

Belongs here: finding its parameters. Does not belong here: making them (linkage_lead_training.py), what they mean (linkage.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import ConfigError
from leadflow.identity.linkage_leads import builtin_lead_model

if TYPE_CHECKING:
    from leadflow.identity.linkage import LinkageModel

OFF = "off"
BUILTIN = "builtin"


def lead_model(choice: str, folder: Path) -> LinkageModel | None:
    """The model of `matching.model`; None for off.

    Args:
        choice: builtin, off, or the version of a model in the folder.
        folder: where `leadflow train-matching` leaves models, as VERSION.json.

    Raises:
        ConfigError: there is no such model, or its file is broken.
    """
    from leadflow.identity.linkage import model_from_json

    if choice == OFF:
        return None
    if choice == BUILTIN:
        return builtin_lead_model()
    path = folder / f"{choice}.json"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        kept = sorted(each.stem for each in folder.glob("*.json"))
        raise ConfigError(
            f"matching.model of policy.yaml names the model {choice}, whose file {path} cannot be read ({error.strerror})",
            f"take one of {', '.join([BUILTIN, OFF, *kept])}, or train one by `leadflow train-matching`",
        ) from None
    return model_from_json(text, str(path))
