// The menu: account, language, notifications, keys.

import { $, el, say } from './dom.js';
import { language, setLanguage, t } from './lang.js';
import { notifications, turnOff, turnOn } from './notify.js';

/** @param {import('./state.js').State} state @param {() => void} logout */
export function menu(state, logout) {
  const dialog = $('menu');
  $('open-menu').addEventListener('click', () => {
    say($('menu-name'), state.nick ?? '');
    say($('logout'), t.logout);
    armed = false;
    drawNotifications();
    dialog.showModal();
  });
  $('menu-close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (/** @type {Event} */ e) => e.target === dialog && dialog.close());
  // Browsers give the focus back to a button only if it had it. What has it by now keeps it.
  dialog.addEventListener('close', () => document.activeElement === document.body && $('open-menu').focus());

  for (const input of dialog.querySelectorAll('input[name=language]')) {
    input.checked = input.value === language;
    input.addEventListener('change', () => setLanguage(input.value));
  }
  $('notify').addEventListener('click', async () => {
    if (notifications() === 'on') turnOff();
    else await turnOn();
    drawNotifications();
  });
  let armed = false;
  $('logout').addEventListener('click', () => {
    // The second press does it: without its token the account is lost.
    if (armed) {
      dialog.close();
      return logout();
    }
    armed = true;
    say($('logout'), t.logoutReally);
  });
  for (const [id, list] of /** @type {const} */ ([['key-list', t.keyList], ['sign-list', t.signList]])) {
    $(id).append(...list.flatMap(([key, what]) => [el('dt', null, el(id === 'key-list' ? 'kbd' : 'span', null, key)), el('dd', null, what)]));
  }
}

function drawNotifications() {
  const state = notifications();
  /** @type {Record<string, string>} */
  const words = { on: t.notifyOn, ask: '', insecure: t.notifyInsecure, denied: t.notifyDenied, missing: t.notifyMissing };
  say($('notify-note'), words[state]);
  $('notify-note').hidden = words[state] === '';
  $('notify').hidden = state !== 'on' && state !== 'ask';
  say($('notify'), state === 'on' ? t.notifyOff : t.notifyMe);
}
