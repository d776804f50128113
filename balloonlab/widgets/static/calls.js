/** Where a thread is in its calls: the frame that is the driver's own, what it sleeps in, what it came back from. No DOM. */
import { KIND, NONE } from "./trace.js";

const HELPERS = ["waiting.py", "workqueue.py"]; // the kernel's, in which a thread sleeps
const RETURNED = /^return \(?yield (?!from\b)[\w.]+\([^()]*\)\)?$/; // what the step came to is what the call came to

/** The calls of a location, outermost first: [{f, name, line}]; line counts from 1 in the function's text. */
export function framesOf(tables, location) {
  return (tables.locations[location] || []).map(([f, line]) => {
    const source = tables.functions[f];
    return { f, name: source.name, module: source.module, line: line - source.first_line + 1 };
  });
}

/** Which of the frames is shown if nobody chose another: the innermost that no helper of the kernel is around. */
export function ownDepth(frames) {
  const helper = frames.findIndex(({ module }, i) => i > 0 && HELPERS.includes(module));
  return helper < 0 ? frames.length - 1 : helper - 1;
}

/** The calls of a location: {f, line, name: the driver's innermost, calls: names before it, helper: name or ""}. */
export function ownCall(tables, location) {
  const frames = framesOf(tables, location);
  const own = ownDepth(frames);
  if (own < 0) return null;
  const { f, line, name } = frames[own];
  const names = frames.map((frame) => frame.name);
  return { f, line, calls: names.slice(0, own), name, helper: names.slice(own + 1).join(" \u203a ") };
}

/** Where a thread stood before a step, which is before the mirror's position. */
export function locationAt(mirror, thread, step) {
  const { trace, position } = mirror;
  const { events, eventEnd } = trace;
  for (let e = trace.start(eventEnd, step), end = trace.start(eventEnd, position); e < end; e++)
    if (events.kind.data[e] === KIND.THREAD_AT && events.key.data[e] === thread) return events.old.data[e];
  return mirror.threadAt[thread];
}

/** Where a thread stood before the last step, if that step moved it; else where it stands. */
export function locationBefore(mirror, thread) {
  return locationAt(mirror, thread, Math.max(0, mirror.position - 1));
}

/** The text of the line at which a location stands, without its indentation. */
export function lineText(tables, location) {
  const call = ownCall(tables, location);
  return call ? lineOf(tables, call) : "";
}

function lineOf(tables, { f, line }) {
  return (tables.functions[f].lines[line - 1] ?? "").trim();
}

/**
 * What the last step of a thread came back from: {depth, f, line: the call to which it came back, name: of what it came
 * back from, result: in words, "" where nobody knows}, or null.
 */
export function returnOf(mirror, thread) {
  const { trace, position } = mirror;
  if (!position || trace.step.thread.data[position - 1] !== thread) return null;
  const { tables } = trace;
  const before = framesOf(tables, locationBefore(mirror, thread));
  const now = framesOf(tables, mirror.threadAt[thread]);
  if (!now.length || before[0]?.f !== now[0].f) return null;
  let depth = 0; // of the innermost frame that is the same call in both
  while (before[depth + 1]?.f === now[depth + 1]?.f && before[depth].line === now[depth].line && now[depth + 1]) depth++;
  if (before.length <= depth + 1) return null;
  const { f, line } = before[depth];
  const left = before[before.length - 1];
  const result = trace.step.result.data[position - 1];
  const known = before.length === depth + 2 && result !== NONE && RETURNED.test(lineOf(tables, left));
  return { depth, f, line, name: before[depth + 1].name, result: known ? String(result) : "" };
}
