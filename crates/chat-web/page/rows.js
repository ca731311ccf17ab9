// The rows of the conversation: one for each `stream:seq`, in the order of the log. No DOM, no clock.

/**
 * A message as the gateway tells it. `removed` replaces the text of a message that an operator took out.
 * @typedef {{place: string, at: number, nick: string|null, text: string, looksLike?: string|null,
 *   removed?: {by?: string|null, reason?: string|null}|null, kind: 'message'}} Message
 * @typedef {{kind: 'gap', cause: string, missed: number|null, since: number|null,
 *   until: number|null, after: string|null}} Gap
 * @typedef {Message|Gap} Row
 */

/** Rows in memory at the end of the log, and while the user reads back. */
export const KEPT = 2000;
export const KEPT_READING = 10000;
/** The most messages of one load from the history. */
export const LOAD = 200;

export class Rows {
  constructor() {
    /** @type {Row[]} */
    this.all = [];
    /** @type {Map<string, Message>} */
    this.byPlace = new Map();
  }

  /** Appends rows that are not there yet; returns those. @param {Row[]} rows @returns {Row[]} */
  append(rows) {
    const fresh = this.#unknown(rows);
    this.all.push(...fresh);
    return fresh;
  }

  /** Inserts older rows before the first one; returns those that were not there. @param {Row[]} rows @returns {Row[]} */
  prepend(rows) {
    const fresh = this.#unknown(rows);
    this.all.unshift(...fresh);
    return fresh;
  }

  /** Inserts rows behind a gap, and removes it if it is closed; returns those that were not there.
   * @param {Gap} gap @param {Row[]} rows @param {boolean} closed @returns {Row[]} */
  insert(gap, rows, closed) {
    const fresh = this.#unknown(rows);
    const at = this.all.indexOf(gap);
    this.all = [...this.all.slice(0, closed ? at : at + 1), ...fresh, ...this.all.slice(at + 1)];
    return fresh;
  }

  /** Replaces the text of a message by the note that it was removed; returns it, or null if it is not here.
   * @param {string} place @param {{by?: string|null, reason?: string|null}} removed @returns {Message|null} */
  remove(place, removed) {
    const row = this.byPlace.get(place);
    if (!row) return null;
    row.removed = removed;
    row.text = '';
    return row;
  }

  /** Drops the oldest rows over `limit`; returns them. @param {number} limit @returns {Row[]} */
  trim(limit) {
    const old = this.all.splice(0, Math.max(0, this.all.length - limit));
    for (const row of old) if (row.kind === 'message') this.byPlace.delete(row.place);
    return old;
  }

  /** Returns the place of the oldest message, or null. @returns {string|null} */
  oldest() {
    for (const row of this.all) if (row.kind === 'message') return row.place;
    return null;
  }

  /** @param {Row[]} rows */
  #unknown(rows) {
    return rows.filter((row) => {
      if (row.kind === 'gap') return !this.#replaces(row);
      if (this.byPlace.has(row.place)) return false;
      this.byPlace.set(row.place, row);
      return true;
    });
  }

  /** Puts a gap over the one behind the same message: the gateway knows more of it now. @param {Gap} gap */
  #replaces(gap) {
    const old = gap.after && this.all.findLast((row) => row.kind === 'gap' && row.after === gap.after);
    if (old) Object.assign(old, gap);
    return Boolean(old);
  }
}
