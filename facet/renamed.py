"""Old names of settings, classes and choices, each with its new name. An old name is refused with the new one named."""

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
"""From an old key to its new key, or to several keys of which each model has one."""

CLASSES = {
    "aif.module.IFcVAEGAN": "aif.ifcvae_gan.IFcVAEGAN",
    "jacsup.module.ProgressiveAutoencoder": "jacsup.digits.ProgressiveAutoencoder",
    "jacsup.networks.GrowingAutoencoder": "jacsup.digit_networks.GrowingAutoencoder",
    "jacsup.supervised.SupervisedAutoencoder": "jacsup.faces.ProgressiveAttributeAutoencoder",
    "jacsup.weights.Weights": "jacsup.weights.FaceWeights",
}

CHOICES = {
    "experiment=aif/table1/ours": "the default of facet-train: leave it out",
    "experiment=aif/table1/no_aux": "ablation=no_aux",
    "experiment=aif/table1/rec_class": "ablation=rec_class",
    "experiment=aif/table1/icgan": "model=icgan",
    "experiment=aif/table1/best": "ablation=erasure",
    "experiment=aif/table1/every_layer": "ablation=every_layer",
    "experiment=aif/table1/every_layer_no_aux": "ablation=every_layer model.weights.auxiliary=0",
    "experiment=aif/table3/ours": "networks.kind=residual",
    "experiment=aif/table3/best": "networks.kind=residual ablation=erasure",
    "experiment=aif/table3/cvae_gan": "model=cvae_gan networks.kind=residual",
    "experiment=aif/table3/high_kl": "networks.kind=residual ablation=high_kl",
    "experiment=aif/table3/no_aux": "networks.kind=residual ablation=no_aux",
    "experiment=aif/table3/no_gan": "networks.kind=residual ablation=no_gan",
    "experiment=aif/table3/no_kl": "networks.kind=residual ablation=no_kl",
    "experiment=aif/beyond/fader": "model=fader networks.kind=residual",
    "experiment=aif/figure2/classifier": "model=classifier attribute_set=ten",
    "experiment=aif/figure4/blond_hair": "networks.kind=residual attributes=[Blond_Hair]",
    "experiment=aif/figure4/eyeglasses": "networks.kind=residual attributes=[Eyeglasses]",
    "experiment=aif/figure4/wearing_hat": "networks.kind=residual attributes=[Wearing_Hat]",
    "experiment=aif/figure4/many": "experiment=aif/many",
    "experiment=aif/figure7/beta_vae": "experiment=aif/beta_vae",
    "experiment=aif/figure7/dip_vae_i": "experiment=aif/dip_vae model.covariance=means model.weights.diagonal=10",
    "experiment=aif/figure7/dip_vae_ii": "experiment=aif/dip_vae",
    "experiment=jacsup/chain": "model=jacsup_digits",
    "experiment=jacsup/control": "model=jacsup_digits ablation=no_jacobian",
    "experiment=jacsup/original": "model=jacsup_digits model.supervisor=first_teacher",
    "experiment=jacsup/scratch": "model=jacsup_digits ablation=from_scratch",
    "experiment=jacsup/faces/celeba": "model=jacsup_faces attribute_set=forty data=celeba data.crop=jacsup",
    "experiment=jacsup/faces/control": "model=jacsup_faces ablation=as_the_teacher",
    "experiment=jacsup/faces/fader": "experiment=jacsup/fader",
    "experiment=jacsup/faces/no_jacobian": (
        "model=jacsup_faces model.student_weights.code=0 model.student_weights.difference=0"
    ),
    "experiment=jacsup/faces/student": "model=jacsup_faces",
    "ablation=every_layer_no_aux": "ablation=every_layer model.weights.auxiliary=0",
    "ablation=original_teacher": "model.supervisor=first_teacher",
    "ablation=no_jacobian_on_faces": "model.student_weights.code=0 model.student_weights.difference=0",
    "callbacks=growth": "part of model=jacsup_digits",
    "callbacks=face_growth": "part of model=jacsup_faces",
    "callbacks=default": "the default: leave it out",
    "model=growing_autoencoder": "model=jacsup_digits",
    "model=supervised_autoencoder": "model=jacsup_faces",
}
"""From an old choice to the arguments that mean the same now."""


def new_name(key: str, config: DictConfig, parameters: Container[str] = ()) -> str | None:
    """The new name of an old setting, or of a setting below one; None if the key isn't an old one of this model.

    Args:
        key: a dotted key that the config may not have.
        config: the config; if a key has several new names, the one that exists in the config is returned.
        parameters: the parameters of the constructor that the key belongs to. They decide if a stored config has only
            old names.

    Returns:
        ``model.weights.kl`` for ``model.kl_weight``.
    """
    parts = key.split(".")
    for end in range(len(parts), 0, -1):
        names = SETTINGS.get(".".join(parts[:end]), ())
        accepted = [name for name in names if name.split(".")[end - 1] in parameters]
        new = [name for name in names if _has(config, name)]
        new = new or [name for name in accepted if _may_have(config, name, parts[: end - 1])]
        if new:
            return " or ".join(".".join([name, *parts[end:]]) for name in new)
    return None


def _has(config: DictConfig, name: str) -> bool:
    group, _, last = name.rpartition(".")
    node = OmegaConf.select(config, group)
    return isinstance(node, DictConfig) and last in node


def _may_have(config: DictConfig, name: str, parent: list[str]) -> bool:
    """Whether the config leaves open if this model has such a setting."""
    group = name.rpartition(".")[0]
    return group == ".".join(parent) or OmegaConf.select(config, group) is None
