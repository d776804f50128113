/** Threads that share one CPU without preemption: whoever runs there runs until it waits. No DOM here. */

const NAPS = ["msleep(", "cond_resched("]; // it lets time pass: then others may have the CPU
const BEFORE = 5000; // steps looked through

/** The thread that has the shared CPU and does not give it away yet, by number; -1 if anybody may have it. */
export function hasCpu(mirror, sharing) {
  const { trace, position } = mirror;
  if (!sharing.length) return -1;
  for (let i = position - 1; i >= Math.max(0, position - BEFORE); i--) {
    const thread = trace.step.thread.data[i];
    if (!sharing.includes(thread)) continue;
    return mirror.waits[thread] || naps(mirror, thread) ? -1 : thread;
  }
  return -1;
}

function naps(mirror, thread) {
  const { tables } = mirror.trace;
  const at = (tables.locations[mirror.threadAt[thread]] || []).at(-1);
  if (!at) return false;
  const source = tables.functions[at[0]];
  const line = source.lines[at[1] - source.first_line] ?? "";
  return NAPS.some((verb) => line.includes(verb));
}
