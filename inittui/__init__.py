"""Which weight initialisation, why, and is the difference real? A terminal dashboard that answers with evidence."""

__version__ = "0.1.0"
