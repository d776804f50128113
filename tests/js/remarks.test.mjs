import assert from "node:assert/strict";
import { test } from "node:test";
import { groupedNotes, lessonAddress } from "../../balloonlab/widgets/static/remarks.js";

const note = (name, verdict, section) => ({ name, verdict, section, lesson: "06-the-review" });

test("remarks of which the same came stand together, in their order", () => {
  const notes = [note("a", "right", "Words"), note("b", "right", "Words"), note("c", "right", "Locks"), note("d", "right", "Words")];
  assert.deepEqual(
    groupedNotes(notes).map((group) => [group.notes.map(({ name }) => name).join(""), group.section]),
    [["ab", "Words"], ["c", "Locks"], ["d", "Words"]],
  );
  assert.deepEqual(groupedNotes([]), []);
});

test("a lesson is linked from the notebooks that it stands beside, and from nowhere else", () => {
  const to = (path) => lessonAddress(path, "06-the-review", "How low does it go?");
  assert.equal(to("/lab/tree/notebooks/05-locks.ipynb"), "/lab/tree/notebooks/06-the-review.ipynb#How-low-does-it-go%3F");
  assert.equal(to("/user/x/notebooks/a/08-every-interleaving.ipynb"), "/user/x/notebooks/a/06-the-review.ipynb#How-low-does-it-go%3F");
  assert.equal(to("/lab/tree/notebooks/06-the-review.ipynb"), null); // it is open already
  assert.equal(to("/lab"), null);
  assert.equal(to("/lab/tree/Untitled.ipynb"), null);
  assert.equal(to(""), null);
});
