"""Edits of a user's own pictures: a face is found, cut out as the model's data was, edited, and pasted back."""
