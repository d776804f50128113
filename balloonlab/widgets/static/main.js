/** What anywidget calls: one module for the page map alone and for the Lab. */
import { unpack } from "./codec.js";
import { el, mark, put } from "./dom.js";
import { LabView } from "./lab.js";
import { PlainView } from "./plain.js";
import { Presence } from "./presence.js";
import { keepWhenSaved } from "./saved_output.js";
import { followTheme } from "./theme.js";

const UNANSWERED =
  "No kernel has answered yet: this is how it looked when it was saved. " +
  "If the kernel is busy, it will. If not, run this cell to bring it to life.";
const LOST =
  "Python is not heard from: its kernel was restarted, has died or is held up, or the connection is lost.";
const AGAIN = "If it does not come back, run this cell again.";
let views = 0;

function render({ model, el: host }) {
  const root = el("div", { class: "balloonlab" });
  const waiting = el("p", { class: "bl-waiting", role: "status", text: "Waiting for the kernel\u2026" });
  root.append(waiting);
  host.append(root);
  const id = `${Date.now().toString(36)}-${(views += 1)}-${Math.random().toString(36).slice(2)}`;
  const link = {
    send(content) {
      try {
        model.send({ ...content, view: id });
      } catch {
        presence.cut(); // there is nobody to send it to
      }
    },
  };
  const View = model.get("_kind") === "lab" ? LabView : PlainView;
  const view = new View(root, link);
  const lost = el("p", { class: "bl-lost", role: "status", text: `${LOST} ${View.KEPT} ${AGAIN}` });
  const presence = new Presence({
    unanswered: () => put(waiting, UNANSWERED),
    lost: (gone) => {
      if (gone) root.prepend(lost);
      else lost.remove();
      view.setLost(gone);
    },
    missed: () => link.send({ type: "hello" }),
    here: () => link.send({ type: "here" }),
  });
  const receive = (content, buffers) => {
    presence.hear(content);
    if (content.type !== "beat" && (content.to === undefined || content.to === null || content.to === id))
      view.receive(content, unpack(content.arrays || [], buffers[0]));
    mark(root, "bl-live", Boolean(view.map)); // the picture before it makes room (base.css)
    keepKeys(root.closest(".bl-figure"));
  };
  const cut = () => presence.cut();
  const leave = () => link.send({ type: "bye" });
  model.on("msg:custom", receive);
  model.on("comm_live_update", cut);
  window.addEventListener("pagehide", leave);
  link.send({ type: "hello" });
  const unwatch = followTheme(root);
  const forget = keepWhenSaved(model.widget_manager, model.get("_id"), () => view.look());
  return () => {
    presence.destroy();
    model.off("msg:custom", receive);
    model.off("comm_live_update", cut);
    window.removeEventListener("pagehide", leave);
    leave();
    view.destroy();
    unwatch();
    forget();
  };
}

/** A key that is pressed in a control of a figure is the control's: in JupyterLab "r" would make the cell raw text. */
function keepKeys(figure) {
  const controls = figure ? figure.querySelectorAll("select, input, button, [tabindex], [contenteditable]") : [];
  for (const control of controls) control.setAttribute("data-lm-suppress-shortcuts", "true");
}

export default { render };
