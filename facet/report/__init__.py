"""The report: a table of results beside the published one, as a self-contained page, CSV, Markdown and LaTeX."""
