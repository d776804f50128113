/** Where guest and host disagree about a page: one of them has it in the balloon, the other has not. No DOM here. */

/** {count, pages}: how many pages, and the first `most` of them; null where the map is reduced and nobody knows. */
export function disagreements(mirror, most = 600) {
  if (!mirror.believed) return null;
  const found = [];
  let count = 0;
  for (let page = 0; page < mirror.pages; page++)
    if (disagrees(mirror, page)) {
      count++;
      if (found.length < most) found.push(page);
    }
  return { count, pages: found };
}

/** Whether they disagree about one page. While it is on its way between two states nobody does. */
export function disagrees({ grid, believed, pages, trace }, page) {
  const { inside, passing } = statesOf(trace.tables);
  const state = grid[page];
  if (passing[state]) return false;
  const per = believed.length / pages;
  for (let i = page * per; i < (page + 1) * per; i++) if (Boolean(believed[i]) !== inside[state]) return true;
  return false;
}

/** By state code: whether the page is in the balloon, and whether it is on its way. */
export function statesOf(tables) {
  tables.states_in ||= {
    inside: tables.palette.map(({ word }) => word === "balloon" || word === "isolated"),
    passing: tables.palette.map(({ word }) => word === "in transit"),
  };
  return tables.states_in;
}
