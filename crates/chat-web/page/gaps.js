// Gaps that can be closed: the page was away for long, the gateway went on with the newest messages, and the history has the
// others. Functions of the state.

import { after } from './showing.js';

/** @typedef {import('./state.js').State} State @typedef {import('./state.js').Effect} Effect @typedef {import('./rows.js').Gap} Gap */

/** @param {import('./rows.js').Row} row */
export const closable = (row) => row.kind === 'gap' && row.cause === 'far_behind' && row.after !== null;

/** Returns the message behind a gap, or null. @param {State} s @param {Gap} gap @returns {import('./rows.js').Message|null} */
export function behind(s, gap) {
  const all = s.rows.all;
  const row = all.slice(all.indexOf(gap) + 1).find((row) => row.kind === 'message');
  return row?.kind === 'message' ? row : null;
}

/** Returns the gap that a message is missing in, or null. @param {State} s @param {string} place @returns {Gap|null} */
export function around(s, place) {
  for (const row of s.rows.all) {
    if (row.kind !== 'gap' || !closable(row) || !after(place, row.after ?? '')) continue;
    const next = behind(s, row);
    if (next && after(next.place, place)) return row;
  }
  return null;
}

/** Puts the messages before the one behind a gap into it, and closes it if it had no more.
 * @param {State} s @param {{gap: Gap, rows: import('./rows.js').Message[], more: boolean}} found @returns {Effect[]} */
export function fill(s, { gap, rows, more }) {
  if (!s.rows.all.includes(gap)) return [];
  const missing = rows.filter((row) => after(row.place, gap.after ?? ''));
  const closed = !more || missing.length < rows.length || rows.length === 0 || follows(missing[0].place, gap.after ?? '');
  const next = behind(s, gap);
  const fresh = s.rows.insert(gap, missing, closed);
  return [{ do: 'insert', gap, rows: fresh, next, closed }];
}

/** @param {string} place @param {string} before */
const follows = (place, before) => Number(place.slice(place.lastIndexOf(':') + 1)) === Number(before.slice(before.lastIndexOf(':') + 1)) + 1;
