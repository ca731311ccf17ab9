// The state of the connections: quiet when all is well, a line with the cause and a way to act when not.

import { $, say } from './dom.js';
import { t } from './lang.js';

/** Trouble shorter than this is not shown: most losses are over by then. */
const QUIET_MS = 700;

export class Status {
  /** @param {import('./state.js').State} state */
  constructor(state) {
    this.state = state;
    this.troubleSince = 0;
  }

  /** Returns what is wrong: its name, its reason and when the next attempt is due; null if nothing is. */
  trouble() {
    const { link, listening, writing } = this.state;
    if (link.state === 'offline') return { what: t.offline, why: t.offlineHint, retryAt: null, attempt: 0 };
    if (link.state === 'waiting' || (link.state === 'connecting' && link.attempt > 1)) return { what: t.gatewayLost, why: '', retryAt: link.retryAt, attempt: link.attempt };
    if (link.state !== 'online') return null;
    for (const [side, what] of /** @type {const} */ ([[listening, t.notListening], [writing, t.notSending]])) {
      const down = side.state === 'waiting' || side.state === 'closed' || (side.state === 'connecting' && (side.attempt > 1 || side.cause));
      if (down) return { what, why: side.cause ? t.cause(side.cause) : '', retryAt: side.retryAt, attempt: side.attempt };
      if (side.hold) return { what: t.notSending, why: t.failed(side.hold, '').replace(/^[^:]*: /, ''), retryAt: side.retryAt, attempt: 0 };
    }
    return null;
  }

  /** @param {number} now */
  render(now) {
    const trouble = this.trouble();
    const { link } = this.state;
    this.troubleSince = trouble ? this.troubleSince || now : 0;
    const shown = trouble !== null && (link.state === 'offline' || now - this.troubleSince >= QUIET_MS);
    $('trouble').hidden = !shown;
    document.body.classList.toggle('troubled', shown);
    const well = link.state === 'online' && this.state.caughtUp;
    say($('online'), trouble ? '' : well ? t.online : t.connecting);
    $('online').className = well && !trouble ? 'well' : '';
    if (!shown) {
      say($('trouble-text'), '');
      return;
    }
    say($('trouble-text'), trouble.why ? `${trouble.what}: ${trouble.why}` : trouble.what);
    // The countdown is not announced each second.
    const seconds = trouble.retryAt === null ? 0 : Math.max(0, Math.ceil((trouble.retryAt - now) / 1000));
    say($('countdown'), trouble.retryAt === null ? '' : t.retryIn(seconds, trouble.attempt));
  }
}
