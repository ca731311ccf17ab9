// The conversation. Rows are only appended, so that screen readers announce each message once; older ones go into
// an element of their own, which is not live.

import { day, moment, period, sameDay, time } from './clock.js';
import { $, el, say } from './dom.js';
import { closable } from './gaps.js';
import { t } from './lang.js';
import { parts } from './links.js';
import { mentioned, namesOf } from './mention.js';

/** Rows of one author within this time share their name. */
const GROUP_MS = 5 * 60_000;
const HUES = 12;

/** Returns the colour of a name, the same on each page. @param {string} name */
export function hue(name) {
  let hash = 2166136261;
  for (const c of name) hash = Math.imul(hash ^ (c.codePointAt(0) ?? 0), 16777619);
  return `c${(hash >>> 0) % HUES}`;
}

/** Returns the letters of a name's disc: of its last two words. @param {string} name */
const initials = (name) => name.split(' ').slice(-2).map((word) => [...word][0] ?? '').join('').toUpperCase();

/** @param {string} text @param {[number, number]|null} named @returns {Node[]} */
function content(text, named) {
  if (named) {
    const [from, to] = named;
    return [...content(text.slice(0, from), null), el('mark', null, text.slice(from, to)), ...content(text.slice(to), null)];
  }
  return parts(text).map((part) =>
    part.href ? el('a', { href: part.href, target: '_blank', rel: 'noopener noreferrer nofollow' }, part.text) : document.createTextNode(part.text),
  );
}

export class LogView {
  /** @param {import('./state.js').State} state @param {(sight: {visible: boolean, atEnd: boolean}) => void} onSight
   * @param {() => void} onTop @param {(gap: import('./rows.js').Gap) => Promise<'loaded'|'failed'|'full'>} onGap */
  constructor(state, onSight, onTop, onGap) {
    this.state = state;
    this.onGap = onGap;
    this.box = $('scroll');
    this.log = $('log');
    this.past = $('past');
    /** @type {WeakMap<object, HTMLElement>} */
    this.elements = new WeakMap();
    /** @type {import('./rows.js').Row|null} */
    this.newest = null;
    this.atEnd = true;
    this.mark = el('p', { class: 'news', id: 'news' }, el('span', null, t.newMessages));
    const sight = () => onSight({ visible: !document.hidden, atEnd: this.atEnd });
    this.shape = '';
    this.box.addEventListener('scroll', () => {
      // Not the user: the window was turned, or the content has changed its height.
      if (this.atEnd && this.shape !== this.sizes()) return this.toEnd();
      this.atEnd = this.distance() < 48;
      sight();
      if (this.box.scrollTop < 150) onTop();
    });
    document.addEventListener('visibilitychange', sight);
    // The field grows, a keyboard opens, an image of a font arrives: the end stays in sight.
    const observer = new ResizeObserver(() => this.atEnd && this.toEnd());
    observer.observe(this.box);
    observer.observe($('inner'));
  }

  distance() {
    return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight;
  }

  sizes() {
    return `${this.box.clientHeight} ${this.box.scrollHeight}`;
  }

  toEnd() {
    this.atEnd = true;
    this.shape = this.sizes();
    this.box.scrollTop = this.box.scrollHeight;
  }

  clear() {
    this.log.replaceChildren();
    this.past.replaceChildren();
    this.newest = null;
    this.atEnd = true;
  }

  /** Announces from now on what is appended: not the messages of the beginning. */
  live() {
    this.log.setAttribute('aria-live', 'polite');
  }

  /** @param {import('./rows.js').Row[]} rows */
  append(rows) {
    this.log.append(this.build(rows, this.newest));
    this.newest = rows[rows.length - 1] ?? this.newest;
    this.place();
    if (this.atEnd) this.toEnd();
  }

  /** @param {import('./rows.js').Row[]} rows */
  prepend(rows) {
    const height = this.box.scrollHeight;
    const top = this.box.scrollTop;
    this.past.prepend(this.build(rows, null));
    this.box.scrollTop = top + this.box.scrollHeight - height;
  }

  /** Puts rows behind a gap; what is below stays in sight. @param {import('./rows.js').Gap} gap @param {import('./rows.js').Row[]} rows
   * @param {import('./rows.js').Message|null} next @param {boolean} closed */
  insert(gap, rows, next, closed) {
    const mark = this.elements.get(gap);
    if (!mark) return;
    // They are not new, so they are not announced.
    this.log.setAttribute('aria-live', 'off');
    const below = this.box.scrollHeight - this.box.scrollTop;
    mark.after(this.build(rows, gap));
    const last = rows[rows.length - 1];
    const after = next && this.elements.get(next);
    if (last?.kind === 'message' && after && !sameDay(last.at, next.at) && !after.previousElementSibling?.matches('.day')) {
      after.before(el('p', { class: 'day' }, el('span', null, day(next.at))));
    }
    if (closed) {
      if (mark.contains(document.activeElement)) $('text').focus();
      mark.remove();
    }
    this.box.scrollTop = this.box.scrollHeight - below;
    setTimeout(() => this.live(), 500);
  }

  /** @param {import('./rows.js').Row} row */
  redraw(row) {
    const old = this.elements.get(row);
    if (!old) return;
    const fresh = row.kind === 'gap' ? this.gap(row) : this.message(row, old.classList.contains('start'));
    this.elements.set(row, fresh);
    if (row.kind === 'gap' && old.contains(document.activeElement)) $('text').focus();
    old.replaceWith(fresh);
  }

  /** @param {import('./rows.js').Row[]} rows */
  trim(rows) {
    for (const row of rows) {
      const element = this.elements.get(row);
      while (element?.previousElementSibling) element.previousElementSibling.remove();
      element?.remove();
    }
  }

  /** Puts the line "new messages" where it belongs. */
  place() {
    const row = this.state.newLine === null ? undefined : this.state.rows.byPlace.get(this.state.newLine);
    const element = row && this.elements.get(row);
    if (!element) this.mark.remove();
    else if (element.previousElementSibling !== this.mark) element.before(this.mark);
  }

  /** Shows the line "new messages" if it is above what is in sight. */
  showNews() {
    if (this.mark.isConnected && this.mark.getBoundingClientRect().top < this.box.getBoundingClientRect().top) {
      this.mark.scrollIntoView({ block: 'start' });
    }
  }

  /** Moves to a message and points at it; returns whether it is there. @param {string} place */
  jump(place) {
    const row = this.state.rows.byPlace.get(place);
    const element = row && this.elements.get(row);
    if (!element) return false;
    this.atEnd = false;
    element.scrollIntoView({ block: 'center' });
    element.tabIndex = -1;
    element.focus({ preventScroll: true });
    element.classList.remove('found');
    requestAnimationFrame(() => element.classList.add('found'));
    return true;
  }

  /** @param {import('./rows.js').Row[]} rows @param {import('./rows.js').Row|null} before */
  build(rows, before) {
    const fragment = document.createDocumentFragment();
    for (const row of rows) {
      const at = row.kind === 'message' ? row.at : (row.until ?? 0);
      const last = before?.kind === 'message' ? before : null;
      const newDay = row.kind === 'message' && (!before || !sameDay(at, before.kind === 'message' ? before.at : (before.until ?? 0)));
      if (newDay) fragment.append(el('p', { class: 'day' }, el('span', null, day(at))));
      const start = newDay || last === null || row.kind !== 'message' || last.nick !== row.nick || at - last.at > GROUP_MS;
      const element = row.kind === 'gap' ? this.gap(row) : this.message(row, start);
      this.elements.set(row, element);
      fragment.append(element);
      before = row;
    }
    return fragment;
  }

  /** @param {import('./rows.js').Message} row @param {boolean} start */
  message(row, start) {
    const own = row.nick !== null && row.nick === this.state.nick;
    const named = own ? null : mentioned(row.text, namesOf(this.state.nick, this.state.asked));
    const colour = hue(row.nick ?? '');
    const kind = `row${start ? ' start' : ''}${own ? ' own' : ''}${named ? ' named' : ''}${row.nick === null ? ' note' : ''}`;
    return el(
      'p',
      { class: kind, 'data-place': row.place },
      row.nick === null ? null : el('span', { class: `disc ${colour}`, 'aria-hidden': 'true' }, initials(row.nick)),
      row.nick === null ? null : el('b', { class: `nick ${colour}` }, el('bdi', null, row.nick), own ? el('span', { class: 'you' }, ` (${t.own})`) : null),
      row.looksLike ? el('span', { class: 'alike' }, ` ⚠ ${t.looksLike(row.looksLike)} `) : null,
      el('time', { datetime: new Date(row.at).toISOString(), title: moment(row.at) }, time(row.at)),
      el('span', { class: 'hide' }, ': '),
      row.removed
        ? el('span', { class: 'text gone' }, t.removed(row.removed.by, row.removed.reason))
        : el('span', { class: 'text', dir: 'auto' }, ...content(row.text, named)),
      own && !row.removed ? el('span', { class: 'sign', title: t.confirmed }, el('span', { 'aria-hidden': 'true' }, '✓'), el('span', { class: 'hide' }, t.confirmed)) : null,
    );
  }

  /** @param {import('./rows.js').Gap} row */
  gap(row) {
    const words = el('span', null, t.gap(row.cause, row.missed, period(row.since, row.until)));
    if (!closable(row)) return el('p', { class: 'gap' }, words);
    const button = el('button', { type: 'button' }, t.loadMissing);
    button.addEventListener('click', async () => {
      if (button.hasAttribute('aria-disabled')) return;
      // Unlike a disabled one, it keeps the focus.
      button.setAttribute('aria-disabled', 'true');
      say(button, t.loadingOlder);
      say(button, { loaded: t.loadMissing, failed: t.olderFailed, full: t.limitReached }[await this.onGap(row)]);
      button.removeAttribute('aria-disabled');
    });
    return el('p', { class: 'gap' }, words, button);
  }
}
