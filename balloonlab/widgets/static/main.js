/** What anywidget calls: one module for the page map alone and for the Lab. */
import { unpack } from "./codec.js";
import { el, mark } from "./dom.js";
import { LabView } from "./lab.js";
import { PlainView } from "./plain.js";
import { keepWhenSaved } from "./saved_output.js";
import { followTheme } from "./theme.js";

let views = 0;

function render({ model, el: host }) {
  const root = el("div", { class: "balloonlab" });
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
    mark(root, "bl-live", Boolean(view.map)); // the picture before it makes room (base.css)
  };
  model.on("msg:custom", receive);
  link.send({ type: "hello" });
  const unwatch = followTheme(root);
  const forget = keepWhenSaved(model.widget_manager, model.get("_id"), () => view.look());
  return () => {
    clearTimeout(patience);
    model.off("msg:custom", receive);
    link.send({ type: "bye" });
    view.destroy();
    unwatch();
    forget();
  };
}

export default { render };
