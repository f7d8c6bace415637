"""Read a study as its users do while it changes, and compare every value with what Go says.

usage: check_rows.py STUDY EXPECTED.json glob|union

glob reads the files of a table as one data set; union, as docs/tables.md says, files of which some lack a column.
"""

import glob
import os
import sys

import duckdb
import polars
import pyarrow
import pyarrow.dataset
import pyarrow.parquet

from rows import compare, load

study, expected_path, how = sys.argv[1:]
for table, want in load(expected_path).items():
    folder, pattern = os.path.join(study, table), os.path.join(study, table, "*.parquet")
    files = sorted(glob.glob(pattern))
    if how == "union":
        relation = duckdb.sql(f"SELECT * FROM read_parquet('{pattern}', union_by_name = true)")
        frame = polars.concat([polars.scan_parquet(f) for f in files], how="diagonal").collect()
        schema = pyarrow.unify_schemas([pyarrow.parquet.read_schema(f) for f in files])
        data = pyarrow.dataset.dataset(folder, schema=schema, format="parquet").to_table()
    else:
        relation = duckdb.sql(f"SELECT * FROM '{pattern}'")
        frame = polars.read_parquet(pattern)
        data = pyarrow.dataset.dataset(folder, format="parquet").to_table()
    order = [c[0] for c in want["columns"]]
    for reader, names, rows in [
        ("duckdb", relation.columns, relation.to_arrow_table().to_pylist()),
        ("polars", frame.columns, frame.to_dicts()),
        ("pyarrow", data.schema.names, data.to_pylist()),
    ]:
        if how == "union":  # the order of the columns is that of their first files
            assert sorted(names) == sorted(order), f"{reader}, {table}: columns {names}, want {order}"
            names = order
        compare(reader, table, want, names, rows)
    print(table, len(files))
