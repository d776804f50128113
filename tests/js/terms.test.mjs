import assert from "node:assert/strict";
import { test } from "node:test";
import { learnTerms, termsIn } from "../../balloonlab/widgets/static/terms.js";

const found = (text) => termsIn(text).filter(({ term }) => term).map(({ text: word, term }) => [word, term]);

test("terms are found as words of their own, with an s or without, the longest first, and the text stays whole", () => {
  learnTerms({ PFN: "a", isolated: "b", "isolated (workload)": "c", "page->mapping": "d", num_pages: "e", believed: "f", round: "g" });
  assert.deepEqual(found("256 PFNs, PFN 0x1f"), [["PFNs", "PFN"], ["PFN", "PFN"]]);
  assert.deepEqual(found("isolated (workload) and isolated"), [["isolated (workload)", "isolated (workload)"], ["isolated", "isolated"]]);
  assert.deepEqual(found("vb.num_pages, config.num_pages, num_isolated_pages, rounded, num_pages2"), [["num_pages", "num_pages"]]);
  assert.deepEqual(found("page->mapping is the balloon's"), [["page->mapping", "page->mapping"]]);
  for (const text of ["", "nothing here", "PFN", "round 2 of 3: believed, isolated."])
    assert.equal(termsIn(text).map((part) => part.text).join(""), text);
});

test("where no terms are known none is found", () => {
  learnTerms({});
  assert.deepEqual(termsIn("PFN 3"), [{ text: "PFN 3", term: "" }]);
});
