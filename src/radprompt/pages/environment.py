"""The one way in which templates become pages."""

from importlib.resources import files

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def environment(*packages: str) -> Environment:
    """Return the templates of some packages: values are escaped, and a name that nobody gave is an error.

    Parameters
    ----------
    *packages
        Dotted names of packages with a folder ``templates``, such as ``radprompt.pages.report``; where two have a
        template of one name, that of the first is taken. Names are written out where this is called: fingerprints of
        code find a page's templates by them (:mod:`radprompt.repository.fingerprints`).
    """
    return Environment(
        loader=FileSystemLoader([str(files(package).joinpath("templates")) for package in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
