"""Lets PyRadiomics 3.0.1 be built on Python 3.12 and later: its setup.py calls two names that Python 3.12 dropped.

    PYTHONPATH=requirements/python312 pip install --no-build-isolation 'pyradiomics==3.0.1'

Python imports this module at its start where the folder is on its path. Nothing of it is left in what is built.
"""

import configparser

configparser.SafeConfigParser = configparser.ConfigParser  # type: ignore[attr-defined]
configparser.ConfigParser.readfp = configparser.ConfigParser.read_file  # type: ignore[attr-defined]
