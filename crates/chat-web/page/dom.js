// Elements without markup in strings: nothing of others can become an element.

/** @param {string} id @returns {any} */
export const $ = (id) => document.getElementById(id);

/**
 * Creates an element; `null` children are left out.
 * @param {string} tag @param {Record<string, any>|null} attributes @param {...(Node|string|null)} children
 * @returns {any}
 */
export function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Sets a text only if it differs: screen readers announce what is written. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
