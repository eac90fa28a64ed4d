"""Old names of settings, classes and choices, each with its new one: an old name is refused, and the new one told."""

from __future__ import annotations

from collections.abc import Container

from omegaconf import DictConfig, OmegaConf

SETTINGS: dict[str, tuple[str, ...]] = {
    "model.kl_weight": ("model.weights.kl",),
    "model.class_weight": ("model.weights.classification",),
    "model.gan_weight": ("model.weights.gan",),
    "model.auxiliary_weight": ("model.weights.auxiliary",),
    "model.class_on_reconstruction_weight": ("model.weights.class_on_reconstruction",),
    "model.class_on_reconstruction": ("model.class_on_reconstruction_trains",),
    "model.gan_form": ("model.gan.form",),
    "model.discriminator_factor": ("model.gan.discriminator_factor",),
    "model.statistics": ("model.gan.running_statistics",),
    "model.auxiliary_noise": ("model.auxiliary_training.noise",),
    "model.auxiliary_steps": ("model.auxiliary_training.steps",),
    "model.memory": ("model.auxiliary_training.memory",),
    "model.encoder.most_log_variance": ("model.encoder.max_log_variance",),
    "model.reconstruction_weight": ("model.weights.reconstruction",),
    "model.discriminator_feature_weight": ("model.weights.discriminator_features",),
    "model.classifier_feature_weight": ("model.weights.classifier_features",),
    "model.off_diagonal_weight": ("model.weights.off_diagonal",),
    "model.diagonal_weight": ("model.weights.diagonal",),
    "model.together": ("model.joint_step",),
    "model.code_weight": ("model.weights.code",),
    "model.difference_weight": ("model.weights.difference",),
    "model.covariance_weight": ("model.weights.covariance",),
    "model.stage_factor": ("model.weights.stage_factor",),
    "model.supervised": ("model.swapped_units",),
    "model.teacher": ("model.supervisor",),  # whose value original is now first_teacher
    "model.prediction": ("model.prediction_reduction",),
    "model.network.code_size": ("model.network.units", "model.network.latent_channels"),  # digits, faces
    "model.network.max_code_size": ("model.network.max_units", "model.network.max_latent_channels"),
    "model.network.most": ("model.network.max_width",),
    "callbacks.growth.code_size": ("callbacks.growth.max_units",),
    "callbacks.growth.units": ("callbacks.growth.units_per_growth",),
}
"""Old key to new key, or to several, of which each model has one."""

CLASSES = {
    "aif.module.IFcVAEGAN": "aif.ifcvae_gan.IFcVAEGAN",
    "jacsup.module.ProgressiveAutoencoder": "jacsup.digits.ProgressiveAutoencoder",
    "jacsup.networks.GrowingAutoencoder": "jacsup.digit_networks.GrowingAutoencoder",
    "jacsup.supervised.SupervisedAutoencoder": "jacsup.faces.ProgressiveAttributeAutoencoder",
    "jacsup.weights.Weights": "jacsup.weights.FaceWeights",
}

CHOICES = {
    "model/growing_autoencoder": "model/jacsup_digits",
    "model/supervised_autoencoder": "model/jacsup_faces",
}


def new_name(key: str, config: DictConfig, parameters: Container[str] = ()) -> str | None:
    """The new name of an old setting, or of a setting below it; None if the key is no old one, or not of this model.

    Args:
        key: a dotted key that the config may not have.
        config: the config; of several new names, the one that it has is meant.
        parameters: of the constructor that the key was meant for. They decide where a stored config has only old names.

    Returns:
        ``model.weights.kl`` for ``model.kl_weight``.
    """
    parts = key.split(".")
    for end in range(len(parts), 0, -1):
        names = SETTINGS.get(".".join(parts[:end]), ())
        meant = [name for name in names if name.split(".")[end - 1] in parameters]
        found = [name for name in names if _has(config, name)]
        found = found or [name for name in meant if _may_have(config, name, parts[: end - 1])]
        if found:
            return " or ".join(".".join([name, *parts[end:]]) for name in found)
    return None


def _has(config: DictConfig, name: str) -> bool:
    group, _, last = name.rpartition(".")
    node = OmegaConf.select(config, group)
    return isinstance(node, DictConfig) and last in node


def _may_have(config: DictConfig, name: str, parent: list[str]) -> bool:
    """Whether nothing in the config says that this model has no such setting."""
    group = name.rpartition(".")[0]
    return group == ".".join(parent) or OmegaConf.select(config, group) is None
