/** Reads messages of a Lab (JSON, buffers in base64), and writes what mirror and words say at some positions. */
import { readFileSync } from "node:fs";
import { framesOf } from "../../balloonlab/widgets/static/calls.js";
import { unpack } from "../../balloonlab/widgets/static/codec.js";
import { disagreements } from "../../balloonlab/widgets/static/disagree.js";
import { Levels, changesBetween } from "../../balloonlab/widgets/static/levels.js";
import { Mirror } from "../../balloonlab/widgets/static/mirror.js";
import { changesOf, freeBlocks, listRows, lockRows, valueRows } from "../../balloonlab/widgets/static/panels.js";
import { fiveNumbers } from "../../balloonlab/widgets/static/numbers.js";
import { printedBefore } from "../../balloonlab/widgets/static/log.js";
import { memberRows } from "../../balloonlab/widgets/static/members.js";
import { bufferWords, figureWords, figuresAt, requestWords } from "../../balloonlab/widgets/static/statistics.js";
import { stepSentence } from "../../balloonlab/widgets/static/sentences.js";
import { Trace } from "../../balloonlab/widgets/static/trace.js";
import { stepWords } from "../../balloonlab/widgets/static/words.js";

const { messages, positions } = JSON.parse(readFileSync(0, "utf-8"));
let mirror;
for (const { content, buffer } of messages) {
  const bytes = Buffer.from(buffer, "base64");
  const arrays = unpack(content.arrays, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (content.type === "frame") {
    const trace = new Trace(content.tables, content.unit > 1);
    trace.appendMessages(0, arrays);
    trace.append(content.steps, arrays);
    mirror = new Mirror({ ...content, position: content.steps }, arrays, trace);
  } else if (content.type === "steps") {
    mirror.seek(Math.min(mirror.position, content.from));
    mirror.trace.cut(content.from);
    mirror.trace.appendMessages(content.messages_from, arrays);
    mirror.trace.append(content.count, arrays, content.rows);
  } else if (content.type === "window") mirror.setWindow(content.first, arrays.states, content.position);
}
const { trace } = mirror;
const levels = new Levels();
levels.update(trace);
const said = positions.map((position) => {
  mirror.seek(position);
  const changes = changesOf(mirror);
  return {
    states: [...mirror.grid],
    window: mirror.window && [...mirror.window.states],
    counts: [...mirror.counts],
    values: [...mirror.values],
    locks: [...mirror.locks],
    page_locks: [...mirror.pageLocks],
    references: [...mirror.refcounts],
    flags: [...mirror.flags],
    nth: [...trace.nth.data.subarray(0, mirror.status.sent)],
    believed: mirror.believed && [...mirror.believed],
    lists: trace.tables.lists.map((_, i) => mirror.pagesOf(i, Infinity)),
    waits: [...mirror.waits].map((wait) => trace.tables.waits[wait].text),
    lines: [...mirror.threadAt].map((at) => framesOf(trace.tables, at).map(({ name, line }) => [name, line])),
    status: [...mirror.status.data.subarray(0, mirror.status.sent)],
    pfns: Array.from({ length: mirror.status.sent }, (_, i) => [...mirror.messagePfns(i).pfns]),
    overwritten: Array.from({ length: mirror.status.sent }, (_, i) => mirror.messagePfns(i).overwritten),
    ended: position ? levels.ends.data[position - 1] : null,
    words: position ? stepWords(trace, position - 1) : "",
    sentence: position ? stepSentence(trace, position - 1) : "",
    slots: [...mirror.slots],
    members: memberRows(mirror).map(({ name, ctype, now, guard, touched }) => [name, ctype, now, guard, touched]),
    figures: figuresAt(mirror).map(({ tag, before, now }) => [tag, ...[before, now].map((n) => figureWords(trace.tables, tag, n))]),
    buffer: bufferWords(mirror),
    request: requestWords(mirror),
    printed: printedBefore(trace, position),
    numbers: fiveNumbers(mirror, changesBetween(trace, 0, position)).map(({ now, change }) => [now, change]),
    differ: disagreements(mirror, Infinity),
    locked: lockRows(mirror, changes).map(({ texts }) => texts),
    listed: listRows(mirror, changes).map(({ texts }) => texts),
    host: valueRows(mirror, changes, "host").map(({ texts }) => texts),
    huge: freeBlocks(mirror, changes).huge,
  };
});
process.stdout.write(JSON.stringify(said));
