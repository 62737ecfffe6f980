"""The pages, each with one fault. What a request achieved is judged where the fault is."""

import base64
import dataclasses
import html
import json
import os
import pathlib
import re
import urllib.parse
import urllib.request
import xml.sax
import xml.sax.handler

import database
import sandbox
import script
import storage


@dataclasses.dataclass
class Page:
    """An answer."""

    body: str | bytes
    status: int = 200
    media_type: str = "text/html; charset=utf-8"
    headers: list = dataclasses.field(default_factory=list)


def page(request):
    """Answers by path."""
    if request.route in LEFT_LYING:
        request.achieved("forgotten file", "exploited", request.route)
        return Page(LEFT_LYING[request.route], media_type="text/plain")
    handler = PAGES.get(request.route)
    if handler is None:
        return Page(framed("<h1>Not found</h1>"), status=404)
    return handler(request)


def framed(content):
    return f"<!doctype html><html><head><title>Weak</title></head><body>{content}</body></html>"


def index(request):
    """Links and forms for tools that crawl."""
    links = "".join(f'<li><a href="{html.escape(link)}">{html.escape(link)}</a></li>' for link in LINKS)
    return Page(framed(f"<h1>An office</h1><ul>{links}</ul>{FORMS}"))


# ---- SQL -------------------------------------------------------------------------------------------------------------


def shown(rows):
    lines = "".join(f"<li>{' | '.join(html.escape(str(cell)) for cell in row)}</li>" for row in rows)
    return Page(framed(f"<ul>{lines}</ul>" if rows else "<p>Nothing found.</p>"))


def article(request):
    """A number, unquoted; errors are shown."""
    value = request.query.get("id", "1")
    return shown(database.ask(request, "select title, body from articles where published = 1 and id = {}", value))


def packed(request):
    """The same in base64."""
    return search(request, base64.b64decode(request.query.get("q", "") + "==").decode("utf-8", "replace"))


def again(request):
    """The same, decoded once more: percent, and `%u0027`."""
    value = re.sub(r"%u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), request.query.get("q", ""))
    return search(request, urllib.parse.unquote(value))


def search(request, value=None):
    """Text inside LIKE; errors are hidden."""
    value = request.query.get("q", "") if value is None else value
    statement = "select title, body from articles where published = 1 and (title like '%{}%')"
    try:
        return shown(database.ask(request, statement, value, quote="'"))
    except database.Failed:
        return shown([])


def ordered(request):
    """The name of a column."""
    value = request.query.get("by", "title")
    return shown(database.ask(request, "select title, body from articles where published = 1 order by {}", value))


def login(request):
    """Two strings of a form."""
    name, password = request.form.get("name", ""), request.form.get("password", "")
    statement = "select name, role from accounts where name = '{}' and password = '" + password.replace("'", "''") + "'"
    rows = database.ask(request, statement, name, quote="'", fault="sql form")
    if rows and (name, password) not in (("alice", storage.SECRET), ("bob", "correct horse")):
        request.achieved("sql form", "exploited", f"signed in as {rows[0]}")
    return Page(framed("<p>Welcome.</p>" if rows else "<p>Wrong name or password.</p>"))


def api(request):
    """A string in JSON."""
    value = str(json.loads(request.body or b"{}").get("id", "1"))
    statement = "select title, body from articles where published = 1 and title = '{}'"
    rows = database.ask(request, statement, value, quote="'", fault="sql json")
    return Page(json.dumps(rows, ensure_ascii=False), media_type="application/json")


def section(request):
    """A cookie."""
    value = urllib.parse.unquote(request.cookies.get("section", "1"))
    statement = "select title, body from articles where published = 1 and id = {}"
    return shown(database.ask(request, statement, value, fault="sql cookie"))


def tenant(request):
    """A header."""
    value = request.headers.get("X-Tenant", "1")
    statement = "select title, body from articles where published = 1 and title <> '{}'"
    return shown(database.ask(request, statement, value, quote="'", fault="sql header"))


# ---- markup ----------------------------------------------------------------------------------------------------------


def markup(request, fault, content):
    answer = framed(content)
    if found := script.runs(answer):
        request.achieved(fault, "exploited", found)
    return Page(answer)


def greet(request):
    return markup(request, "xss text", f"<p>Hello {request.query.get('name', '')}</p>")


def nick(request):
    return markup(request, "xss attribute", f'<input name="nick" value="{request.query.get("nick", "")}">')


def colour(request):
    return markup(request, "xss bare attribute", f"<p class={request.query.get('colour', 'red')}>Colour</p>")


def link(request):
    return markup(request, "xss address", f'<a href="{html.escape(request.query.get("to", "/"))}">on</a>')


def track(request):
    value = request.query.get("track", "1")
    if found := script.leaves_string(value):
        request.achieved("xss script", "exploited", found)
    return Page(framed(f'<script>var track = "{value}"; play(track)</script>'))


def guestbook(request):
    if request.command == "POST":
        request.server.entries.append(request.form.get("entry", ""))
        del request.server.entries[:-50]
        # Judged when it is stored, so that one entry is not told again with each look at the page.
        return markup(request, "xss stored", f"<p>{request.form.get('entry', '')}</p>")
    return Page(framed("".join(f"<p>{entry}</p>" for entry in request.server.entries) + FORMS))


# ---- files, commands, templates --------------------------------------------------------------------------------------


def file(request):
    """A file below a folder, or above it."""
    public = request.server.folder / "public"
    path = pathlib.Path(f"{public}/{request.query.get('name', 'notes.txt')}")
    content = path.read_bytes()[:65536]
    if public not in path.resolve().parents:
        request.achieved("traversal", "exploited", str(path))
    return Page(content, media_type="text/plain")


def include(request):
    """A file by its path or by a URL, as an including page has it."""
    name = request.query.get("page", "about.txt")
    public = request.server.folder / "public"
    if re.match(r"[a-zA-Z.]+://", name):
        return Page(framed(html.escape(fetched(request, "inclusion", name))))
    path = pathlib.Path(os.path.join(public, name))
    content = path.read_text(encoding="utf-8", errors="replace")[:65536]
    if public not in path.resolve().parents:
        request.achieved("inclusion", "exploited", str(path))
    return Page(framed(f"<pre>{html.escape(content)}</pre>"))


def lookup(request):
    """A command line put together from a parameter or a field of a form."""
    host = request.form.get("host") or request.query.get("host", "localhost")
    # The shell says on the other channel what it runs: one line for what was meant, more for what was not.
    command = ["sh", "-xc", f"echo looking up {host}"]
    before = set(request.server.folder.rglob("*"))
    out, traced = sandbox.run(command, request.server.folder)
    extra = traced.count("\n+ ") + traced.startswith("+ ") - 1 - traced.count("not found")
    if extra > 0 or set(request.server.folder.rglob("*")) - before:
        request.achieved("command", "exploited", traced)
    return Page(framed(f"<pre>{html.escape(out)}</pre>"))


EVALUATE = """
import re, sys
template = sys.stdin.read()
sys.stdout.write(re.sub(r'\\{\\{(.*?)\\}\\}', lambda m: str(eval(m[1], {})), template, flags=re.S))
"""


def card(request):
    """A template that the visitor may write into."""
    text = request.query.get("text", "")
    if "{{" not in text:
        return Page(framed(f"<p>{html.escape(text)}</p>"))
    out, errors = sandbox.run(["/usr/bin/python3", "-Ic", EVALUATE], request.server.folder, text.encode())
    if not errors and out != text:
        request.achieved("template", "exploited", out)
    return Page(framed(f"<p>{html.escape(out)}</p><pre>{html.escape(errors)}</pre>"))


# ---- elsewhere -------------------------------------------------------------------------------------------------------


def fetched(request, fault, url):
    """Fetches, but no further than this machine: what lies outside is told and not touched."""
    place = urllib.parse.urlsplit(url)
    if place.scheme == "file":
        request.achieved(fault, "exploited", url)
        return urllib.request.urlopen(url, timeout=2).read(65536).decode("utf-8", "replace")
    if place.hostname in ("localhost", "127.0.0.1", "::1", "0.0.0.0", "169.254.169.254"):
        request.achieved(fault, "exploited", url)
        return f"internal answer of {place.hostname}: {storage.SECRET}"
    if fault == "inclusion":
        request.achieved(fault, "exploited", url)
    return f"would fetch {url}"


def fetch(request):
    return Page(framed(html.escape(fetched(request, "ssrf", request.query.get("url", "https://www.gov.cn/")))))


def go(request):
    """A redirect to wherever one asks."""
    target = request.query.get("next", "/")
    if urllib.parse.urlsplit(target.replace("\\", "/").strip()).netloc:
        request.achieved("open redirect", "exploited", target)
    return Page("", status=302, headers=[("Location", target.replace("\r", "").replace("\n", ""))])


def language(request):
    """A header of the answer made of a parameter."""
    value = request.query.get("set", "zh")
    # A name and a colon on a line of its own: what is anything else, no client takes for a field.
    if re.search(r"\n[\w-]+:|\n\r?\n", value):
        request.achieved("header injection", "exploited", value)
    return Page(framed("<p>Set.</p>"), headers=[("Set-Cookie", f"language={value}")])


class _Text(xml.sax.handler.ContentHandler, xml.sax.handler.EntityResolver):
    def __init__(self):
        super().__init__()
        self.text = []
        self.entities = []

    def characters(self, content):
        self.text.append(content)

    def resolveEntity(self, publicId, systemId):
        self.entities.append(systemId)
        return systemId if not systemId.startswith(("http", "ftp", "//")) else "/dev/null"


def document(request):
    """XML whose entities are resolved."""
    handler = _Text()
    parser = xml.sax.make_parser()
    parser.setFeature(xml.sax.handler.feature_external_ges, True)
    parser.setContentHandler(handler)
    parser.setEntityResolver(handler)
    body = request.body or request.form.get("xml", "<a/>").encode()
    try:
        parser.feed(body)
        parser.close()
    finally:
        if handler.entities:
            request.achieved("xxe", "exploited", str(handler.entities))
    return Page(framed(f"<p>{html.escape(''.join(handler.text))}</p>"))


PAGES = {
    "/": index, "/article": article, "/search": search, "/packed": packed, "/again": again, "/ordered": ordered, "/login": login, "/api/article": api,
    "/section": section, "/tenant": tenant, "/greet": greet, "/nick": nick, "/colour": colour, "/link": link,
    "/track": track, "/guestbook": guestbook, "/file": file, "/include": include, "/lookup": lookup, "/card": card,
    "/fetch": fetch, "/go": go, "/language": language, "/document": document,
}  # fmt: skip

LINKS = [
    "/article?id=1", "/search?q=Fees", "/ordered?by=title", "/section", "/tenant", "/greet?name=Wang", "/nick?nick=li",
    "/colour?colour=red", "/link?to=/", "/track?track=1", "/guestbook", "/file?name=notes.txt",
    "/include?page=about.txt", "/lookup?host=localhost", "/card?text=hello", "/fetch?url=https://www.gov.cn/",
    "/go?next=/", "/language?set=zh",
]  # fmt: skip

FORMS = """
<form action="/login" method="post"><input name="name"><input name="password" type="password"><input type="submit"></form>
<form action="/guestbook" method="post"><textarea name="entry"></textarea><input type="submit"></form>
<form action="/lookup" method="post"><input name="host"><input type="submit"></form>
"""

LEFT_LYING = {
    "/.env": f"DATABASE_PASSWORD={storage.SECRET}\n",
    "/.git/config": "[core]\n\trepositoryformatversion = 0\n",
    "/.git/HEAD": "ref: refs/heads/main\n",
    "/.htpasswd": "admin:$apr1$weak$on.purpose\n",
    "/.svn/entries": "12\n",
    "/backup.sql": f"insert into accounts values ('alice', '{storage.SECRET}');\n",
    "/index.php.bak": "<?php $password = 'weak'; ?>\n",
    "/server-status": "Apache Server Status\n",
    "/phpinfo.php": "<title>phpinfo()</title>\n",
    "/WEB-INF/web.xml": "<web-app/>\n",
    "/id_rsa": "-----BEGIN WEAK ON PURPOSE-----\n",
}
