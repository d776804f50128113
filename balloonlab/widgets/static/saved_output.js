/**
 * What a notebook keeps of a view. When JupyterLab or Notebook 7 saves it, the picture that Python put out before the
 * view becomes how the view looks at that moment. And the notebook's metadata say what stands in the view's place where
 * its kernel is gone: a line of text, where there would be "model not found".
 */
import { drawPicture } from "./picture.js";

const VIEW = "application/vnd.jupyter.widget-view+json";
const STATE = "application/vnd.jupyter.widget-state+json";
const NOTE = "This is how it looked when the notebook was saved. Run the cell again to bring it to life.";
const NOTED = {
  model_name: "HTMLModel",
  model_module: "@jupyter-widgets/controls",
  model_module_version: "2.0.0",
  state: { value: NOTE },
};

/**
 * From now on, keep how a view looks. manager: the front end's, of widgets. id: of the view's model. look: gives what
 * drawPicture wants, or null before there is anything to see. Returns a function that stops it.
 */
export function keepWhenSaved(manager, id, look) {
  const context = manager && manager.context;
  if (!context || !context.saveState) return () => {}; // another front end
  const keep = (_context, stage) => {
    if (stage !== "started") return;
    const { model } = context;
    const outputs = [...model.cells].map((cell) => cell.outputs).filter(Boolean);
    const shown = new Set(outputs.flatMap((list) => Array.from({ length: list.length }, (_, i) => modelOf(list.get(i)))));
    if (!shown.has(id)) return; // it is part of another widget
    const seen = look();
    const picture = seen && drawPicture(seen);
    if (picture) for (const list of outputs) keepPicture(list, id, picture);
    model.setMetadata("widgets", noted(model.getMetadata("widgets"), id, shown));
  };
  context.saveState.connect(keep);
  return () => context.saveState.disconnect(keep);
}

function modelOf({ data }) {
  return data && data[VIEW] ? data[VIEW].model_id : null;
}

/** The picture is the output before the view's (see saved_output.py). */
function keepPicture(outputs, id, { png, width, height, text }) {
  for (let i = 1; i < outputs.length; i++) {
    const before = outputs.get(i - 1).toJSON();
    if (modelOf(outputs.get(i)) !== id || !before.data || !before.data["image/png"]) continue;
    const data = { ...before.data, "image/png": png, "text/plain": text };
    outputs.set(i - 1, { ...before, data, metadata: { "image/png": { alt: text, width, height } } });
  }
}

/** A notebook's saved states of widgets, with a note for model `id`, and without those of models `shown` no more. */
export function noted(widgets, id, shown) {
  const saved = (widgets && widgets[STATE]) || { version_major: 2, version_minor: 0, state: {} };
  const isNote = ({ state }) => Boolean(state) && state.value === NOTE;
  const kept = Object.entries(saved.state).filter(([other, entry]) => shown.has(other) || !isNote(entry));
  return { ...widgets, [STATE]: { ...saved, state: { ...Object.fromEntries(kept), [id]: NOTED } } };
}
