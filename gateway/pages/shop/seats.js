/* A hall as data: the seats of a map, moving about it with arrow keys, choosing single seats. Pure. */

/**
 * The hall of a seat map: rows of {row, cells}, a cell being {label, number, state, column} or null for an
 * aisle. Columns are the same for all rows: shorter rows stand in the middle of the hall.
 */
export function hallOf(answer) {
  const rows = answer.rows.map(({ row, runs }) => ({ row, cells: cellsOf(row, runs) }));
  const width = Math.max(0, ...rows.map((one) => one.cells.length));
  return {
    width,
    rows: rows.map(({ row, cells }) => {
      const before = Math.floor((width - cells.length) / 2);
      return { row, cells: cells.map((cell, at) => cell && { ...cell, column: before + at }) };
    }),
  };
}

const STATES = { 1: "free", 0: "taken" };

function cellsOf(row, runs) {
  return runs.flatMap((run, at) => [
    ...(at > 0 ? [null] : []),
    ...[...run.seats].map((mark, step) => {
      const number = run.first + step;
      return { label: `${row}${number}`, row, number, state: STATES[mark] ?? "none" };
    }),
  ]);
}

/** All seats of a hall by their labels. */
export const seatsOf = (hall) => new Map(hall.rows.flatMap(({ cells }) => cells.filter(Boolean).map((cell) => [cell.label, cell])));

const onSale = (cell) => cell && cell.state !== "none";

/** The seat that an arrow key, Home or End leads to from `label`; the same where the hall ends. */
export function neighbour(hall, label, key) {
  const at = hall.rows.findIndex(({ cells }) => cells.some((cell) => cell?.label === label));
  if (at < 0) return label;
  const cells = hall.rows[at].cells.filter(onSale);
  const here = cells.findIndex((cell) => cell.label === label);
  if (key === "ArrowLeft") return cells[Math.max(0, here - 1)].label;
  if (key === "ArrowRight") return cells[Math.min(cells.length - 1, here + 1)].label;
  if (key === "Home") return cells[0].label;
  if (key === "End") return cells.at(-1).label;
  const step = key === "ArrowUp" ? -1 : 1;
  for (let row = at + step; row >= 0 && row < hall.rows.length; row += step) {
    const nearest = closest(hall.rows[row].cells.filter(onSale), cells[here].column);
    if (nearest) return nearest.label;
  }
  return label;
}

const closest = (cells, column) => cells.reduce((best, cell) => (best === null || Math.abs(cell.column - column) < Math.abs(best.column - column) ? cell : best), null);

/** The first seat that the keyboard reaches: a free one if there is any. */
export function firstSeat(hall) {
  const all = hall.rows.flatMap(({ cells }) => cells.filter(onSale));
  return (all.find((cell) => cell.state === "free") ?? all[0])?.label ?? null;
}

/** `count` free seats as near to one another as can be, side by side or not; fewer when there are fewer. */
export function singles(hall, count) {
  const free = hall.rows.flatMap(({ cells }, row) => cells.filter((cell) => cell?.state === "free").map((cell) => ({ label: cell.label, row, column: cell.column })));
  if (free.length <= count) return free.map((one) => one.label);
  // A row apart is as far as two seats: one can lean over.
  const far = (a, b) => Math.abs(a.column - b.column) + 2 * Math.abs(a.row - b.row);
  let best = null;
  for (const centre of free) {
    const near = [...free].sort((a, b) => far(a, centre) - far(b, centre)).slice(0, count);
    const cost = near.reduce((sum, one) => sum + far(one, centre), 0);
    if (best === null || cost < best.cost) best = { cost, seats: near };
  }
  return best.seats.map((one) => one.label);
}

/** Which of the chosen seats are no longer free. */
export const lost = (chosen, hall) => {
  const seats = seatsOf(hall);
  return chosen.filter((label) => seats.get(label)?.state !== "free");
};
