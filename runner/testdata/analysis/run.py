"""Runs the blocks of docs/analysis.md in the current folder, and compares the answers of the tools. R is asked if it is given.

    python run.py PAGE [RSCRIPT]
"""
import json
import math
import pathlib
import re
import subprocess
import sys

import duckdb
import pandas

page = pathlib.Path(sys.argv[1]).read_text()
preamble, *questions = re.split(r"^## ", page, flags=re.M)


def blocks(section):
    """The code of a section, by tool."""
    code = {}
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", section, flags=re.M | re.S):
        tool = text.split("\n")[0].removeprefix("# ") if language == "python" else language
        assert tool not in code, f"two blocks of {tool}:\n{section}"
        code[tool] = text
    assert set(code) == {"sql", "pandas", "polars", "r"}, f"got blocks of {sorted(code)}:\n{section}"
    return code


def plain(value):
    if value is None or isinstance(value, float) and math.isnan(value) or value is pandas.NaT:
        return None
    value = value.item() if hasattr(value, "item") else value
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def rows(columns, values):
    """An answer without its order."""
    return sorted(([plain(v) for v in row] for row in values), key=lambda r: [str(v) if isinstance(v, str) else "" for v in r] + [
        round(v, 9) for v in r if isinstance(v, float)]), list(columns)


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return a == b


setup = blocks(preamble)
sql, spaces = duckdb.connect(), {"pandas": {}, "polars": {}}
sql.execute(setup["sql"])
for tool, space in spaces.items():
    exec(setup[tool], space)

answers = []
for question in questions:
    title, code = question.split("\n")[0], blocks(question)
    cursor = sql.execute(code["sql"])
    found = {"sql": rows([c[0] for c in cursor.description], cursor.fetchall())}
    for tool, space in spaces.items():
        exec(code[tool], space)
        answer = space.pop("answer")
        found[tool] = rows(answer.columns, answer.values.tolist() if tool == "pandas" else answer.rows())
    answers.append((title, code, found))

if len(sys.argv) > 2:
    program = setup["r"] + "answers <- list()\n"
    for _, code, _ in answers:
        program += code["r"] + "answers[[length(answers) + 1]] <- as.data.frame(answer)\n"
    program += 'cat(jsonlite::toJSON(answers, digits = I(17), dataframe = "columns", na = "null"))\n'
    out = subprocess.run([sys.argv[2], "-e", program], check=True, stdout=subprocess.PIPE, text=True).stdout
    for (_, _, found), columns in zip(answers, json.loads(out), strict=True):
        found["r"] = rows(columns, zip(*columns.values(), strict=True))

assert len(answers) == 10, f"got {len(answers)} questions"
for title, _, found in answers:
    want, columns = found["sql"]
    assert want, f"{title}: no rows"
    for tool, (got, names) in found.items():
        assert names == columns, f"{title}: {tool}: got columns {names}, want {columns}"
        assert len(got) == len(want) and all(same(x, y) for a, b in zip(got, want) for x, y in zip(a, b, strict=True)), (
            f"{title}: {tool}: got\n{got}\nDuckDB has\n{want}")
print(f"{len(answers)} questions, {len(answers[0][2])} tools")
