"""Picture files and squares cut from them: what data sets decode, and what a user wants edited, are opened alike.

``datamodules`` reads thousands of pictures into stores, and ``facet`` edits single ones. Both must turn, scale and
crop a picture in the same way, or a model would be given what it was never trained on. This package knows neither data
sets nor models and imports none of the other packages. It doesn't import torch, because worker processes import it.
"""
