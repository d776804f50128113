/** A table whose cells are made once and filled again and again. */
import { attribute, el, mark } from "./dom.js";
import { putTerms } from "./terms.js";

/** A table of fixed size that is filled again and again: cells are made once, and only changed text is written. */
export class Table {
  constructor(caption, heads, rows, classes = "") {
    this.cells = [];
    this.rows = [];
    this.body = el("tbody");
    const head = el("tr", {}, ...heads.map(() => el("th", { scope: "col" })));
    heads.forEach((text, i) => putTerms(head.children[i], text));
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
    const row = el("tr", { "aria-hidden": "true" }, ...cells);
    this.cells.push(cells);
    this.rows.push(row);
    this.body.append(row);
  }

  /** rows: [{texts, changed}]; what is missing is left blank, what is too much is not shown. */
  fill(rows) {
    this.rows.forEach((row, i) => {
      const { texts, changed } = rows[i] || { texts: [], changed: false };
      this.cells[i].forEach((cell, j) => putTerms(cell, texts[j] ?? "\u00a0"));
      mark(row, "bl-changed", Boolean(changed));
      attribute(row, "aria-hidden", texts[0] ? null : "true"); // room that is kept is no row
    });
  }
}
