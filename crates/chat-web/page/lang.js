// The language of the page: chosen in the menu, else the first one of the browser that there is.

const CHOICE = 'minechat.language';
/** @type {Record<string, () => Promise<{default: any}>>} */
const LANGUAGES = { en: () => import('./en.js'), ru: () => import('./ru.js') };

/** @returns {string} */
function choose() {
  const wanted = [stored(), ...navigator.languages];
  return wanted.map((tag) => (tag ?? '').split('-')[0].toLowerCase()).find((tag) => tag in LANGUAGES) ?? 'en';
}

/** @returns {string|null} */
function stored() {
  try {
    return localStorage.getItem(CHOICE);
  } catch {
    return null;
  }
}

export const language = choose();
/** All texts of the page. @type {typeof import('./en.js').default} */
export const t = (await LANGUAGES[language]()).default;

/** Remembers a language and shows the page in it; drafts and posts survive. @param {string} tag */
export function setLanguage(tag) {
  try {
    localStorage.setItem(CHOICE, tag);
  } catch {
    return;
  }
  location.reload();
}

/** Puts the texts into the elements that name them. */
export function translate() {
  document.documentElement.lang = language;
  /** @type {any} */
  const texts = t;
  for (const [attribute, property] of [['data-t', 'textContent'], ['data-label', 'ariaLabel'], ['data-hint', 'placeholder'], ['data-tip', 'title']]) {
    for (const element of document.querySelectorAll(`[${attribute}]`)) {
      /** @type {any} */ (element)[property] = texts[element.getAttribute(attribute) ?? ''];
    }
  }
}
