// The search: a drawer over the field; the conversation stays in sight.

import * as api from './api.js';
import { shortMoment } from './clock.js';
import { $, el, say } from './dom.js';
import { t } from './lang.js';
import { messageRow } from './wire.js';

const PAUSE_MS = 250;

export class Search {
  /** @param {(place: string) => Promise<boolean>} goTo */
  constructor(goTo) {
    this.goTo = goTo;
    this.box = $('search');
    this.field = $('query');
    this.list = $('hits');
    this.timer = 0;
    this.count = 0;
    /** @type {string|null} */
    this.before = null;
    this.field.addEventListener('input', () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.run(null), PAUSE_MS);
    });
    $('find').addEventListener('submit', (/** @type {Event} */ e) => {
      e.preventDefault();
      clearTimeout(this.timer);
      this.run(null);
    });
    $('search-more').addEventListener('click', () => this.run(this.before));
    $('search-close').addEventListener('click', () => this.close());
    this.box.addEventListener('keydown', (/** @type {KeyboardEvent} */ e) => this.key(e));
  }

  open() {
    this.box.hidden = false;
    $('open-search').setAttribute('aria-expanded', 'true');
    this.field.focus();
    this.field.select();
  }

  /** @returns {boolean} whether it was open */
  close() {
    if (this.box.hidden) return false;
    this.box.hidden = true;
    $('open-search').setAttribute('aria-expanded', 'false');
    $('text').focus();
    return true;
  }

  /** @param {KeyboardEvent} e */
  key(e) {
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
    const all = [this.field, ...this.list.querySelectorAll('button')];
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    all[Math.min(all.length - 1, Math.max(0, at + (e.key === 'ArrowDown' ? 1 : -1)))]?.focus();
    e.preventDefault();
  }

  /** @param {string|null} before */
  async run(before) {
    const query = this.field.value.trim();
    if (before === null) {
      this.list.replaceChildren();
      this.count = 0;
    }
    $('search-more').hidden = true;
    if (query === '') return say($('search-state'), '');
    say($('search-state'), t.searching);
    try {
      const answer = await api.search(query, before);
      // A slow answer to an earlier question is not shown under a later one.
      if (this.field.value.trim() !== query) return;
      for (const message of answer.messages) this.list.append(this.hit(messageRow(message), query));
      this.count += answer.messages.length;
      this.before = answer.before ?? null;
      const more = Boolean(answer.more && this.before);
      $('search-more').hidden = !more;
      say($('search-state'), this.count > 0 ? t.found(this.count, more) : more ? '' : t.nothingFound);
    } catch {
      say($('search-state'), t.searchFailed);
    }
  }

  /** @param {import('./rows.js').Message} row @param {string} query */
  hit(row, query) {
    const at = row.text.toLowerCase().indexOf(query.toLowerCase());
    const from = at > 60 ? at - 40 : 0;
    const text = row.text.slice(from, from + 240);
    const here = at - from;
    const marked = at < 0 ? [text] : [text.slice(0, here), el('mark', null, text.slice(here, here + query.length)), text.slice(here + query.length)];
    const go = async () => {
      if (!(await this.goTo(row.place))) say($('search-state'), t.notLoaded);
    };
    return el(
      'li',
      null,
      el('button', { type: 'button', onclick: go }, el('span', { class: 'meta' }, el('bdi', null, row.nick ?? ''), ` ${shortMoment(row.at)}`), el('span', { class: 'text', dir: 'auto' }, from > 0 ? '…' : '', ...marked)),
    );
  }
}
