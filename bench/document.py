"""Tables between the comments of a document, which the benchmarks write."""


def replace(text, name, lines):
    """The text with these lines between its comments <!-- name --> and <!-- end of name -->."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, rest = text.split(begin)
    _, after = rest.split(end)
    return before + begin + "\n".join(lines) + "\n" + end + after
