// Whether a text names the user: the nickname as a whole word, in any case.

const WORD = /[\p{L}\p{N}_|-]/u;

/** Returns the names that call the user: the whole nickname, and the name without the word that the server put before
 * it, unless it is a single letter. @param {string|null} nick @param {string|null} asked @returns {string[]} */
export function namesOf(nick, asked) {
  if (!nick) return [];
  const short = asked && nick.endsWith(` ${asked}`) ? asked : nick.split(' ').slice(1).join(' ');
  return [nick, ...([...short].length > 1 ? [short] : [])].map((name) => name.toLowerCase());
}

/** Returns where the text names the user, or null. @param {string} text @param {string[]} names
 * @returns {[number, number]|null} */
export function mentioned(text, names) {
  const lower = text.toLowerCase();
  // Folding that changes the length would make the places wrong.
  if (lower.length !== text.length) return null;
  for (const name of names) {
    for (let at = lower.indexOf(name); at >= 0; at = lower.indexOf(name, at + 1)) {
      const before = [...lower.slice(0, at)].pop();
      const behind = [...lower.slice(at + name.length)][0];
      if (!(before && WORD.test(before)) && !(behind && WORD.test(behind))) return [at, at + name.length];
    }
  }
  return null;
}
