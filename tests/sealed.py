"""Checks that a page is self-contained: it fetches nothing, and runs no script but that of its policy."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

FETCHED = {"src", "srcset", "poster", "data", "action", "formaction", "background", "xlink:href"}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.policy: dict[str, str] = {}
        self.inside, self.scripts, self.styles = "", list[str](), list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(each.strip().split(" ", 1) for each in given["content"].split(";"))
        if tag not in ("html", "head", "meta", "!doctype"):
            assert self.policy, f"{tag} before the policy"
        assert tag not in ("iframe", "object", "embed", "base", "form", "svg", "math"), tag
        assert not [name for name in given if name.startswith("on")], given
        for name in FETCHED & set(given):
            assert given[name].startswith("data:image/"), (tag, name, given[name][:60])
        if tag == "link":
            assert given["href"] == "data:,"
        if tag == "a":
            assert given["href"].startswith(("#", "https://")), given["href"]
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts.append(data)
        if self.inside == "style":
            self.styles.append(data)


def assert_sealed(html: str) -> None:
    """Check that a page's policy forbids everything else, that the page keeps to it, and that it has no local paths."""
    page = _Page()
    page.feed(html)
    assert page.policy["default-src"] == page.policy["base-uri"] == page.policy["form-action"] == "'none'"
    assert page.policy["img-src"] == "data:"
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in page.scripts]
    assert page.policy.get("script-src", "") == " ".join(f"'sha256-{one}'" for one in hashes)
    assert not re.search(r"url\(|@import|expression\(", "".join(page.styles))
    assert not re.search(r"(?<![\w.<])/(?:home|root|tmp|work|mnt|usr|var)/", html)
