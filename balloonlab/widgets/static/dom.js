/** The few helpers with which the widgets build their DOM. Text goes in as text: nothing here parses markup. */

/**
 * An element. Attributes as they are written in HTML; `text` is its text; functions named on... are listeners.
 * What can be focused keeps its keys to itself: JupyterLab would take `b` for "insert a cell".
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  if (["button", "input", "select", "canvas", "summary"].includes(tag))
    node.setAttribute("data-lm-suppress-shortcuts", "true");
  node.append(...children);
  return node;
}

/** Set an element's text if it differs: a write costs layout, a comparison does not. */
export function put(node, text) {
  if (node.shown !== text) {
    node.shown = text;
    node.textContent = text;
  }
}

/** Switch a class if it differs. */
export function mark(node, name, on) {
  if (node.classList.contains(name) !== on) node.classList.toggle(name, on);
}

/** Set a boolean or text attribute if it differs; null takes it away. */
export function attribute(node, name, value) {
  if (value === null || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value === true ? "" : value))
    node.setAttribute(name, value === true ? "" : value);
}

/** A table of fixed size that is filled again and again: cells are made once, and only changed text is written. */
export class Table {
  constructor(caption, heads, rows, classes = "") {
    this.cells = [];
    this.rows = [];
    this.body = el("tbody");
    const head = el("tr", {}, ...heads.map((text) => el("th", { scope: "col", text })));
    this.element = el(
      "table",
      { class: `bl-table ${classes}` },
      el("caption", { class: "bl-hidden", text: caption }),
      el("thead", {}, head),
      this.body,
    );
    this.width = heads.length;
    for (let i = 0; i < rows; i++) this.addRow();
  }

  addRow() {
    const cells = Array.from({ length: this.width }, (_, i) => (i ? el("td") : el("th", { scope: "row" })));
    const row = el("tr", {}, ...cells);
    this.cells.push(cells);
    this.rows.push(row);
    this.body.append(row);
  }

  /** rows: [{texts, changed}]; what is missing is left blank, what is too much is not shown. */
  fill(rows) {
    this.rows.forEach((row, i) => {
      const { texts, changed } = rows[i] || { texts: [], changed: false };
      this.cells[i].forEach((cell, j) => put(cell, texts[j] ?? "\u00a0"));
      mark(row, "bl-changed", Boolean(changed));
    });
  }
}
