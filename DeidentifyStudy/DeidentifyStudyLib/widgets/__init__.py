"""Views of the logic; the only place of this module that knows Qt."""
