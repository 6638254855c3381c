"""The scripts of ``stages/`` are part of the package, as ``radprompt.stages``: a user's study runs them, too."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages("src"), "radprompt.stages"],
    package_dir={"": "src", "radprompt.stages": "stages"},
)
