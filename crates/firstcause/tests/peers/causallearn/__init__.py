"""A stand-in for the patched library that one method compared with needs and no registry has; see `local.py`."""
