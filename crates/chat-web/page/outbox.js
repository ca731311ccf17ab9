// The posts of this browser that have no final receipt, in localStorage: texts and ids, never a token. Each post has a key of
// its own, so that two tabs never write over each other. The tab that owns a post sends it; the posts of a tab that is
// gone are taken over by another one. If two do so at once, both send the same id, which the room stores once.

const PREFIX = 'minechat.post.';
const TAB = 'minechat.tab';
/** A tab that is alive answers at once, also in the background, where timers are slow. */
const ANSWER_MS = 400;

export class Outbox {
  /** @param {string} tab @param {{changed: () => void, adopt: (owners: string[], alive: string[]) => void}} on */
  constructor(tab, on) {
    this.tab = tab;
    this.on = on;
    /** Why nothing can be stored, if so. @type {boolean} */
    this.broken = false;
    /** @type {Set<string>} */
    this.alive = new Set();
    this.asking = false;
    this.channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel('minechat.tabs') : null;
    this.channel?.addEventListener('message', ({ data }) => {
      if (data.ask) this.channel?.postMessage({ here: this.tab });
      if (data.here) this.alive.add(data.here);
    });
    addEventListener('storage', (e) => (e.key === null || e.key.startsWith(PREFIX)) && this.on.changed());
  }

  /** Returns the id that this tab had before it was reloaded, or null; a tab that is a copy of another has none. */
  before() {
    try {
      const id = sessionStorage.getItem(TAB);
      sessionStorage.setItem(TAB, this.tab);
      const how = /** @type {PerformanceNavigationTiming|undefined} */ (performance.getEntriesByType('navigation')[0]);
      return how?.type === 'reload' ? id : null;
    } catch {
      return null;
    }
  }

  /** Returns all posts, of all tabs and accounts. @returns {import('./state.js').Item[]} */
  all() {
    const items = [];
    try {
      for (let i = 0; i < localStorage.length; i++) {
        const key = localStorage.key(i);
        if (!key?.startsWith(PREFIX)) continue;
        const item = parse(localStorage.getItem(key));
        if (item && key === PREFIX + item.id) items.push(item);
      }
    } catch {
      this.broken = true;
    }
    return items;
  }

  /** Stores a post; returns whether it survives the tab. @param {import('./state.js').Item} item */
  save(item) {
    try {
      localStorage.setItem(PREFIX + item.id, JSON.stringify(item));
      this.broken = false;
    } catch {
      this.broken = true;
    }
    return !this.broken;
  }

  /** @param {string} id */
  forget(id) {
    try {
      localStorage.removeItem(PREFIX + id);
    } catch {
      this.broken = true;
    }
  }

  /** Returns whether another tab has taken over a post of this one, as after a long sleep. @param {string} id */
  lost(id) {
    const item = this.broken ? null : parse(localStorage.getItem(PREFIX + id));
    return item !== null && item.owner !== this.tab;
  }

  /** Asks the owners of foreign posts whether they are alive, and offers the posts of those that are silent.
   * @param {import('./state.js').Item[]} items */
  findOrphans(items) {
    const owners = new Set(items.map((item) => item.owner).filter((owner) => owner !== this.tab));
    if (owners.size === 0 || this.asking) return;
    this.asking = true;
    this.alive.clear();
    this.channel?.postMessage({ ask: true });
    // The random part lets one of several tabs be first; the others see the new owner in storage.
    setTimeout(() => {
      this.asking = false;
      const fresh = this.all().map((item) => item.owner);
      this.on.adopt([...owners].filter((owner) => !this.alive.has(owner) && fresh.includes(owner)), [...this.alive]);
    }, ANSWER_MS + Math.random() * 300);
  }
}

/** @param {string|null} text @returns {import('./state.js').Item|null} */
function parse(text) {
  try {
    const item = JSON.parse(text ?? '');
    return typeof item.id === 'string' && typeof item.text === 'string' && typeof item.state === 'string' ? item : null;
  } catch {
    return null;
  }
}
