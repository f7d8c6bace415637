"""Rows of tables, compared with what Go says: EXPECTED.json maps each table to its columns ([name, type, nullable]) and rows."""

import datetime
import json
import math


def load(path):
    with open(path) as f:
        return json.load(f)


def plain(value):
    """A value in the form that EXPECTED.json has."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, datetime.datetime):
        return round(value.timestamp() * 1000)
    return value


def compare(reader, table, want, names, rows):
    want_names = [c[0] for c in want["columns"]]
    assert names == want_names, f"{reader}, {table}: columns {names}, want {want_names}"
    key = lambda row: [str(row[n]) for n in ("scope", "trial", "epoch", "kind", "measure", "lr") if n in row]
    got = sorted(({n: plain(row[n]) for n in names} for row in rows), key=key)
    assert len(got) == len(want["rows"]) > 0, f"{reader}, {table}: {len(got)} rows, want {len(want['rows'])}"
    for g, w in zip(got, sorted(want["rows"], key=key)):
        assert g == w, f"{reader}, {table}:\ngot  {g}\nwant {w}"
