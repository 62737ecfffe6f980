"""Statements put together from what a visitor sent, and what SQLite says that they touch."""

import re
import sqlite3

# What SQLite calls what a statement does; see https://www.sqlite.org/c3ref/c_alter_table.html.
READ, SELECT, FUNCTION = 20, 21, 31


class Failed(Exception):
    """SQLite refused the statement."""


def ask(request, template, value, quote="", fault="sql query"):
    """Runs the statement with the value in it as it is. Compared is what it reads with what an ordinary value has it
    read: other tables, columns, functions or a second query are an effect."""
    database = sqlite3.connect(f"file:{request.server.folder}/site.db?mode=ro", uri=True)
    touched = []

    def authorise(action, first, second, *_):
        if action in (READ, SELECT, FUNCTION):
            touched.append((action, first if action == READ else "", second))
        elif action not in (22,):
            touched.append((action, first, second))
        return sqlite3.SQLITE_OK

    database.set_authorizer(authorise)
    try:
        database.execute(template.format("title" if "order by" in template else "1")).fetchall()
        ordinary = list(touched)
        touched.clear()
        rows = database.execute(template.format(value)).fetchmany(1000)
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
        raise Failed(f"sqlite3.OperationalError: {error}") from error
    finally:
        database.close()
    more = [what for what in touched if what not in ordinary]
    if more or count(touched) > count(ordinary) or any(storage_secret(row) for row in rows):
        request.achieved(fault, "exploited", f"{template.format(value)} {more[:3]}")
    elif leaves(value, quote, template):
        request.achieved(fault, "injected", template.format(value))
    return rows


def count(touched):
    return sum(action == SELECT for action, *_ in touched)


def storage_secret(row):
    return any("weak-secret" in str(cell) for cell in row)


def leaves(value, quote, template):
    """Says whether a value is more than the one literal or name it was meant to be."""
    if quote:
        return quote in value.replace(quote * 2, "")
    meant = r"\s*\w+(\s+(asc|desc))?\s*" if "order by" in template else r"\s*[-+]?\d+(\.\d+)?\s*"
    return re.fullmatch(meant, value, re.IGNORECASE) is None
