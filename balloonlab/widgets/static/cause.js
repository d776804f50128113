/** Where a trouble came from, as far as that is known. No DOM here. */
import { framesOf, locationAt, ownDepth } from "./calls.js";
import { KIND } from "./trace.js";
import { counted } from "./words.js";

/**
 * Where to go for the cause of what is wrong at the mirror's position: {position, text: of the button, about, detail: a
 * sentence for the second line, or ""}. trouble: as troubleOf has it; held: HeldLocks; doomed: the position from which
 * on nothing else could come of it, -1 if nobody knows; finding: {step} that was met, or null.
 */
export function causeOf(mirror, trouble, { held, doomed, finding }) {
  const { trace, position } = mirror;
  if (doomed > 0)
    return { position: doomed, text: "To the cause", about: "To the step after which nothing else could come of it", detail: "" };
  const took = (trouble?.own ?? []).map(([kind, key]) => held.takenAt(mirror, kind, key))[0] ?? -1;
  if (took >= 0)
    return { position: took + 1, text: "To the cause", about: "To the step that took the lock", detail: takenWords(mirror, trouble.threads[0], took) };
  const broke = trouble?.bug ?? (trouble ? null : finding?.step - 1);
  if (broke !== null && broke >= 0)
    return { position: broke, text: "To where it breaks", about: "To the moment before the step that broke it", detail: "" };
  const last = trace.find(position + 1, -1, (i) => trace.touches(i, KIND.WAIT));
  return { position: Math.max(0, (last < 0 ? position : last) - 1), text: "To where it waits", about: "To the moment before the last of them began to wait", detail: "" };
}

/** "Taken 14 steps ago in fill_balloon, and not given back". */
function takenWords(mirror, thread, step) {
  const { tables } = mirror.trace;
  const frames = framesOf(tables, locationAt(mirror, thread, step));
  const where = frames.length ? ` in ${frames[ownDepth(frames)].name}` : "";
  return `Taken ${counted(mirror.position - step - 1, "step")} ago${where}, and not given back since`;
}
