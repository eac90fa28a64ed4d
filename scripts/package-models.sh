#!/bin/sh
# The models that come with Facet (facet/models): each trained, judged, and packed small. About 70 minutes on one core.
# Every command goes on where it was stopped, and skips what is done. MNIST is found or downloaded (docs/data.md).
set -eu
export OMP_NUM_THREADS=1 # another number of threads rounds otherwise
