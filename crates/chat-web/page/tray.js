// The own posts that have no receipt yet, or need a decision, below the conversation.

import { time } from './clock.js';
import { $, el, say } from './dom.js';
import { t } from './lang.js';

/** @type {Record<string, string>} */
const SIGNS = { queued: '…', sent: '→', confirmed: '✓', refused: '✗', unconfirmed: '?' };

export class Tray {
  /** @param {import('./state.js').State} state @param {(act: 'retry'|'edit'|'discard', id: string) => void} act */
  constructor(state, act) {
    this.state = state;
    this.act = act;
    this.box = $('tray');
    this.list = $('posts');
    /** @type {Map<string, {element: HTMLElement, drawn: string}>} */
    this.drawn = new Map();
  }

  render() {
    const items = this.state.waiting();
    const ids = new Set(items.map((item) => item.id));
    for (const [id, { element }] of this.drawn) {
      if (ids.has(id)) continue;
      // A button that had the focus must not drop it to the top of the page.
      if (element.contains(document.activeElement)) $('text').focus();
      element.remove();
      this.drawn.delete(id);
    }
    items.forEach((item, index) => {
      const words = this.words(item);
      const drawn = `${item.state} ${words}`;
      let entry = this.drawn.get(item.id);
      if (!entry) {
        entry = { element: this.create(item), drawn: '' };
        this.drawn.set(item.id, entry);
      }
      if (entry.drawn !== drawn) {
        entry.drawn = drawn;
        this.update(entry.element, item, words);
      }
      if (this.list.children[index] !== entry.element) this.list.insertBefore(entry.element, this.list.children[index] ?? null);
    });
    // A post that is answered within a moment needs no heading.
    this.box.hidden = items.length === 0;
    $('tray-title').hidden = !items.some((item) => item.state !== 'sent' && item.state !== 'confirmed');
  }

  /** @param {import('./state.js').Item} item */
  words(item) {
    if (item.nick !== this.state.nick) return t.otherAccount;
    switch (item.state) {
      case 'queued': return this.state.ready ? t.queued : t.offlineQueued;
      case 'sent': return t.sent;
      case 'confirmed': return t.confirmed;
      case 'refused': return t.failed(item.code, item.until ? time(item.until) : '');
      default: return t.unconfirmed;
    }
  }

  /** @param {import('./state.js').Item} item @returns {HTMLElement} */
  create(item) {
    return el(
      'li',
      { 'data-id': item.id },
      el('span', { class: 'text', dir: 'auto' }, item.text),
      el('span', { class: 'state' }, el('span', { class: 'sign', 'aria-hidden': 'true' }), el('span', { class: 'why' })),
      el('span', { class: 'acts' }),
    );
  }

  /** @param {HTMLElement} element @param {import('./state.js').Item} item @param {string} words */
  update(element, item, words) {
    const foreign = item.nick !== this.state.nick;
    element.className = `post ${item.state}`;
    say(/** @type {Element} */ (element.querySelector('.sign')), SIGNS[item.state]);
    say(/** @type {Element} */ (element.querySelector('.why')), words);
    const stuck = item.state === 'refused' || item.state === 'unconfirmed';
    /** @type {('retry'|'edit'|'discard')[]} */
    const acts = stuck || foreign ? ['retry', 'edit', 'discard'] : item.state === 'queued' && !item.carried ? ['edit', 'discard'] : [];
    const box = /** @type {Element} */ (element.querySelector('.acts'));
    const shown = acts.join();
    if (box.getAttribute('data-acts') === shown) return;
    box.setAttribute('data-acts', shown);
    box.replaceChildren(
      ...acts.map((act) => el('button', { type: 'button', 'data-act': act, 'aria-label': `${t[act]}: ${item.text.slice(0, 60)}`, onclick: () => this.act(act, item.id) }, t[act])),
    );
  }
}
