// The WebSocket to the gateway: connects again after each loss, at once when the window is looked at again.

import { decode, RETRY_NOW } from './wire.js';

/** The gateway sends something every 15 s; a page that was asleep finds a dead connection by this. */
const SILENCE_MS = 40_000;
/** After this silence an awakened page does not trust its connection any more. */
const STALE_MS = 20_000;
const OPEN_MS = 10_000;
const FIRST_MS = 400;
const LONGEST_MS = 15_000;

export class Link {
  /**
   * @param {(event: any) => void} handle receives events of the state
   * @param {() => string|null} cursor returns the place to continue from
   */
  constructor(handle, cursor) {
    this.handle = handle;
    this.cursor = cursor;
    /** @type {WebSocket|null} */
    this.socket = null;
    this.wanted = false;
    this.failures = 0;
    this.heard = 0;
    this.timer = 0;
    addEventListener('online', () => this.now());
    // The browser does not end a connection that is open. A gateway on this computer is still there: the next attempt finds it.
    addEventListener('offline', () => this.wanted && this.lost());
    addEventListener('pageshow', (e) => e.persisted && this.wake());
    addEventListener('pagehide', () => this.drop());
    addEventListener('focus', () => this.wake());
    document.addEventListener('resume', () => this.wake());
    document.addEventListener('visibilitychange', () => !document.hidden && this.wake());
    setInterval(() => this.check(SILENCE_MS), 5000);
  }

  open() {
    if (this.wanted) return;
    this.wanted = true;
    this.now();
  }

  close() {
    this.wanted = false;
    this.drop();
    clearTimeout(this.timer);
    this.handle({ type: 'link', state: 'off', now: Date.now() });
  }

  /** Connects without waiting, also the gateway to its room. */
  now() {
    if (!this.wanted) return;
    if (this.socket?.readyState === WebSocket.OPEN) this.send(RETRY_NOW);
    else if (!this.socket) this.dial();
  }

  /** Looks at the connection after the page was hidden, frozen or asleep. */
  wake() {
    this.check(STALE_MS);
    if (this.wanted && !this.socket) this.dial();
  }

  /** @param {number} limit */
  check(limit) {
    const silence = Date.now() - this.heard;
    // Below zero the clock was set back, and says nothing about the silence.
    if (this.socket && (silence > limit || silence < -1000)) this.lost(0);
  }

  /** @param {string} text @returns {boolean} */
  send(text) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(text);
    return true;
  }

  dial() {
    clearTimeout(this.timer);
    const place = this.cursor();
    const query = place ? `after=${encodeURIComponent(place)}` : 'last=200';
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/api/ws?${query}`);
    this.socket = socket;
    this.heard = Date.now();
    this.handle({ type: 'link', state: navigator.onLine ? 'connecting' : 'offline', attempt: this.failures + 1, now: Date.now() });
    const patience = setTimeout(() => this.socket === socket && this.lost(), OPEN_MS);
    /** @type {number|null} */
    let retryIn = null;
    socket.onopen = () => {
      clearTimeout(patience);
      this.heard = Date.now();
    };
    socket.onmessage = ({ data }) => {
      if (this.socket !== socket) return;
      this.heard = Date.now();
      const event = decode(data, this.heard);
      if (event?.type === 'hello') {
        this.failures = 0;
        this.handle({ type: 'link', state: 'online', now: this.heard });
      }
      if (event?.type === 'bye') retryIn = event.retryIn === null ? null : event.retryIn * (1 + Math.random());
      if (event) this.handle(event);
    };
    socket.onclose = () => {
      clearTimeout(patience);
      if (this.socket === socket) this.lost(retryIn ?? undefined);
    };
  }

  /** Forgets the connection and waits for the next attempt. @param {number} [wait] */
  lost(wait) {
    this.drop();
    clearTimeout(this.timer);
    if (!this.wanted) return;
    this.failures += 1;
    const now = Date.now();
    const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** (this.failures - 1));
    const delay = wait ?? longest * (0.5 + Math.random() / 2);
    this.handle({ type: 'link', state: navigator.onLine ? 'waiting' : 'offline', attempt: this.failures, retryAt: now + delay, now });
    this.timer = setTimeout(() => this.dial(), delay);
  }

  drop() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }
}
