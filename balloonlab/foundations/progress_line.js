/**
 * A line at the foot of the page while Python is at something long. Only the model puts it there, it has no view: so no
 * cell's output holds it, and nothing of it is saved.
 */
const PATIENCE = 10_000; // milliseconds without a word, after which Python is taken for gone

function initialize({ model }) {
  const line = document.createElement("div");
  line.className = "balloonlab-progress";
  line.setAttribute("role", "progressbar");
  const bar = document.createElement("progress");
  const words = document.createElement("span");
  line.append(bar, words);
  let patience = 0;
  const show = () => {
    clearTimeout(patience);
    const text = model.get("text");
    const share = model.get("share");
    if (!text) return line.remove();
    words.textContent = text;
    line.setAttribute("aria-label", text);
    bar.hidden = share < 0;
    bar.value = Math.max(0, share);
    document.body.append(line);
    patience = setTimeout(() => line.remove(), PATIENCE);
  };
  model.on("change", show);
  show();
  return () => {
    clearTimeout(patience);
    line.remove();
  };
}

export default { initialize };
