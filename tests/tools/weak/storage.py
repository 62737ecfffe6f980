"""What the site keeps: a database, files that are meant to be read, and some that are not."""

import sqlite3

SECRET = "weak-secret-5d1f0c"


def fill(folder):
    """Makes the database and the files anew."""
    database = sqlite3.connect(folder / "site.db")
    database.executescript(f"""
        create table articles (id integer primary key, title text, body text, published integer, author_note text);
        create table accounts (name text, password text, role text);
        create table visits (agent text, tenant text);
        insert into articles values
            (1, 'Opening hours', 'Monday to Friday, nine to five.', 1, ''),
            (2, '办事指南', '请携带身份证原件。', 1, ''),
            (3, 'Fees', 'The first copy is free.', 1, ''),
            (4, 'Draft', 'Not yet for everybody: {SECRET}', 0, '{SECRET}');
        insert into accounts values ('alice', '{SECRET}', 'administrator'), ('bob', 'correct horse', 'reader');
    """)
    database.commit()
    database.close()
    public = folder / "public"
    public.mkdir()
    (public / "notes.txt").write_text("Bring two copies.\n", encoding="utf-8")
    (public / "about.txt").write_text("An office like any other.\n", encoding="utf-8")
    (folder / "settings.ini").write_text(f"[database]\npassword = {SECRET}\n", encoding="utf-8")
