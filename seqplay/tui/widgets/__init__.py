"""Widgets: each owns its looks. Most are drawn as lines of spans; those that are typed into clean what they take."""
