"""The daemon. `core` decides, `store` remembers, the modules beside them move bytes, time and tasks."""

__version__ = "0.1.0"
