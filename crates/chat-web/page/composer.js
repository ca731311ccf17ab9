// The field: Enter sends, Shift+Enter begins a line. The draft survives a reload.

import { time } from './clock.js';
import { $, say } from './dom.js';
import { t } from './lang.js';
import { OUTBOX_LIMIT } from './state.js';

const DRAFT = 'minechat.draft';
const encoder = new TextEncoder();

export class Composer {
  /** @param {import('./state.js').State} state @param {{send: (text: string) => void, editLast: () => void}} on */
  constructor(state, on) {
    this.state = state;
    this.on = on;
    this.field = $('text');
    try {
      this.field.value = sessionStorage.getItem(DRAFT) ?? '';
    } catch { /* a browser without storage keeps no draft */ }
    this.field.addEventListener('input', () => this.changed());
    this.field.addEventListener('keydown', (/** @type {KeyboardEvent} */ e) => this.key(e));
    $('composer').addEventListener('submit', (/** @type {Event} */ e) => {
      e.preventDefault();
      this.send();
    });
    this.changed();
  }

  /** @param {KeyboardEvent} e */
  key(e) {
    // Enter that ends the choice of an input method belongs to it.
    if (e.isComposing || e.keyCode === 229) return;
    if (e.key === 'Enter' && !e.shiftKey && !e.altKey && !e.ctrlKey && !e.metaKey) {
      e.preventDefault();
      this.send();
    } else if (e.key === 'ArrowUp' && this.field.value === '') {
      e.preventDefault();
      this.on.editLast();
    }
  }

  send() {
    const text = this.field.value.replace(/\r\n?/g, '\n').replace(/\s+$/, '');
    if (text.trim() === '' || this.problem(text)) return this.render();
    this.on.send(text);
    this.field.value = '';
    this.changed();
    this.field.focus();
  }

  /** Returns why a text cannot be sent now, or an empty string. @param {string} text */
  problem(text) {
    const over = encoder.encode(text).length - this.state.maxBytes;
    if (over > 0) return t.tooLong(over);
    const waiting = this.state.outbox.length;
    return waiting >= OUTBOX_LIMIT ? t.outboxFull(waiting) : '';
  }

  /** Puts a text into the field, before what is there. @param {string} text */
  compose(text) {
    const rest = this.field.value;
    this.field.value = rest ? `${text}\n${rest}` : text;
    this.changed();
    this.field.focus();
    this.field.setSelectionRange(text.length, text.length);
  }

  changed() {
    try {
      sessionStorage.setItem(DRAFT, this.field.value);
    } catch { /* as above */ }
    this.field.style.height = 'auto';
    this.field.style.height = `${this.field.scrollHeight + 2}px`;
    this.render();
  }

  render() {
    const text = this.field.value.replace(/\s+$/, '');
    const problem = this.problem(text);
    const muted = this.state.muted ? t.muted(this.state.mutedUntil ? time(this.state.mutedUntil) : '') : '';
    say($('field-note'), problem || muted);
    $('field-note').hidden = !(problem || muted);
    this.field.setAttribute('aria-invalid', String(problem !== ''));
    $('send').disabled = text.trim() === '' || problem !== '';
  }
}
