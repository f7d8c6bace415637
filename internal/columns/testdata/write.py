"""Parquet files as pyarrow, polars and DuckDB write them, and what these read in them. columns_test.go reads the same.

    write.py FOLDER          every codec, page version and encoding: NAME.parquet and NAME.json
    write.py FOLDER --few    the files of this folder, which all hold few.json

A .json has, for each column, a list of the values of its rows: integers, truth values, texts, bytes in hex, or null.
"""

import json
import pathlib
import random
import sys

import duckdb
import polars
import pyarrow
import pyarrow.parquet as pq

ROWS = 700
CODECS = ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]


def table(rows=ROWS, nulls=True):
    """Columns that compress well, badly, and not at all; with nulls where names end in _null."""
    r = random.Random(1)
    some = [r.randbytes(r.randrange(90)) for _ in range(9)]
    columns = {
        "int64": pyarrow.array([r.randrange(10) for _ in range(rows)], pyarrow.int64()),
        "wide": pyarrow.array([r.randrange(1 << 20) for _ in range(rows)], pyarrow.int64()),
        "int32": pyarrow.array([i // 7 for i in range(rows)], pyarrow.int32()),
        "steady": pyarrow.array(range(rows), pyarrow.int32()),
        "uint8": pyarrow.array([r.randrange(256) for _ in range(rows)], pyarrow.uint8()),
        "truth": pyarrow.array([r.random() < 0.4 for _ in range(rows)], pyarrow.bool_()),
        "text": pyarrow.array([r.choice(["cat", "dog", "élan", ""]) for _ in range(rows)], pyarrow.string()),
        "blob": pyarrow.array([r.randbytes(r.randrange(80)) for _ in range(rows)], pyarrow.binary()),
        "similar": pyarrow.array([b"a common start " + r.randbytes(i % 5) for i in range(rows)], pyarrow.binary()),
        "few": pyarrow.array([r.choice(some) for _ in range(rows)], pyarrow.binary()),
    }
    if nulls:
        columns["int64_null"] = pyarrow.array([None if r.random() < 0.3 else r.randrange(99) for _ in range(rows)], pyarrow.int64())
        columns["blob_null"] = pyarrow.array([None if r.random() < 0.3 else r.randbytes(20) for _ in range(rows)], pyarrow.binary())
        columns["image"] = pyarrow.array(
            [None if r.random() < 0.1 else {"bytes": None if r.random() < 0.1 else r.randbytes(33), "path": "x"} for _ in range(rows)],
            pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())]))
    return pyarrow.table(columns)


def required(t):
    return t.cast(pyarrow.schema([f.with_nullable("_null" in f.name or f.name == "image") for f in t.schema]))


def with_pyarrow(folder):
    t = required(table())
    for codec in CODECS:
        for version in "1.0", "2.0":
            for dictionary in True, False:
                name = f"pyarrow-{codec}-v{version[0]}-{'dictionary' if dictionary else 'plain'}"
                pq.write_table(t, folder / f"{name}.parquet", compression=codec, data_page_version=version, use_dictionary=dictionary,
                               row_group_size=300, data_page_size=1000, write_page_checksum=dictionary)
    for codec in "none", "lz4":
        for version in "1.0", "2.0":
            for binary in "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY":
                for integer in "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT":
                    encoding = {f.name: integer for f in t.schema if pyarrow.types.is_integer(f.type)}
                    encoding |= {f.name: binary for f in t.schema if pyarrow.types.is_binary(f.type) or pyarrow.types.is_string(f.type)}
                    encoding |= {"truth": "RLE", "image.bytes": binary, "image.path": binary}
                    path = folder / f"pyarrow-{codec}-v{version[0]}-{binary}-{integer}.parquet"
                    pq.write_table(t, path, compression=codec, use_dictionary=False,
                                   data_page_version=version, column_encoding=encoding, row_group_size=300, data_page_size=1000)


def with_polars(folder):
    t = polars.from_arrow(table())
    for codec in ["uncompressed"] + CODECS[1:]:
        t.write_parquet(folder / f"polars-{codec}.parquet", compression=codec, row_group_size=300, data_page_size=1000)


def with_duckdb(folder):
    t = table()  # which DuckDB finds by its name
    for codec in "uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4_raw":
        for version in "V1", "V2":
            duckdb.sql(f"COPY t TO '{folder}/duckdb-{codec}-{version}.parquet' "
                       f"(FORMAT parquet, CODEC '{codec}', PARQUET_VERSION {version}, ROW_GROUP_SIZE 300)")


def few(folder):
    """Small files in LZ4, by each of the three, and one each of what differs most."""
    t = table(60, nulls=False)
    pq.write_table(required(t), folder / "pyarrow-lz4.parquet", compression="lz4")
    pq.write_table(t, folder / "pyarrow-lz4-v2.parquet", compression="lz4", data_page_version="2.0", use_dictionary=False)
    delta = {"wide": "DELTA_BINARY_PACKED", "steady": "DELTA_BINARY_PACKED", "int32": "BYTE_STREAM_SPLIT", "similar": "DELTA_BYTE_ARRAY",
             "blob": "DELTA_LENGTH_BYTE_ARRAY", "truth": "RLE"}
    pq.write_table(t, folder / "pyarrow-zstd-delta.parquet", compression="zstd", use_dictionary=False, column_encoding=delta)
    polars.from_arrow(t).write_parquet(folder / "polars-lz4.parquet", compression="lz4")
    duckdb.sql(f"COPY t TO '{folder}/duckdb-lz4.parquet' (FORMAT parquet, CODEC 'lz4_raw')")


def value(v):
    if isinstance(v, dict):
        v = v["bytes"]
    return v.hex() if isinstance(v, bytes) else v


def main():
    folder = pathlib.Path(sys.argv[1])
    if sys.argv[2:] == ["--few"]:
        few(folder)
    else:
        with_pyarrow(folder)
        with_polars(folder)
        with_duckdb(folder)
    readers = {
        "pyarrow": lambda f: pq.read_table(f),
        "polars": lambda f: polars.read_parquet(f).to_arrow(),
        "duckdb": lambda f: duckdb.sql(f"SELECT * FROM '{f}'").to_arrow_table(),
    }
    for file in sorted(folder.glob("*.parquet")):
        read = readers[file.name.split("-")[0]](file)
        columns = {name: [value(v) for v in read.column(name).to_pylist()] for name in read.column_names}
        text = json.dumps(columns)
        if sys.argv[2:] == ["--few"]:
            expected = folder / "few.json"
            assert not expected.exists() or expected.read_text() == text, file
        else:
            expected = file.with_suffix(".json")
        expected.write_text(text)


if __name__ == "__main__":
    main()
