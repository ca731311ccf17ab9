// Ids that work on an insecure origin too, where `crypto.randomUUID` is missing.

/**
 * Returns a UUID of version 7, the id of a post. It begins with the time, so that ids of about the same time are neighbours
 * in the index of the server.
 * @returns {string}
 */
export function newId() {
  const b = crypto.getRandomValues(new Uint8Array(16));
  // The number has more bits than a shift takes.
  const now = Date.now();
  for (let i = 0; i < 6; i++) b[i] = Math.floor(now / 256 ** (5 - i)) % 256;
  b[6] = (b[6] & 0x0f) | 0x70;
  b[8] = (b[8] & 0x3f) | 0x80;
  const hex = [...b].map((n) => n.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
