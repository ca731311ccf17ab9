// Connects the state with the browser: events in, effects out.

import * as api from './api.js';
import { Composer } from './composer.js';
import { $, say } from './dom.js';
import { around, behind, closable, full } from './gaps.js';
import { newId } from './ids.js';
import { t, translate } from './lang.js';
import { Link } from './link.js';
import { LogView } from './logview.js';
import { menu } from './menu.js';
import { mentioned, namesOf } from './mention.js';
import { notify, showUnread } from './notify.js';
import { Outbox } from './outbox.js';
import { Search } from './search.js';
import { after } from './showing.js';
import { State } from './state.js';
import { Status } from './status.js';
import { Tray } from './tray.js';
import { welcome } from './welcome.js';
import { messageRow, post } from './wire.js';

const READ = 'minechat.read';
const ASKED = 'minechat.asked';

translate();
const tab = newId();
const state = new State(tab);
const outbox = new Outbox(tab, { changed: () => stored(), adopt: (owners, alive) => adopt(owners, alive) });
const link = new Link((event) => handle(event), () => state.last);
const view = new LogView(state, (sight) => handle({ type: 'sight', ...sight }), () => void (running ?? loadOlder()), (gap) => loadMissing(gap));
const tray = new Tray(state, (act, id) => handle({ type: act, id, newId: newId(), n: number(), now: Date.now() }));
const status = new Status(state);
const search = new Search(goTo);
const composer = new Composer(state, {
  send: (text) => handle({ type: 'say', id: newId(), text, n: number(), now: Date.now() }),
  editLast: () => {
    const item = state.waiting().findLast((item) => item.state !== 'confirmed' && item.nick === state.nick);
    if (item) handle({ type: 'edit', id: item.id });
  },
});

/** The order of posts over all tabs and runs: the time, and never the same twice in one tab. */
let newest = 0;
const number = () => (newest = Math.max(newest + 1, Date.now()));

/** @type {Record<string, (effect: any) => void>} */
const EFFECTS = {
  connect: () => link.open(),
  disconnect: () => link.close(),
  logout: () => void api.logout().catch(() => undefined),
  clear: () => view.clear(),
  save: ({ item }) => outbox.save(item),
  forget: ({ id }) => outbox.forget(id),
  post: ({ item, resend }) => send(item, resend),
  wake: ({ at }) => void setTimeout(() => handle({ type: 'tick', now: Date.now() }), Math.max(0, at - Date.now()) + 20),
  compose: ({ text }) => composer.compose(text),
  append: ({ rows }) => append(rows),
  insert: ({ gap, rows, next, closed }) => view.insert(gap, rows, next, closed),
  prepend: ({ rows }) => view.prepend(rows),
  redraw: ({ row }) => view.redraw(row),
  trim: ({ rows }) => view.trim(rows),
  to_end: () => view.toEnd(),
  came_back: () => undefined,
  read: ({ place }) => store(READ, place),
};

/** @param {any} event */
function handle(event) {
  const wasCaughtUp = state.caughtUp;
  const screen = state.screen;
  for (const effect of state.handle(event)) EFFECTS[effect.do](effect);
  if (!wasCaughtUp && state.caughtUp) {
    view.place();
    view.live();
    view.showNews();
  }
  if (event.type === 'hello' || event.type === 'stored') outbox.findOrphans(state.outbox);
  // A new screen is there before anything on it can take the focus.
  if (state.screen === screen) return schedule();
  render();
  // On a phone the focus would bring up the keyboard, over half of the conversation.
  if (state.screen === 'chat' && !matchMedia('(pointer: coarse)').matches) $('text').focus();
}

let scheduled = false;
function schedule() {
  if (scheduled) return;
  scheduled = true;
  // A microtask also runs in a hidden page, where frames stand still.
  queueMicrotask(() => {
    scheduled = false;
    render();
  });
}

function render() {
  for (const screen of ['loading', 'welcome', 'registered', 'chat']) $(screen).hidden = state.screen !== screen;
  if (state.screen === 'chat') {
    tray.render();
    status.render(Date.now());
    composer.render();
    view.place();
    const nothing = state.caughtUp && state.rows.all.length === 0 && state.outbox.length === 0;
    $('empty').hidden = !nothing;
    $('older').hidden = !more();
    $('beginning').hidden = more() || !state.caughtUp || nothing;
    say($('beginning'), full(state) ? t.limitReached : t.beginning);
    $('down').hidden = state.atEnd;
    $('down-text').textContent = t.newBelow(state.unread);
    $('room').textContent = state.room;
    $('not-saved').hidden = !outbox.broken;
  }
  $('wrong-token').hidden = !state.wrongToken;
  showUnread(state);
}

/** @param {import('./rows.js').Row[]} rows */
function append(rows) {
  view.append(rows);
  if (!state.caughtUp || state.visible) return;
  const names = namesOf(state.nick, state.asked);
  for (const row of rows) {
    if (row.kind === 'message' && row.nick !== state.nick && mentioned(row.text, names)) notify(row);
  }
}

/** @param {import('./state.js').Item} item @param {boolean} resend */
function send(item, resend) {
  // Another tab may have taken the post over while this one was asleep.
  if (outbox.lost(item.id)) return stored();
  link.send(post(item, resend));
}

function stored() {
  handle({ type: 'stored', items: outbox.all(), now: Date.now() });
}

/** @param {string[]} owners @param {string[]} alive */
function adopt(owners, alive) {
  stored();
  handle({ type: 'adopt', owners, alive, now: Date.now() });
}

const more = () => state.more && !full(state);
/** The load that runs. @type {Promise<any>|null} */
let running = null;
/** Runs one load after the other; null if it fails. @template T @param {() => Promise<T>} run @returns {Promise<T|null>} */
async function inTurn(run) {
  while (running) await running;
  handle({ type: 'loading', on: true });
  running = run().catch(() => null);
  const done = await running;
  running = null;
  handle({ type: 'loading', on: false });
  return done;
}

/** Loads older messages; returns whether there were any. @returns {Promise<boolean>} */
async function loadOlder() {
  if (!more()) return false;
  $('older').textContent = t.loadingOlder;
  const loaded = await inTurn(async () => {
    const before = state.rows.oldest();
    if (!more() || before === null) return false;
    const found = await api.messages(before);
    handle({ type: 'older', rows: found.messages.map(messageRow), more: found.more });
    return state.rows.oldest() !== before;
  });
  $('older').textContent = loaded === null ? t.olderFailed : t.older;
  return loaded ?? false;
}

/** Loads the newest messages that are missing in a gap.
 * @param {import('./rows.js').Gap} gap @returns {Promise<'loaded'|'failed'|'full'>} */
async function loadMissing(gap) {
  const loaded = await inTurn(async () => {
    const next = behind(state, gap);
    if (!state.rows.all.includes(gap) || !closable(gap)) return 'loaded';
    if (full(state)) return 'full';
    if (next === null) return 'failed';
    const { messages, more } = await api.messages(next.place);
    handle({ type: 'fill', gap, rows: messages.map(messageRow), more });
    return state.rows.all.includes(gap) && closable(gap) && behind(state, gap) === next ? 'failed' : 'loaded';
  });
  return loaded ?? 'failed';
}

/** @param {string} place */
async function goTo(place) {
  while (!view.jump(place)) {
    const gap = around(state, place);
    const oldest = state.rows.oldest();
    const loaded = gap ? (await loadMissing(gap)) === 'loaded' : oldest !== null && after(oldest, place) && (await loadOlder());
    if (!loaded) return false;
  }
  return true;
}

/** @param {string} key */
function load(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** @param {string} key @param {string|null} value */
function store(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch { /* the line "new messages" is then only right until the reload */ }
}

welcome(handle, (nickname, asked) => store(ASKED, asked));
menu(state, async () => {
  await api.logout().catch(() => undefined);
  handle({ type: 'left' });
  $('nickname').focus();
});
$('older').addEventListener('click', () => loadOlder());
$('down').addEventListener('click', () => {
  view.toEnd();
  $('text').focus();
});
$('open-search').addEventListener('click', () => search.close() || search.open());
$('retry').addEventListener('click', () => link.now());
setInterval(() => handle({ type: 'tick', now: Date.now() }), 500);
// Posts of a tab that ended meanwhile.
setInterval(() => outbox.findOrphans(state.outbox), 5000);
addEventListener('pageshow', (e) => e.persisted && stored());

addEventListener('keydown', (e) => {
  if (state.screen !== 'chat' || e.isComposing || $('menu').open) return;
  if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') {
    e.preventDefault();
    search.open();
  } else if (e.key === 'Escape') {
    if (!search.close()) {
      view.toEnd();
      $('text').focus();
    }
  } else if ((e.key === 'PageUp' || e.key === 'PageDown') && e.target === $('text')) {
    e.preventDefault();
    $('scroll').scrollBy({ top: (e.key === 'PageUp' ? -0.9 : 0.9) * $('scroll').clientHeight });
  } else if (e.key.length === 1 && !e.ctrlKey && !e.metaKey && !e.altKey && e.key !== ' ' && (e.target === document.body || e.target === $('scroll'))) {
    // What is typed without a field goes into the field.
    $('text').focus();
  }
});

stored();
const before = outbox.before();
if (before) adopt([before], []);
/** Asks who the user is until the gateway answers. @param {number} wait */
async function begin(wait) {
  try {
    const me = await api.me();
    handle({ type: 'me', nickname: me.nickname, room: me.room, asked: load(ASKED), read: load(READ) });
    if (!me.nickname) $('nickname').focus();
  } catch {
    setTimeout(() => begin(Math.min(wait * 2, 10_000)), wait);
  }
}
await begin(500);
