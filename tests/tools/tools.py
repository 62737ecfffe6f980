"""What each tool is asked to do. All of them call themselves a browser: a scanner's own name is refused at once, and
that would prove nothing."""

import dataclasses
import glob
import json
import pathlib
import re
import shutil
import urllib.parse
from collections.abc import Callable

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0"
WFUZZ = "/usr/share/wfuzz/wordlist"
DIRB = "/usr/share/dirb/wordlists"

# Ways to write the same statement that SQLite understands; and encodings, each with a page that undoes it.
TAMPERS = [
    "space2comment,randomcase", "between,charencode", "equaltolike,space2randomblank", "space2dash,lowercase",
    "commentbeforeparentheses,uppercase", "ifnull2casewhenisnull,unionalltounion",
]  # fmt: skip
ENCODINGS = {"base64encode": "/packed?q=RmVlcw==", "charunicodeencode": "/again?q=Fees", "chardoubleencode": "/again?q=Fees"}
# Its other modules brute-force passwords, fetch their lists from the network or say nothing of weaknesses.
WAPITI = ["buster", "exec", "file", "xss,permanentxss", "redirect", "sql", "blindsql"]


@dataclasses.dataclass
class Run:
    """One tool with one set of arguments."""

    tool: str
    name: str
    # The command, given the address to attack and a path for its report.
    command: Callable
    # Whether it reports a weakness, given the path of the report and what it wrote.
    found: Callable
    seconds: int = 900
    short: bool = False
    # Faults that inspection does not claim to see: an address of another site is what such a parameter is for.
    beyond: tuple = ()


def all_runs(folder, data):
    """Every run whose tool is here."""
    runs = [*sqlmap(), *wapiti(), *ffuf(folder, data), *commix()]
    return [run for run in runs if shutil.which(run.tool)]


# ---- sqlmap ----------------------------------------------------------------------------------------------------------


def sqlmap():
    places = {
        "number in query": ["-u", "/article?id=1", "-p", "id"],
        "string in query": ["-u", "/search?q=Fees", "-p", "q"],
        "order by": ["-u", "/ordered?by=title", "-p", "by"],
        "form": ["-u", "/login", "--data", "name=bob&password=correct+horse", "-p", "name"],
        "json": ["-u", "/api/article", "--data", '{"id":"Fees*"}', "-H", "Content-Type: application/json"],
        "cookie": ["-u", "/section", "--cookie", "section=1", "-p", "section"],
        "header": ["-u", "/tenant", "-H", "X-Tenant: 1*"],
    }
    hard = ["--level", "5", "--risk", "3"]
    for name, place in places.items():
        yield sqlmap_run(name, place, hard)
    # One technique, one dialect: seconds.
    yield sqlmap_run("short", places["number in query"], ["--technique", "BU", "--dbms", "sqlite"], short=True)
    for tamper in TAMPERS:
        for name in ("number in query", "string in query"):
            asked = ["--level", "3", "--risk", "3", "--technique", "BEU", "--tamper", tamper]
            yield sqlmap_run(f"{name.split()[0]} tamper {tamper}", places[name], asked)
    for tamper, page in ENCODINGS.items():
        asked = ["--level", "3", "--risk", "3", "--technique", "BEU", "--tamper", tamper]
        yield sqlmap_run(f"tamper {tamper}", ["-u", page, "-p", "q"], asked)


def sqlmap_run(name, place, asked, short=False):
    def command(base, report):
        here = [base + part if part.startswith("/") else part for part in place]
        return ["sqlmap", "--batch", "--flush-session", "--disable-coloring", "--answers=follow=N", "--timeout=60",
                "--retries=1", "--time-sec=2", "-A", BROWSER, f"--output-dir={report}", *here, *asked]  # fmt: skip

    return Run("sqlmap", name, command, lambda _, said: "identified the following injection point" in said, short=short)


# ---- wapiti ----------------------------------------------------------------------------------------------------------


def wapiti():
    for module in WAPITI:
        yield Run("wapiti", module, wapiti_command(module), wapiti_found, short="xss" in module,
                  beyond=("open redirect", "inclusion") if module == "redirect" else ())


def wapiti_command(module):
    def command(base, report):
        return ["wapiti", "-u", base + "/", "-m", module, "--flush-session", "-f", "json", "-o", f"{report}.json",
                "--no-bugreport", "-S", "aggressive", "--max-scan-time", "8", "-A", BROWSER]  # fmt: skip

    return command


def wapiti_found(report, _):
    path = pathlib.Path(f"{report}.json")
    if not path.exists():
        return False
    return any(json.loads(path.read_text(encoding="utf-8"))["vulnerabilities"].values())


# ---- ffuf, with the lists of other tools ----------------------------------------------------------------------------


def ffuf(folder, data):
    payloads, injection = f"{data}/attacks/payloads", f"{data}/attacks/libinjection"
    sql = [f"{WFUZZ}/Injections/SQL.txt", f"{WFUZZ}/vulns/sql_inj.txt", f"{payloads}/SQL*", f"{injection}/sqli*"]
    xss = [f"{WFUZZ}/Injections/XSS.txt", f"{payloads}/XSS*", f"{injection}/xss*"]
    files = [f"{WFUZZ}/Injections/Traversal.txt", f"{WFUZZ}/vulns/dirTrav*", f"{payloads}/*raversal*",
             f"{payloads}/File_Inc*"]  # fmt: skip
    shell = [f"{WFUZZ}/Injections/All_attack.txt", f"{payloads}/Command*"]
    for path, lists in {
        "/article?id=FUZZ": sql, "/search?q=FUZZ": sql, "/ordered?by=FUZZ": sql,
        "/greet?name=FUZZ": xss, "/nick?nick=FUZZ": xss, "/colour?colour=FUZZ": xss, "/link?to=FUZZ": xss,
        "/track?track=FUZZ": xss, "/file?name=FUZZ": files, "/include?page=FUZZ": files, "/lookup?host=FUZZ": shell,
    }.items():  # fmt: skip
        yield ffuf_run(path, encoded(folder, lists), short=path.startswith("/lookup"))
    breaks = folder / "list-breaks"
    ends = ["%0d%0a", "%0a", "%0d%0a%20", "%E5%98%8A%E5%98%8D", "%250d%250a", "%0d%0a%0d%0a"]
    fields = ["X-Injected:%201", "Set-Cookie:%20a=b", "Location:%20https://evil.example/", "%3Cscript%3E"]
    breaks.write_text("\n".join(f"zh{end}{field}" for end in ends for field in fields) + "\n", encoding="utf-8")
    yield ffuf_run("/language?set=FUZZ", breaks)
    yield ffuf_run("/FUZZ", encoded(folder, [f"{DIRB}/common.txt", f"{WFUZZ}/general/big.txt"], safe="/"))


def ffuf_run(path, entries, short=False):
    def command(base, report):
        return ["ffuf", "-s", "-t", "8", "-H", f"User-Agent: {BROWSER}", "-w", str(entries), "-u", base + path,
                "-mr", "Weak-Effect: exploited", "-o", f"{report}.json"]  # fmt: skip

    def found(report, _):
        written = pathlib.Path(f"{report}.json")
        return written.exists() and bool(json.loads(written.read_text(encoding="utf-8"))["results"])

    return Run("ffuf", path, command, found, short=short)


def encoded(folder, patterns, safe=""):
    """One list of what stands in files, percent-encoded as a browser would: ffuf puts it into the address as it is."""
    entries = set()
    for pattern in patterns:
        for name in glob.glob(pattern):
            lines = pathlib.Path(name).read_bytes().splitlines()
            entries.update(urllib.parse.quote_from_bytes(line, safe=safe) for line in lines if line)
    path = folder / f"list-{re.sub('[^a-z]', '', patterns[0].lower())}"
    path.write_text("\n".join(sorted(entries)) + "\n", encoding="utf-8")
    return path


# ---- commix ----------------------------------------------------------------------------------------------------------


def commix():
    """Where a distribution has it."""
    yield Run(
        "commix",
        "query",
        lambda base, _: ["commix", "--batch", "--level=3", f"--user-agent={BROWSER}", f"--url={base}/lookup?host=a"],
        lambda _, said: "is vulnerable" in said or "appears to be injectable" in said,
    )
