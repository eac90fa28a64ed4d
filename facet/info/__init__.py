"""``facet-info``: versions, devices, data sets and runs, as text or as a page of all runs."""
