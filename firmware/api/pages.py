"""Files of our own for a browser: pages in each language, styles, scripts, texts. Read once, sent from memory.

In a page `[[Some text]]` stands for that text in the reader's language, and `[[lang]]` for the language. Scripts take
theirs from `/texts/LANGUAGE.js`. A page is in the site's language unless its address ends in `?lang=`.
"""

import html
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request, Response

from firmware.texts import LANGUAGES, catalogue

PAGES = Path(__file__).parent / "pages"
TYPES = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}  # fmt: skip
ICON = "besuk.svg"
"""What browsers ask for by another name."""
MARK = re.compile(r"\[\[(.+?)\]\]", re.DOTALL)


def in_language(page: str, language: str) -> str:
    """A page with its marks replaced."""
    texts = catalogue(language)

    def of(mark: re.Match[str]) -> str:
        english = " ".join(mark[1].split())
        return language if english == "lang" else html.escape(texts.get(english, english))

    return MARK.sub(of, page)


def serve_pages(app: FastAPI, pages: Mapping[str, str], folders: Iterable[Path], language: str) -> None:
    """Serve all files of `folders` by their names, and `pages`: address -> file. `language` is the site's."""
    files = {file.name: file for folder in folders for file in sorted(folder.iterdir()) if file.suffix in TYPES}
    for name, file in files.items():
        if file.suffix != ".html":
            _send(app, f"/{name}", {language: file.read_text(encoding="utf-8")}, TYPES[file.suffix], language)
    if ICON in files:
        _send(app, "/favicon.ico", {language: files[ICON].read_text(encoding="utf-8")}, TYPES[".svg"], language)
    for address, name in pages.items():
        page = files[name].read_text(encoding="utf-8")
        _send(app, address, {one: in_language(page, one) for one in LANGUAGES}, TYPES[".html"], language)

    @app.get("/texts/{name}.js", include_in_schema=False)
    async def texts(name: str) -> Response:
        if name not in LANGUAGES:
            raise HTTPException(404, f"no language {name[:8]!r}; there are {', '.join(LANGUAGES)}")
        script = f"export const texts = {json.dumps(dict(catalogue(name)), ensure_ascii=False)};\n"
        return Response(script, media_type=TYPES[".js"])


def _send(app: FastAPI, address: str, contents: Mapping[str, str], kind: str, language: str) -> None:
    @app.get(address, include_in_schema=False)
    async def send(request: Request) -> Response:
        asked = request.query_params.get("lang", language)
        return Response(contents.get(asked, contents[language]), headers={"content-type": kind})
