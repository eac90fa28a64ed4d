#!/bin/sh
# The models that come with Facet (facet/models): each trained, judged, and packed small. Some 70 minutes on one core.
# The models there are were trained on 2026-11-28 by Adam; these commands train them by Muon.
# Every command goes on where it was stopped, and skips what is done. MNIST is found or downloaded (docs/data.md).
set -eu
export OMP_NUM_THREADS=1 # with another number of threads sums are rounded otherwise

# γ weighs a mean over the attributes. Of the validation faces, a hat was taken away in 20% with γ = .01 (after eight
# epochs) and in 86% with .06 (after six).
facet-train attribute_set=ten networks.width=20 trainer.max_epochs=20 trainer.check_val_every_n_epoch=4 model.weights.auxiliary=0.06 run_dir=runs/models/avatars-ten
facet-evaluate run=runs/models/avatars-ten
facet-export run=runs/models/avatars-ten to=package out=facet/models/avatars-ten

facet-train ablation=erasure attributes=[Smiling,Eyeglasses,Wearing_Hat] networks.width=16 trainer.max_epochs=18 trainer.check_val_every_n_epoch=3 model.weights.auxiliary=0.03 run_dir=runs/models/avatars-best
facet-evaluate run=runs/models/avatars-best
facet-export run=runs/models/avatars-best to=package out=facet/models/avatars-best

facet-train model=jacsup_faces networks.width=20 run_dir=runs/models/avatars-jacsup
facet-evaluate run=runs/models/avatars-jacsup
facet-export run=runs/models/avatars-jacsup to=package out=facet/models/avatars-jacsup

facet-train experiment=jacsup/best run_dir=runs/models/mnist-best
facet-evaluate run=runs/models/mnist-best
facet-export run=runs/models/mnist-best to=package out=facet/models/mnist-best
