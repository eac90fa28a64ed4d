#!/bin/sh
# The papers' results at their own scale, on GPUs: one block per result, each may be copied alone. Every command goes on
# where it was stopped, and skips what is done. CelebA lies in ~/celeba (docs/data.md); MNIST is downloaded.
# A CPU twin of every block is the same command without preset=, data= and trainer=: make reproduce-table1 and so on.
set -eu

# AIF, Tables 1, 2 and 3: 64×64, ten epochs, three seeds. What the text says, then what the authors' code does.
facet-reproduce table1 table2 table3 seeds=0,1,2 preset=paper data=celeba data.root=~/celeba trainer=gpu reports=reports/paper
facet-reproduce table1 table2 table3 seeds=0,1,2 preset=authors data=celeba data.root=~/celeba trainer=gpu reports=reports/authors

# AIF, Figures 2 to 7: other attributes, one model for ten of them, a classifier, codes learned without labels.
facet-reproduce aif-figure2 aif-figure3 aif-figure4 aif-figure5 aif-figure6 aif-figure7 preset=paper data=celeba data.root=~/celeba trainer=gpu reports=reports/paper

# JacSup, Figures 1 and 2 and the trade-off: MNIST, 15 models × 100 epochs in each line, three seeds.
facet-reproduce jacsup-figure1 jacsup-figure2 jacsup-tradeoff seeds=0,1,2 preset=authors trainer=gpu reports=reports/authors

# JacSup, Figures 3 to 5 and Table 1: 256×256, a teacher and two students of ten attributes; Fader Networks beside them.
facet-reproduce jacsup-figure3 jacsup-figure4 jacsup-figure5 jacsup-table1 preset=paper data=celeba data.root=~/celeba data.crop=jacsup trainer=gpu reports=reports/paper

# Every system by every measure, sortable.
facet-reproduce compare preset=paper data=celeba data.root=~/celeba trainer=gpu reports=reports/paper

# One model over all GPUs of a machine, each with its share of the batch.
facet-train preset=paper data=celeba data.root=~/celeba trainer=ddp
