"""A Lab on a page that gives it no colours: dark or light, it can be read."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import pytest
from playwright.sync_api import Browser, Page, expect

import balloonlab as bl
from balloonlab.widgets import esm

ENOUGH = 4.5  # contrast of small text (WCAG 2.2, AA)
DARK = {
    "a dark background": "body { background: #111; color: #ddd }",
    "a dark card on a light page": "main { background: oklch(0.2 0.02 260); color: #ddd }",
    "a dark colour scheme alone": ":root { color-scheme: dark }",
}
LIGHT = {
    "nothing": "",
    "a light card on a dark page": "body { background: #111 } main { background: #fff }",
}
# The side of anywidget that a view sees: answers to "hello" come from a file, as it were.
SHOW = """async ({code, style, kind, messages}) => {
  const heard = [];
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const model = {
    get: (name) => (name === "_kind" ? kind : ""),
    on: (_name, hear) => heard.push(hear),
    off: () => {},
    send: ({type, view}) => {
      if (type !== "hello") return;
      for (const [content, buffers] of messages)
        queueMicrotask(() => heard.forEach((hear) => hear({...content, to: view}, buffers.map(bytes))));
    },
  };
  document.head.append(Object.assign(document.createElement("style"), {textContent: style}));
  const module = await import(URL.createObjectURL(new Blob([code], {type: "text/javascript"})));
  module.default.render({model, el: document.querySelector("main")});
}"""
# The texts that can be read less well than `enough`, with their contrast.
FAINT = """(enough) => {
  const context = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d");
  const over = (colours) => {
    context.fillStyle = "Canvas";
    context.fillRect(0, 0, 1, 1);
    for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
    const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((v) => (v / 255) ** 2.2);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const root = document.querySelector(".balloonlab");
  const found = [];
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    const off = ":disabled, [aria-disabled=true], .bl-hidden, .bl-off, option";
    if (!texts.currentNode.data.trim() || node.closest(off)) continue;
    const behind = [];
    for (let at = node; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const seen = contrast(over(behind), over([...behind, getComputedStyle(node).color]));
    if (seen < enough) found.push([texts.currentNode.data, seen]);
  }
  const canvas = root.querySelector("canvas.bl-canvas");
  const gutter = canvas.getContext("2d").getImageData(0, 0, 50, canvas.height).data;
  const paper = over([getComputedStyle(root).backgroundColor]);
  let best = 0;
  for (let i = 0; i < gutter.length; i += 4)
    if (gutter[i + 3] === 255) best = Math.max(best, contrast(paper, over([`rgb(${gutter.slice(i, i + 3).join()})`])));
  if (best < enough) found.push(["PFNs beside the map", best]);
  return found;
}"""


def shown(browser: Browser, widget: bl.Lab | bl.PageMap, style: str) -> Page:
    """A plain page with this style, and the widget on it."""
    messages: list[tuple[object, list[str]]] = []

    def send(content: object, buffers: Sequence[bytes] = ()) -> None:
        messages.append((content, [base64.b64encode(buffer).decode() for buffer in buffers]))

    widget.send = send  # type: ignore[method-assign]
    widget._handle_custom_msg({"type": "hello", "view": "a"}, [])
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.set_content(f"<!doctype html><title>plain</title><style>{style}</style><main></main>")
    page.evaluate(SHOW, {"code": esm.module(), "style": esm.style(), "kind": widget._kind, "messages": messages})
    expect(page.locator("canvas.bl-canvas")).to_be_visible()
    page.wait_for_function("document.querySelector('canvas.bl-canvas').width > 300")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page


def lab() -> bl.Lab:
    return bl.Lab(bl.scenario("fill-out-of-memory", driver="v9"), fate=True)


@pytest.mark.parametrize("style", [*DARK.values(), *LIGHT.values()], ids=[*DARK, *LIGHT])
def test_text_stands_out(browser: Browser, style: str) -> None:
    page = shown(browser, lab(), style)
    dark = style in DARK.values()
    assert page.locator(".balloonlab.bl-dark").count() == dark
    assert page.evaluate(FAINT, ENOUGH) == []
    page.close()


def test_a_page_that_turns_dark_takes_the_map_along(browser: Browser) -> None:
    page = shown(browser, bl.PageMap([0, 1, 2, 3] * 300), ".night { background: #111 }")
    assert page.evaluate(FAINT, ENOUGH) == []
    page.evaluate("document.body.className = 'night'")
    expect(page.locator(".balloonlab.bl-dark")).to_be_visible()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate(FAINT, ENOUGH) == []
    page.close()
