"""Python client of Telltale: the pytest plugin (telltale.pytest_plugin) and ConfigManager (telltale.config).

Standard library only. Importing this package imports nothing else: pytest loads it in every run, also without --monitor-pods.
"""
__version__ = "0.1.0"
