// Registration, login, and the token that is shown once.

import * as api from './api.js';
import { $, say } from './dom.js';
import { t } from './lang.js';

/** @param {(e: any) => void} handle @param {(nickname: string, asked: string|null) => void} remember */
export function welcome(handle, remember) {
  // The link fills the field and does nothing else.
  $('nickname').value = new URLSearchParams(location.search).get('nick')?.slice(0, 64) ?? '';

  form('register', 'nickname', 'register-error', t.joining, async (asked) => {
    if (!asked) return t.blankNickname;
    const { nickname, token } = await api.register(asked);
    remember(nickname, asked);
    handle({ type: 'registered', nickname, asked, token });
    say($('you-are'), t.youAre(nickname));
    say($('name-changed'), nickname === asked ? '' : t.nicknameChanged(asked, nickname));
    $('shown-token').value = token;
    $('you-are').focus();
    return '';
  });

  form('login', 'token', 'login-error', t.loggingIn, async (token) => {
    if (!token) return t.blankToken;
    const { nickname } = await api.login(token);
    $('token').value = '';
    remember(nickname, null);
    handle({ type: 'me', nickname });
    return '';
  });

  $('copy').addEventListener('click', async () => {
    $('shown-token').select();
    // An insecure origin has no clipboard: the selected token can still be copied by hand.
    const done = await navigator.clipboard?.writeText($('shown-token').value).then(() => true, () => false);
    say($('copy-note'), done ? t.copied : t.copyByHand);
  });
  $('enter').addEventListener('click', () => {
    $('shown-token').value = '';
    handle({ type: 'enter' });
  });
}

/**
 * Sends one field, once at a time. `work` returns what is wrong, or an empty string.
 * @param {string} id @param {string} field @param {string} error @param {string} busy @param {(value: string) => Promise<string>} work
 */
function form(id, field, error, busy, work) {
  const button = $(id).querySelector('button');
  const label = button.textContent;
  $(id).addEventListener('submit', async (/** @type {Event} */ e) => {
    e.preventDefault();
    if (button.getAttribute('aria-disabled') === 'true') return;
    // Disabled for the pointer, but it keeps the focus.
    button.setAttribute('aria-disabled', 'true');
    button.textContent = busy;
    let wrong;
    try {
      wrong = await work($(field).value.trim());
    } catch (e) {
      if (!(e instanceof api.ApiError)) throw e;
      wrong = t.error(e.code, e.retryAfter);
    } finally {
      button.removeAttribute('aria-disabled');
      button.textContent = label;
    }
    say($(error), wrong);
    $(error).hidden = wrong === '';
    $(field).setAttribute('aria-invalid', String(wrong !== ''));
    if (wrong) $(field).focus();
  });
}
