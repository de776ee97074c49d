"""The portal's settings for measurements: tables made from the models, in a data folder of their own."""

from portal.settings import *  # noqa: F403

MIGRATION_MODULES = {"portal": None, "trust": None, "notifications": None}
LOG_LEVEL = "ERROR"
SECURE_SSL_REDIRECT = False
# One token asks for all of the services that a measurement stands for.
SERVE_MOST_PULLS = 10**12
