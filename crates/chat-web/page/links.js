// Web addresses in texts. Only hosts in ASCII become links: others can look like a host that they are not.

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`|\\^{}\u00a0]+/giu;
/** The gateway names an invisible sign by its code point and counts heaped marks: an address with one is another address. */
const SIGN = /^<(?:U\+[0-9A-F]{4,6}|\+\d+)>/;
const HOST = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?$/i;

/** Splits a text into parts; a part with `href` is a link. @param {string} text @returns {{text: string, href?: string}[]} */
export function parts(text) {
  const found = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutEnding(match[0]);
    if (!plain(address) || SIGN.test(text.slice(match.index + match[0].length))) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index) });
    found.push({ text: address, href: address });
    end = match.index + address.length;
  }
  if (end < text.length) found.push({ text: text.slice(end) });
  return found;
}

/** Returns an address without the punctuation of the sentence around it. @param {string} address */
function withoutEnding(address) {
  let short = address.replace(/[.,:;!?…»”’)\]]+$/u, '');
  // A bracket that was opened inside belongs to the address, as in encyclopedias.
  const rest = address.slice(short.length);
  if (rest.startsWith(')') && short.split('(').length > short.split(')').length) short += ')';
  return short;
}

/** @param {string} address */
function plain(address) {
  // No user name before the host, and no sign that display put in place of an invisible character.
  const host = address.replace(/^https?:\/\//i, '').split(/[/?#]/)[0];
  return HOST.test(host) && [...address].every((c) => c >= '!' && c <= '~') && URL.canParse(address);
}
