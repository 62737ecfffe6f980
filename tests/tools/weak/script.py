"""Whether a page runs script that its author did not write, told by reading it as a browser would."""

import html.parser
import json
import re
import subprocess
import threading

ADDRESSES = {"href", "src", "action", "formaction", "data", "xlink:href", "to", "from", "values", "background", "srcdoc"}
RUNS = re.compile(r"(javascript|vbscript|livescript):|data:[^,]*(html|script|xml|svg)", re.IGNORECASE)
# Beginnings and whole names of events; a handler of anything else is never called.
EVENTS = (
    r"on(abort|activate|(after|before)\w+|animation\w+|auxclick|begin|blur|bounce|c(an|ell|ontext|ue)\w+|change|click"
    r"|close|copy|cut|dbl\w+|drag\w*|drop|durationchange|emptied|end\w*|error\w*|finish|focus\w*|formdata|fullscreen\w+"
    r"|(got|lost)pointercapture|hashchange|help|input|invalid|key\w+|load\w*|message\w*|mouse\w+|move\w*|page\w+|paste"
    r"|pause|play\w*|pointer\w+|popstate|progress|property\w+|ratechange|ready\w+|repeat|reset|resize\w*|scroll\w*"
    r"|search|seek\w+|select\w*|show|start|stalled|storage|submit|suspend|time\w+|toggle|touch\w+|transition\w+"
    r"|unload|volumechange|waiting|webkit\w+|wheel)"
)
# Elements that run or load what stands in them, whatever their attributes say.
LOADS = {"script": ("src",), "iframe": ("src", "srcdoc"), "object": ("data",), "embed": ("src",), "base": ("href",)}


class _Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found = None
        self.inside = False

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            value = value or ""
            if re.fullmatch(EVENTS, name) and value.strip():
                self.found = f"{name}={value}"
            address = re.sub(r"[\x00-\x20]", "", value)
            if name in ADDRESSES and RUNS.match(address):
                self.found = f"{name}={value}"
            if name == "content" and RUNS.search(address):
                self.found = f"{name}={value}"
            if name in LOADS.get(tag, ()) and value.strip():
                self.found = f"<{tag} {name}={value}>"
        self.inside = tag == "script"

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_data(self, data):
        if self.inside and data.strip():
            self.found = f"<script>{data}"

    def handle_endtag(self, tag):
        self.inside = False


def runs(page):
    """Returns what runs, or None."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.found


def leaves_string(value):
    """Returns the value if it ends the string in double quotes that it stands in, and goes on with script."""
    if closed := re.search(r"</script[^>]*>", value, re.IGNORECASE):
        return runs(value[closed.end() :])
    ended = re.match(r'(?:[^"\\\n]|\\.)*"(.*)', value, re.DOTALL)
    # A call or an assignment is an effect; and what does not parse as a whole does not run at all.
    does = ended and re.search(r"[(=`]", ended[1]) and _parses(f'var track = "{value}"; play(track)')
    return value if does else None


# Reads a string in JSON a line, and answers each with 1 if it is script.
_PARSER = """
require('readline').createInterface({ input: process.stdin }).on('line', line => {
    try { new Function(JSON.parse(line)); console.log(1) } catch { console.log(0) }
})
"""
_lock = threading.Lock()
_node = []


def _parses(source):
    with _lock:
        if not _node:
            _node.append(subprocess.Popen(
                ["node", "-e", _PARSER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            ))  # fmt: skip
        _node[0].stdin.write(json.dumps(source) + "\n")
        _node[0].stdin.flush()
        return _node[0].stdout.readline() == "1\n"
