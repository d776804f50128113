/** Whether the page around a widget is dark, and the colours that the map's ink takes from it. */
import { mark } from "./dom.js";

const FORCED = "(forced-colors: active)";
const MIDDLE = 0.18; // luminance on which black and white text read equally well

/** Whether what lies behind `node` is dark: as JupyterLab or VS Code say, or else by the colours painted there. */
export function isDark(node) {
  const { body } = document;
  if (matchMedia(FORCED).matches) return luminance([canvasColour()]) < MIDDLE; // the system's colours, not the page's
  const lab = body.getAttribute("data-jp-theme-light");
  if (lab !== null) return lab === "false";
  return body.classList.contains("vscode-dark") || luminance(behind(node)) < MIDDLE;
}

/** The backgrounds of an element's ancestors, outermost first, and below them the browser's own. */
function behind(node) {
  const found = [];
  for (let at = node; at; at = at.parentNode || at.host)
    if (at instanceof Element && !at.classList.contains("balloonlab")) found.push(getComputedStyle(at).backgroundColor);
  found.push(canvasColour());
  return found.reverse();
}

/** The colour of a page that has none. */
function canvasColour() {
  const probe = document.createElement("i");
  probe.style.cssText = "display:none;background-color:Canvas";
  document.documentElement.append(probe);
  const { backgroundColor } = getComputedStyle(probe);
  probe.remove();
  return backgroundColor;
}

/** Relative luminance of colours painted over one another. */
function luminance(colours) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d");
  for (const colour of colours) {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
  }
  const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((value) => (value / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The theme around an element, for a canvas. */
export function themeOf(node) {
  const style = getComputedStyle(node);
  const colour = (name) => style.getPropertyValue(name).trim();
  return {
    dark: isDark(node),
    ink: colour("--bl-ink"),
    faint: colour("--bl-faint"),
    paper: colour("--bl-paper"),
    border: colour("--bl-border"),
    mark: colour("--bl-mark"),
    focus: colour("--bl-focus"),
    scanner: colour("--bl-scanner"),
    alarm: colour("--bl-alarm"),
    mono: colour("--bl-mono"),
    sans: style.fontFamily,
  };
}

/** Call `changed` when the theme may have changed; returns a function that stops it. */
export function watchTheme(changed) {
  const { documentElement: html, body } = document;
  const observer = new MutationObserver(changed);
  const attributeFilter = ["class", "style", "data-theme", "data-jp-theme-light", "data-jp-theme-name"];
  for (const node of [html, body]) observer.observe(node, { attributes: true, attributeFilter });
  const faded = ({ target }) => (target === html || target === body) && changed();
  document.addEventListener("transitionend", faded);
  const system = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", FORCED].map((query) => matchMedia(query));
  for (const query of system) query.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    document.removeEventListener("transitionend", faded);
    for (const query of system) query.removeEventListener("change", changed);
  };
}

/** Mark a widget's root where it stands on a dark page; returns a function that stops it. */
export function followTheme(root) {
  const look = () => mark(root, "bl-dark", isDark(root));
  const unwatch = watchTheme(look);
  const placed = new ResizeObserver(look); // the page around it is not known before it stands there
  placed.observe(root);
  return () => {
    unwatch();
    placed.disconnect();
  };
}
