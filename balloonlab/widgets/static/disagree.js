/** Where guest and host disagree about a page: one of them has it in the balloon, the other has not. No DOM here. */

/** {count, pages}: how many pages, and the first `most` of them; null where the map is reduced and nobody knows. */
export function disagreements(mirror, most = 600) {
  if (!mirror.believed) return null;
  const { grid, believed, pages } = mirror;
  const per = believed.length / pages;
  const { inside, passing } = statesOf(mirror.trace.tables);
  const found = [];
  let count = 0;
  for (let page = 0; page < pages; page++) {
    const state = grid[page];
    if (passing[state]) continue;
    for (let i = page * per; i < (page + 1) * per; i++) {
      if (Boolean(believed[i]) === inside[state]) continue;
      count++;
      if (found.length < most) found.push(page);
      break;
    }
  }
  return { count, pages: found };
}

function statesOf(tables) {
  tables.states_in ||= {
    inside: tables.palette.map(({ word }) => word === "balloon" || word === "isolated"),
    passing: tables.palette.map(({ word }) => word === "in transit"),
  };
  return tables.states_in;
}
