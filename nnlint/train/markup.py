"""HTML and SVG as trees of `xml.etree` elements: text is escaped by construction, not by remembering to."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, tostring

from nnlint.train.style import STYLE

#: what HTML has no place for, and halves of surrogate pairs, which UTF-8 cannot write
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
#: characters that turn the direction of text, with which a diff can be made to show what it does not say
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: neither scripts nor anything from elsewhere, whatever finds its way into the page
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

Child = Element | str | None


def node(tag: str, *children: Child, **attributes: str | float | None) -> Element:
    """An element. ``class_`` stands for ``class``, ``stroke_width`` for ``stroke-width``; what is None is left out."""
    element = Element(tag)
    for name, value in attributes.items():
        if value is not None:
            element.set(name.rstrip("_").replace("_", "-"), clean(value) if isinstance(value, str) else short(value))
    return filled(element, *children)


def filled(element: Element, *children: Child) -> Element:
    """The element, with children after those it has."""
    for child in children:
        if isinstance(child, Element):
            element.append(child)
        elif child and len(element):
            element[-1].tail = (element[-1].tail or "") + clean(child)
        elif child:
            element.text = (element.text or "") + clean(child)
    return element


def clean(text: str) -> str:
    """Text as a page can show it: control characters replaced, those that turn its direction spelt out."""
    return _TURNING.sub(lambda found: f"\\u{ord(found[0]):04x}", _UNPRINTABLE.sub("\ufffd", text))


def short(number: float) -> str:
    """A coordinate to a tenth, as few characters as it takes; it has to be finite."""
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def table(head: tuple[str, ...], rows: list[tuple[Child, ...]], *, caption: str = "", class_: str = "") -> Element:
    """A table whose first column names the rows, in a box that scrolls where the page is narrow."""
    body = [
        node("tr", *(node("td", cell) if at else node("th", cell, scope="row") for at, cell in enumerate(row)))
        for row in rows
    ]
    parts = (
        node("caption", caption) if caption else None,
        node("thead", node("tr", *(node("th", name, scope="col") for name in head))) if any(head) else None,
        node("tbody", *body),
    )
    # what scrolls has to be reached by keyboard too
    return node("div", node("table", *parts, class_=class_ or None), class_="scroll", tabindex="0")


def document(title: str, *body: Child) -> str:
    """A page that needs nothing but itself."""
    head = node(
        "head",
        node("meta", charset="utf-8"),
        Element("meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY}),
        node("meta", name="viewport", content="width=device-width, initial-scale=1"),
        node("meta", name="color-scheme", content="light dark"),
        node("title", title),
        node("style", STYLE),
    )
    page = node("html", head, node("body", node("main", *body)), lang="en")
    return f"<!doctype html>\n{tostring(page, encoding='unicode', method='html')}\n"
