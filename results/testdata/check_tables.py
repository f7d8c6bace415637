"""Read a study as its users do, and compare every value with what Go says.

usage: check_tables.py STUDY EXPECTED.json OUT.safetensors

OUT.safetensors is written for Go to read.
"""

import glob
import json
import os
import sys

import duckdb
import numpy
import pandas
import polars
import pyarrow
import pyarrow.dataset
import pyarrow.parquet
import safetensors
import safetensors.numpy

from rows import compare, load

study, expected_path, out_path = sys.argv[1:]
expected = load(expected_path)

ARROW = {
    "bool": "bool", "int32": "int32", "int64": "int64", "float": "double", "string": "string",
    "time": "timestamp[ms, tz=UTC]", "bytes": "binary",
}
DUCKDB = {
    "bool": "BOOLEAN", "int32": "INTEGER", "int64": "BIGINT", "float": "DOUBLE", "string": "VARCHAR",
    "time": "TIMESTAMP WITH TIME ZONE", "bytes": "BLOB",
}
POLARS = {
    "bool": polars.Boolean, "int32": polars.Int32, "int64": polars.Int64, "float": polars.Float64, "string": polars.String,
    "time": polars.Datetime("ms", "UTC"), "bytes": polars.Binary,
}


def types(reader, table, got, names):
    want = [names[c[1]] for c in expected[table]["columns"]]
    assert got == want, f"{reader}, {table}: types {got}, want {want}"


with open(os.path.join(study, "study.json")) as file:
    schema = json.load(file)["schema"]

for table in expected:
    pattern = os.path.join(study, table, "*.parquet")
    files = sorted(glob.glob(pattern))
    assert len(files) == 1 if table == "pareto" else len(files) > 1, f"{table}: {files}: want several segments, or one table"

    data = pyarrow.dataset.dataset(os.path.join(study, table), format="parquet").to_table()
    types("pyarrow", table, [str(f.type) for f in data.schema], ARROW)
    compare("pyarrow", table, expected[table], data.schema.names, data.to_pylist())
    nullable = [f.nullable for f in pyarrow.parquet.read_schema(files[0])]
    assert nullable == [c[2] for c in expected[table]["columns"]], f"{table}: nullable {nullable}"
    metadata = pyarrow.parquet.read_metadata(files[0])
    assert metadata.metadata[b"starsweep.schema"] == b"%d" % schema, metadata.metadata
    assert metadata.created_by.startswith("starsweep version "), metadata.created_by
    last = pyarrow.parquet.read_metadata(files[-1])  # the first segment has no rows
    assert last.row_group(0).column(0).compression == "ZSTD"

    relation = duckdb.sql(f"SELECT * FROM '{pattern}'")
    types("duckdb", table, [str(t) for t in relation.types], DUCKDB)
    # Through Arrow, because fetchall needs pytz for a timestamp.
    compare("duckdb", table, expected[table], relation.columns, relation.to_arrow_table().to_pylist())

    frame = polars.read_parquet(pattern)
    types("polars", table, frame.dtypes, POLARS)
    compare("polars", table, expected[table], frame.columns, frame.to_dicts())

    frame = pandas.read_parquet(os.path.join(study, table))  # pandas has NaN for null: no comparison of values
    assert list(frame.columns) == [c[0] for c in expected[table]["columns"]] and len(frame) == len(expected[table]["rows"])

os.chdir(study)
got = duckdb.sql("SELECT lr, min(loss_generator) FROM 'epochs/*.parquet' GROUP BY lr ORDER BY lr").fetchall()
best = {}
for row in expected["epochs"]["rows"]:
    best.setdefault(row["lr"], []).append(row["loss_generator"])
want = sorted((lr, min(v for v in values if v is not None and v != "NaN")) for lr, values in best.items())
assert got == want, f"group by lr: {got}, want {want}"
[(count,)] = duckdb.sql("SELECT count(*) FROM 'epochs/*.parquet' WHERE penalty IS NULL AND fid IS NOT NULL").fetchall()
want = sum(row["penalty"] is None and row["fid"] is not None for row in expected["epochs"]["rows"])
assert count == want > 0, f"nulls: {count}, want {want}"

got = duckdb.sql("SELECT trial, fid FROM 'pareto/*.parquet' WHERE scope = 'trial' AND rank = 1 ORDER BY trial").fetchall()
best = {}
for row in expected["epochs"]["rows"]:
    if row["fid"] is not None:
        best.setdefault(row["trial"], []).append(row["fid"])
want = sorted((trial, min(fids)) for trial, fids in best.items())
assert got == want != [], f"fronts of one objective: {got}, want {want}"

[path] = glob.glob("checkpoints/*.safetensors")
tensors = safetensors.numpy.load_file(path)
assert sorted(tensors) == ["adam/step", "generator/w"], tensors
assert tensors["generator/w"].dtype == numpy.float32 and tensors["generator/w"].tolist() == [[3, 2], [3, 4]], tensors
assert tensors["adam/step"].dtype == numpy.int64 and tensors["adam/step"].tolist() == [3], tensors
with safetensors.safe_open(path, "numpy") as f:
    assert json.loads(f.metadata()["starsweep.row"])["epoch"] == 3, f.metadata()

safetensors.numpy.save_file(
    {
        "mask": numpy.array([True, False]),
        "weights": numpy.arange(6, dtype=numpy.float32).reshape(2, 3),
        "moments": numpy.array([0.5, -numpy.inf]),
        "scalar": numpy.array(7, dtype=numpy.int32),
        "empty": numpy.zeros((0, 2), dtype=numpy.float64),
    },
    out_path,
    metadata={"made by": "python"},
)
print("duckdb", duckdb.__version__, "pyarrow", pyarrow.__version__, "polars", polars.__version__, "pandas", pandas.__version__)
