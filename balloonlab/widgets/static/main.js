/** What anywidget calls: one module for the page map alone and for the Lab. */
import { unpack } from "./codec.js";
import { el } from "./dom.js";
import { LabView } from "./lab.js";
import { PlainView } from "./plain.js";
import { followTheme } from "./theme.js";

let views = 0;

/** Bytes of a PNG as the address of an image. */
function address(png) {
  const bytes = new Uint8Array(png.buffer, png.byteOffset, png.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return `data:image/png;base64,${btoa(text)}`;
}

/** Hide the still picture that Python put out before this view; returns what was hidden. */
function hidePicture(source) {
  const shows = (image) => (image.getAttribute("src") || "").replace(/\s/g, "") === source;
  const found = [...document.querySelectorAll("img")].filter(shows);
  const outputs = found.map((image) => image.closest(".jp-OutputArea-child") || image);
  outputs.forEach((output) => (output.style.display = "none"));
  return outputs;
}

function render({ model, el: host }) {
  const root = el("div", { class: "balloonlab" });
  const png = model.get("_still");
  const still = png && png.byteLength ? address(png) : "";
  const hidden = still ? hidePicture(still) : [];
  if (still) root.append(el("img", { class: "bl-still", alt: model.get("_alt"), src: still }));
  const waiting = el("p", { class: "bl-waiting", role: "status", text: "Waiting for the kernel\u2026" });
  const patience = setTimeout(
    () =>
      (waiting.textContent =
        "No kernel answers: this is how it looked when it was saved. Run the cell to bring it to life."),
    5000,
  );
  root.append(waiting);
  host.append(root);
  const id = `${Date.now().toString(36)}-${(views += 1)}-${Math.random().toString(36).slice(2)}`;
  const link = { send: (content) => model.send({ ...content, view: id }) };
  const View = model.get("_kind") === "lab" ? LabView : PlainView;
  const view = new View(root, link);
  const receive = (content, buffers) => {
    if (content.to === undefined || content.to === null || content.to === id)
      view.receive(content, unpack(content.arrays || [], buffers[0]));
  };
  model.on("msg:custom", receive);
  link.send({ type: "hello" });
  const unwatch = followTheme(root);
  return () => {
    clearTimeout(patience);
    model.off("msg:custom", receive);
    link.send({ type: "bye" });
    view.destroy();
    unwatch();
    hidden.forEach((output) => (output.style.display = ""));
  };
}

export default { render };
