"""Labelling: say what each mention reports."""
