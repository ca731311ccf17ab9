// Tests of the page's modules that need no gateway. Evaluates to {passed, failed}.
(async () => {
  const { State, OUTBOX_LIMIT } = await import('/state.js');
  const { after } = await import('/showing.js');
  const { Rows } = await import('/rows.js');
  const { parts } = await import('/links.js');
  const { mentioned, namesOf } = await import('/mention.js');
  const { around, behind, closable, full } = await import('/gaps.js');
  const { decode } = await import('/wire.js');
  const { newId } = await import('/ids.js');

  const failed = [];
  let passed = 0;
  const test = (name, run) => {
    try {
      run();
      passed += 1;
    } catch (error) {
      failed.push(`${name}: ${error.message}`);
    }
  };
  const same = (got, want) => {
    const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
    if (a !== b) throw new Error(`${a} is not ${b}`);
  };
  const message = (seq, nick, text = `m${seq}`) => ({ kind: 'message', place: `s:${seq}`, at: seq, nick, text, looksLike: null, removed: null });
  /** A page of Keen Bob that is connected and has read everything. */
  const ready = () => {
    const s = new State('tab');
    s.handle({ type: 'me', nickname: 'Keen Bob', read: null });
    s.handle({ type: 'link', state: 'online', now: 0 });
    s.handle({ type: 'hello', nickname: 'Keen Bob', now: 0 });
    s.handle({ type: 'caught_up' });
    return s;
  };
  const say = (s, id, now = 0) => s.handle({ type: 'say', id, text: `text ${id}`, n: now, now });
  const hear = (s, row, now = 0) => s.handle({ type: 'message', row, now });
  const did = (effects) => effects.map((effect) => effect.do);
  const shown = (s) => s.rows.all.map((row) => row.place ?? row.kind);
  const states = (s) => s.waiting().map((item) => `${item.id} ${item.state}`);

  test('a post is saved before it is sent', () => {
    const s = ready();
    same(did(say(s, 'a')).slice(0, 3), ['save', 'save', 'post']);
    same(s.outbox[0].carried, true);
  });
  test('an echo before its receipt is one row', () => {
    const s = ready();
    say(s, 'a');
    same(hear(s, message(1, 'Keen Bob')), []);
    hear(s, message(2, 'Jolly Ann'));
    same(shown(s), []);
    s.handle({ type: 'receipt', id: 'a', state: 'confirmed', place: 's:1', now: 5 });
    same(shown(s), ['s:1', 's:2']);
    same(s.outbox, []);
  });
  test('a receipt before its echo is one row', () => {
    const s = ready();
    say(s, 'a');
    s.handle({ type: 'receipt', id: 'a', state: 'confirmed', place: 's:1', now: 0 });
    same(states(s), ['a confirmed']);
    hear(s, message(1, 'Keen Bob', 'cleaned'));
    same([shown(s), s.outbox], [['s:1'], []]);
  });
  test('a held echo is shown after a second', () => {
    const s = ready();
    say(s, 'a');
    hear(s, message(1, 'Keen Bob'), 100);
    s.handle({ type: 'tick', now: 900 });
    same(shown(s), []);
    s.handle({ type: 'tick', now: 1100 });
    same(shown(s), ['s:1']);
    s.handle({ type: 'receipt', id: 'a', state: 'confirmed', place: 's:1', now: 1200 });
    same([shown(s), s.outbox], [['s:1'], []]);
  });
  test('a message that is told twice is one row', () => {
    const s = ready();
    hear(s, message(1, 'Jolly Ann'));
    hear(s, message(1, 'Jolly Ann'));
    same(shown(s), ['s:1']);
  });
  test('what was carried is sent again as a repetition', () => {
    const s = ready();
    say(s, 'a');
    s.handle({ type: 'link', state: 'waiting', now: 0 });
    say(s, 'b', 1);
    const effects = s.handle({ type: 'hello', nickname: 'Keen Bob', now: 2 });
    same(effects.filter((e) => e.do === 'post').map((e) => [e.item.id, e.resend]), [['a', true], ['b', false]]);
  });
  test('a post that waits for the rate keeps those behind it', () => {
    const s = ready();
    say(s, 'a', 1);
    s.handle({ type: 'receipt', id: 'a', state: 'refused', code: 'rate', retryAfter: 500, now: 10 });
    same(did(say(s, 'b', 20)).includes('post'), false);
    const effects = s.handle({ type: 'tick', now: 600 });
    same(effects.filter((e) => e.do === 'post').map((e) => [e.item.id, e.resend]), [['a', false], ['b', false]]);
  });
  test('a clock that is set back ends the waits', () => {
    const s = ready();
    say(s, 'a', 9000);
    hear(s, message(1, 'Keen Bob'), 9000);
    same(s.handle({ type: 'tick', now: 9001 }), []);
    s.handle({ type: 'tick', now: 5000 });
    same(shown(s), ['s:1']);
    s.handle({ type: 'receipt', id: 'a', state: 'refused', code: 'rate', retryAfter: 500, now: 5000 });
    same(did(s.handle({ type: 'tick', now: 5001 })).includes('post'), false);
    same(did(s.handle({ type: 'tick', now: 1000 })).includes('post'), true);
  });
  test('never sent is sent again on its own', () => {
    const s = ready();
    say(s, 'a');
    s.handle({ type: 'receipt', id: 'a', state: 'never_sent', now: 0 });
    same(states(s), ['a queued']);
  });
  test('unconfirmed waits for the user and gets a new id', () => {
    const s = ready();
    say(s, 'a');
    s.handle({ type: 'receipt', id: 'a', state: 'unconfirmed', now: 0 });
    same(did(s.handle({ type: 'tick', now: 99999 })), []);
    same(did(s.handle({ type: 'hello', nickname: 'Keen Bob', now: 99999 })), []);
    s.handle({ type: 'retry', id: 'a', newId: 'b', n: 5, now: 5 });
    same(states(s), ['b sent']);
  });
  test('muted says until when, a confirmed post ends it', () => {
    const s = ready();
    say(s, 'a');
    s.handle({ type: 'receipt', id: 'a', state: 'refused', code: 'muted', retryAfter: 60000, now: 1000 });
    same([s.muted, s.mutedUntil, states(s)], [true, 61000, ['a refused']]);
    say(s, 'b', 5);
    s.handle({ type: 'receipt', id: 'b', state: 'confirmed', place: 's:1', now: 0 });
    same(s.muted, false);
  });
  test('edit takes the text out of the outbox', () => {
    const s = ready();
    say(s, 'a');
    same(s.handle({ type: 'edit', id: 'a' }), []);
    s.handle({ type: 'receipt', id: 'a', state: 'refused', code: 'too_long', now: 0 });
    same(s.handle({ type: 'edit', id: 'a' }), [{ do: 'forget', id: 'a' }, { do: 'compose', text: 'text a' }]);
  });
  test('posts of another account are not sent', () => {
    const s = ready();
    s.handle({ type: 'stored', items: [{ id: 'x', text: 't', nick: 'Calm Eve', at: 0, n: 0, owner: 'tab', state: 'queued' }], now: 0 });
    same(did(s.handle({ type: 'tick', now: 1 })), []);
  });
  test('posts of another tab are left to it until it is gone', () => {
    const s = ready();
    const item = { id: 'x', text: 't', nick: 'Keen Bob', at: 0, n: 0, owner: 'other', state: 'sent', carried: true };
    s.handle({ type: 'stored', items: [item], now: 0 });
    same(did(s.handle({ type: 'tick', now: 1 })), []);
    // Its posts come first: this tab waits until it knows whether the other one still sends them.
    same(did(say(s, 'a', 2)).includes('post'), false);
    const effects = s.handle({ type: 'adopt', owners: ['other'], alive: [], now: 3 });
    same(effects.filter((e) => e.do === 'post').map((e) => [e.item.id, e.resend]), [['x', true], ['a', false]]);
  });
  test('a tab that is alive sends its own posts', () => {
    const s = ready();
    s.handle({ type: 'stored', items: [{ id: 'x', text: 't', nick: 'Keen Bob', at: 0, n: 0, owner: 'other', state: 'queued' }], now: 0 });
    s.handle({ type: 'adopt', owners: [], alive: ['other'], now: 1 });
    same(say(s, 'a', 2).filter((e) => e.do === 'post').map((e) => e.item.id), ['a']);
  });
  test('a removed message is redrawn', () => {
    const s = ready();
    hear(s, message(1, 'Jolly Ann', 'bad'));
    const removed = { ...message(1, null, ''), removed: { by: 'root', reason: 'spam' } };
    const effects = s.handle({ type: 'removed', row: removed, inPlace: false, now: 0 });
    same([did(effects), s.rows.all[0].text, s.rows.all[0].removed.by], [['redraw'], '', 'root']);
    same(s.handle({ type: 'removed', row: { ...removed, place: 's:9' }, inPlace: false, now: 0 }), []);
    s.handle({ type: 'removed', row: { ...removed, place: 's:2' }, inPlace: true, now: 0 });
    same(shown(s), ['s:1', 's:2']);
  });
  test('a gap that is known better replaces the first', () => {
    const rows = new Rows();
    const gap = (missed) => ({ kind: 'gap', cause: 'disconnected', missed, since: 0, until: 1, after: 's:1' });
    same(rows.append([gap(null)]).length, 1);
    same([rows.append([gap(3)]).length, rows.all.length, rows.all[0].missed], [0, 1, 3]);
  });
  /** A page that was away: it has 1 to 3 and, behind a gap, 900. */
  const away = () => {
    const s = ready();
    for (const seq of [1, 2, 3]) hear(s, message(seq, 'Jolly Ann'));
    const gap = { kind: 'gap', cause: 'far_behind', missed: null, since: 0, until: 0, after: 's:3' };
    s.handle({ type: 'gap', row: gap });
    hear(s, message(900, 'Jolly Ann'));
    return { s, gap };
  };
  test('a gap is filled from its end and closed where it began', () => {
    const { s, gap } = away();
    same([closable(gap), behind(s, gap).place, around(s, 's:500') === gap, around(s, 's:2'), around(s, 's:901')], [true, 's:900', true, null, null]);
    const rows = (...seqs) => seqs.map((seq) => message(seq, 'Jolly Ann'));
    const effects = s.handle({ type: 'fill', gap, rows: rows(700, 899), more: true });
    same(effects.map((e) => [e.do, e.rows.length, e.next.place, e.closed]), [['insert', 2, 's:900', false]]);
    same([shown(s), behind(s, gap).place], [['s:1', 's:2', 's:3', 'gap', 's:700', 's:899', 's:900'], 's:700']);
    s.handle({ type: 'fill', gap, rows: rows(2, 3, 5), more: true });
    same(shown(s), ['s:1', 's:2', 's:3', 's:5', 's:700', 's:899', 's:900']);
    same(s.handle({ type: 'fill', gap, rows: rows(6), more: true }), []);
  });
  test('a gap is closed by the message that follows it', () => {
    const { s, gap } = away();
    s.handle({ type: 'fill', gap, rows: [message(4, 'Jolly Ann')], more: true });
    same(shown(s), ['s:1', 's:2', 's:3', 's:4', 's:900']);
  });
  test('a gap that the room cannot fill stays, and says why', () => {
    for (const found of [[], [message(700, 'Jolly Ann')]]) {
      const { s, gap } = away();
      const effects = s.handle({ type: 'fill', gap, rows: found, more: false });
      same([shown(s), gap.cause, closable(gap)], [['s:1', 's:2', 's:3', 'gap', ...found.map((row) => row.place), 's:900'], 'server_forgot', false]);
      same([did(effects), effects[0].closed, around(s, 's:500')], [['insert', 'redraw'], false, null]);
    }
  });
  test('a gap before the message that follows is closed', () => {
    const { s, gap } = away();
    s.handle({ type: 'fill', gap, rows: [message(4, 'Jolly Ann'), ...Array.from({ length: 3 }, (_, n) => message(5 + n, 'Jolly Ann'))], more: false });
    same(shown(s).includes('gap'), false);
    const other = away();
    other.s.handle({ type: 'fill', gap: other.gap, rows: [{ ...message(4, 'Jolly Ann'), place: 'other:4' }], more: false });
    same(shown(other.s), ['s:1', 's:2', 's:3', 'gap', 'other:4', 's:900']);
  });
  test('a removal that overtakes a load takes the text out', () => {
    for (const type of ['fill', 'older']) {
      const { s, gap } = away();
      const place = type === 'fill' ? 's:700' : 's:0';
      const row = { ...message(0, 'Jolly Ann', 'bad'), place };
      s.handle({ type: 'loading', on: true });
      s.handle({ type: 'removed', row: { ...row, nick: null, text: '', removed: { by: 'root' } }, inPlace: false, now: 0 });
      s.handle({ type, gap, rows: [row], more: true });
      s.handle({ type: 'loading', on: false });
      same([s.rows.byPlace.get(place).text, s.rows.byPlace.get(place).removed, s.overtaking], ['', { by: 'root' }, null]);
    }
  });
  test('what was loaded is not dropped by the next message', () => {
    const { s, gap } = away();
    s.handle({ type: 'sight', visible: true, atEnd: false });
    let next = 20000;
    hear(s, message(next, 'Jolly Ann'));
    s.rows.all.splice(s.rows.all.findIndex((row) => row.place === 's:900'), 1);
    while (!full(s)) {
      next -= 200;
      s.handle({ type: 'fill', gap, rows: Array.from({ length: 200 }, (_, n) => message(next + n, 'Jolly Ann')), more: true });
    }
    const rows = s.rows.all.length;
    hear(s, message(30000, 'Jolly Ann'));
    same([s.rows.all.length, rows > 9700], [rows + 1, true]);
  });
  test('other gaps cannot be closed', () => same(closable({ kind: 'gap', cause: 'server_forgot', after: 's:1' }), false));
  test('unread is counted while the page is out of sight', () => {
    const s = ready();
    hear(s, message(1, 'Jolly Ann'));
    s.handle({ type: 'sight', visible: false, atEnd: true });
    hear(s, message(2, 'Jolly Ann'));
    hear(s, message(3, 'Keen Bob'));
    hear(s, message(4, 'Jolly Ann'));
    same([s.unread, s.newLine, s.read], [2, 's:2', 's:1']);
    s.handle({ type: 'sight', visible: true, atEnd: true });
    same([s.unread, s.newLine, s.read], [0, 's:2', 's:4']);
  });
  test('a line of new messages that was read moves to the next', () => {
    const s = ready();
    for (const seq of [1, 2]) {
      s.handle({ type: 'sight', visible: false, atEnd: true });
      hear(s, message(seq, 'Jolly Ann'));
      s.handle({ type: 'sight', visible: true, atEnd: true });
    }
    same(s.newLine, 's:2');
  });
  test('after a reload the line stands where reading ended', () => {
    const s = new State('tab');
    s.handle({ type: 'me', nickname: 'Keen Bob', read: 's:1' });
    s.handle({ type: 'hello', nickname: 'Keen Bob', now: 0 });
    for (const seq of [1, 2, 3]) hear(s, message(seq, 'Jolly Ann'));
    s.handle({ type: 'caught_up' });
    same(s.newLine, 's:2');
  });
  test('rows are bounded and known places are forgotten with them', () => {
    const s = ready();
    for (let seq = 1; seq <= 2500; seq++) hear(s, message(seq, 'Jolly Ann'));
    same([s.rows.all.length <= 2101, s.rows.byPlace.size === s.rows.all.length, s.more], [true, true, true]);
  });
  test('a logout keeps the posts and nothing else', () => {
    const s = ready();
    hear(s, message(1, 'Jolly Ann'));
    say(s, 'a');
    s.handle({ type: 'left' });
    same([s.screen, s.nick, shown(s), s.outbox.length], ['welcome', null, [], 1]);
  });
  test('a refused token leads to the registration', () => {
    const s = ready();
    same(did(s.handle({ type: 'account', nickname: null })), ['logout', 'disconnect', 'clear']);
    same([s.screen, s.wrongToken], ['welcome', true]);
  });
  test('positions are compared as numbers', () => {
    same([after('s:10', 's:9'), after('s:9', 's:10'), after('t:1', 's:9')], [true, false, true]);
  });
  test('the bound of the outbox is the one of the gateway', () => same(OUTBOX_LIMIT, 200));

  const hrefs = (text) => parts(text).filter((part) => part.href).map((part) => part.href);
  test('parts keep the text', () => {
    for (const text of ['', 'plain', 'a http://x.org/b, c', 'http://x.org', '(see https://x.org/a_(b)) end', 'http://']) {
      same(parts(text).map((part) => part.text).join(''), text);
    }
  });
  test('addresses end before the punctuation of the sentence', () => {
    same(hrefs('see http://x.org/a. And (https://y.org/b?c=d#e), "http://z.org"!'), ['http://x.org/a', 'https://y.org/b?c=d#e', 'http://z.org']);
    same(hrefs('https://x.org/a_(b) (https://x.org/c)'), ['https://x.org/a_(b)', 'https://x.org/c']);
  });
  test('only plain hosts become links', () => {
    same(hrefs('http://ex\u0430mple.org http://exa\u200bmple.org http://exa<U+200B>mple.org http://x.org/<+42> http://user@evil.org http://a b javascript:alert(1) data:x http://x.org:99999999'), ['http://a']);
  });
  test('a mention is a whole word in any case', () => {
    const names = namesOf('Keen Боб', 'Боб');
    same(mentioned('привет, БОБ!', names), [8, 11]);
    same([mentioned('бобр', names), mentioned('боб_2 и а-боб', names), mentioned('x', namesOf('Keen X', null))], [null, null, null]);
    same(mentioned('keen боб: hi', names), [0, 8]);
  });
  test('unknown objects are ignored', () => same([decode('{"type":"dance"}', 0), decode('[]', 0), decode('{"type":"start","resumed":true}', 0)], [null, null, null]));
  test('an object of the gateway becomes an event', () => {
    const event = decode('{"type":"message","stream":"k","seq":3,"at":"2026-11-29T00:41:00.120Z","nick":"A","text":"t"}', 7);
    same([event.row.place, event.row.at, event.now], ['k:3', Date.UTC(2026, 10, 29, 0, 41, 0, 120), 7]);
  });
  test('ids are UUIDs and differ', () => {
    same([/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(newId()), newId() === newId()], [true, false]);
  });
  test('ids begin with the time', () => {
    const clock = Date.now;
    Date.now = () => 0x0123456789ab;
    const id = newId();
    Date.now = clock;
    same(id.slice(0, 15), '01234567-89ab-7');
  });
  return { passed, failed };
})()
