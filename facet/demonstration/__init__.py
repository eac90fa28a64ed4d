"""The demo's page: what it shows of a model (``columns``, ``markup``), and the page itself (``page``), in Gradio."""
