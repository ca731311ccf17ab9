// Ids that work on an insecure origin too, where `crypto.randomUUID` is missing.

/** Returns a UUID that begins with the time (version 7), the id of a post. @returns {string} */
export function newId() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  const hex = bytes.map((n) => n.toString(16).padStart(2, '0')).join('');
  const id = `${Date.now().toString(16).padStart(12, '0')}7${hex.slice(13, 16)}8${hex.slice(17)}`;
  return id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
