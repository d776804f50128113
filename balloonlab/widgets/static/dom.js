/** The few helpers with which the widgets build their DOM. Text goes in as text: nothing here parses markup. */

/**
 * An element. Attributes as they are written in HTML; `text` is its text; functions named on... are listeners.
 * What can be focused keeps its keys to itself: JupyterLab would take `b` for "insert a cell".
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  if (tag === "button") node.addEventListener("click", (event) => isOff(node) && event.stopImmediatePropagation());
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

/** Switch a button off or on. It stays in its place for the keyboard: `disabled` would throw the focus out of the Lab. */
export function off(button, on) {
  attribute(button, "aria-disabled", on ? "true" : null);
}

export function isOff(button) {
  return button.getAttribute("aria-disabled") === "true";
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
