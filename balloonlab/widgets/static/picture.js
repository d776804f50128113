/** A view's page map as one picture to be kept: its title, what it shows, the map, the legend. */
import { number } from "./words.js";

const MARGIN = 12; // CSS pixels
const LINE = 18; // of a line of text
const KEY = { columns: 4, width: 172, height: 24, side: 16 }; // of the legend
const WIDTH = KEY.columns * KEY.width + 2 * MARGIN;

/**
 * map: a PageMap. title, lines: texts above it. Returns {png (base64), width, height (CSS pixels), text: the same in
 * words}, or null where the map has no place on the page.
 */
export function drawPicture({ map, title, lines }) {
  if (!map.box) return null;
  map.drawNow();
  const { theme } = map.painter;
  const { width, height, dpr } = map.box;
  const canvas = document.createElement("canvas");
  const c = canvas.getContext("2d");
  c.font = `12px ${theme.mono}`;
  const rows = lines.flatMap((line) => wrapped(line, (row) => c.measureText(row).width <= WIDTH - 2 * MARGIN));
  const top = MARGIN + LINE * (1 + rows.length) + 8;
  const keys = top + height + MARGIN;
  const legend = map.legend.filter((_row, code) => map.source.counts[code]);
  const tall = keys + KEY.height * Math.ceil(legend.length / KEY.columns) + MARGIN;
  canvas.width = Math.round(WIDTH * dpr);
  canvas.height = Math.round(tall * dpr);
  c.scale(dpr, dpr);
  c.fillStyle = theme.paper;
  c.fillRect(0, 0, WIDTH, tall);
  c.strokeStyle = theme.border; // it may be opened on a page of the other theme
  c.strokeRect(0.5, 0.5, WIDTH - 1, tall - 1);
  c.textBaseline = "top";
  c.fillStyle = theme.ink;
  c.font = `600 14px ${theme.mono}`;
  c.fillText(title, MARGIN, MARGIN);
  c.font = `12px ${theme.mono}`;
  rows.forEach((row, i) => c.fillText(row, MARGIN, MARGIN + LINE * (i + 1) + 2));
  c.drawImage(map.canvas, MARGIN, top, map.gutter + width + map.margin, height);
  c.translate(MARGIN, keys);
  drawLegend(c, map, legend);
  const png = canvas.toDataURL("image/png").split(",")[1];
  return { png, width: WIDTH, height: tall, text: ["Page map", title, ...lines].join(". ") };
}

function drawLegend(c, { painter, source }, legend) {
  const { theme, inks } = painter;
  legend.forEach(({ state, code }, place) => {
    const x = KEY.width * (place % KEY.columns);
    const y = KEY.height * Math.floor(place / KEY.columns);
    c.fillStyle = state[theme.dark ? "dark" : "light"];
    c.fillRect(x, y, KEY.side, KEY.side);
    c.strokeStyle = theme.border;
    c.strokeRect(x + 0.5, y + 0.5, KEY.side - 1, KEY.side - 1);
    c.fillStyle = inks[code];
    c.fillText(state.glyph, x + 5, y + 3);
    c.fillStyle = theme.ink;
    c.fillText(`${state.word} ${number(source.counts[code] || 0)}`, x + KEY.side + 6, y + 3);
  });
}

/** A text as rows of words, each row as long as `fits` allows. */
export function wrapped(text, fits) {
  const rows = [];
  for (const word of text.split(" ")) {
    const longer = rows.length ? `${rows[rows.length - 1]} ${word}` : word;
    if (rows.length && fits(longer)) rows[rows.length - 1] = longer;
    else rows.push(word);
  }
  return rows;
}
