"""What the networks of both papers need of torch: how they run, how they are stepped, which numbers they take.

``aif`` and ``jacsup`` don't know one another, and both step several optimisers by hand, freeze networks, guard running
batch-norm statistics and compute losses in full precision. Each had its own copy of that code; now there is one. This
package knows neither a paper nor the workbench nor a data set, and imports none of them.
"""
