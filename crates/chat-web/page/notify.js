// Unread messages in title and icon, and notifications of mentions, which are asked for by a click only.

import { $ } from './dom.js';
import { t } from './lang.js';

const WANTED = 'minechat.notify';

/** Returns whether notifications are on, or why not: 'on', 'ask', 'insecure', 'denied', 'missing'. */
export function notifications() {
  if (!isSecureContext) return 'insecure';
  if (!('Notification' in globalThis)) return 'missing';
  if (Notification.permission === 'denied') return 'denied';
  return Notification.permission === 'granted' && localStorage.getItem(WANTED) === 'yes' ? 'on' : 'ask';
}

/** Asks the browser; only ever called by a click. */
export async function turnOn() {
  if ((await Notification.requestPermission()) === 'granted') localStorage.setItem(WANTED, 'yes');
}

export const turnOff = () => localStorage.setItem(WANTED, 'no');

/** @param {import('./rows.js').Message} row */
export function notify(row) {
  if (notifications() !== 'on' || !document.hidden) return;
  const note = new Notification(t.mentionedBy(row.nick ?? ''), { body: row.text.slice(0, 200), tag: row.place, icon: '/icon-192.png' });
  note.onclick = () => {
    window.focus();
    note.close();
  };
}

/** @param {import('./state.js').State} state */
export function showUnread(state) {
  const name = state.room ? `${state.room} · minechat` : 'minechat';
  const title = state.unread > 0 ? `(${state.unread}) ${name}` : name;
  if (document.title !== title) document.title = title;
  const icon = state.unread > 0 ? '/icon-unread.svg' : '/icon.svg';
  if ($('icon').getAttribute('href') !== icon) $('icon').setAttribute('href', icon);
}
