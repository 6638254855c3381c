"""Rows of a table become cases of sites: each site has columns and a standardisation of its own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radprompt.core.errors import InputError
from radprompt.named.model import Cases, Site
from radprompt.named.reading import Table, select_rows
from radprompt.named.values import Method, Standardiser

Floats = NDArray[np.float64]


def add_rows(
    sites: Sequence[Site],
    table: Table,
    row_sites: NDArray[Any],
    y: Floats | None,
    weight: Floats,
    method: Method,
    reference: Table | None = None,
) -> tuple[list[Site], dict[int, Cases]]:
    """Return the sites with those that are new, and the labelled cases by their site's position.

    Parameters
    ----------
    sites
        Sites known so far; their standardisation stays.
    table
        Rows of one or more sites.
    row_sites
        Each row's site, shape (rows,).
    y
        Classes 0 and 1, shape (rows,); None: none is labelled.
    weight
        How often each row counts, shape (rows,); a row with 0 is left out.
    method
        Standardisation of new sites.
    reference
        Rows that a new site is standardised by; None: those of ``table``.
    """
    found, cases = list(sites), {}
    for name in sorted(set(row_sites.tolist())):
        chosen = (row_sites == name) & (weight > 0)
        rows = select_rows(table, chosen)
        known = [site.name for site in found]
        if name not in known:
            measured = rows if reference is None else reference
            counts = weight[chosen] if reference is None else np.ones(len(measured.values))
            found.append(_new_site(name, measured, counts, method))
            known.append(name)
        position = known.index(name)
        if y is not None and chosen.any():
            site = found[position]
            cases[position] = Cases(site.standardiser.transform(align(rows, site)), y[chosen], weight[chosen])
    return found, cases


def align(table: Table, site: Site) -> Floats:
    """Return the values in the site's columns; a column that the table lacks is missing throughout.

    Raises
    ------
    InputError
        If the table has values in columns that the site has not.
    """
    place = {name: i for i, name in enumerate(table.names)}
    other = sorted(set(table.names) - set(site.columns))
    strange = [name for name in other if not np.isnan(table.values[:, place[name]]).all()]
    if strange:
        shown = ", ".join(strange[:5]) + (f" and {len(strange) - 5} more" if len(strange) > 5 else "")
        raise InputError(
            f"columns that site {site.name!r} has not: {shown}",
            where="X",
            fix="drop these columns, or hand the rows to adapt as another site, which learns its columns",
        )
    values = np.full((len(table.values), len(site.columns)), np.nan)
    for i, name in enumerate(site.columns):
        if name in place:
            values[:, i] = table.values[:, place[name]]
    return values


def _new_site(name: str, rows: Table, weight: Floats, method: Method) -> Site:
    present = (~np.isnan(rows.values)).sum(axis=0) > 0
    columns = tuple(column for column, has_values in zip(rows.names, present, strict=True) if has_values)
    if not columns:
        raise InputError(f"no column has a value at site {name!r}", where="X", fix="add columns, or drop these rows")
    return Site(name, columns, Standardiser.fit(rows.values[:, present], weight, method))
