import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BODY_MAX_BYTES, DEPTH_MAX, Refusal, scrubBody } from '../src/scrub.js';

const NOTHING = { card: 0, email: 0, ip: 0, secret: 0, token: 0 };

function scrub(text) {
  return scrubBody(new TextEncoder().encode(text));
}

function scrubbed(event) {
  return JSON.parse(scrub(JSON.stringify(event)));
}

function refused(body, status, part) {
  assert.throws(
    () => (typeof body === 'string' ? scrub(body) : scrubBody(body)),
    (error) => error instanceof Refusal && error.status === status && error.message.includes(part),
    part,
  );
}

test('an ordinary event keeps its meaning', () => {
  const event = { action: 'opened', number: 17, draft: false, labels: ['a', 'b'], milestone: null, ratio: -1.5e-3 };
  assert.deepEqual(scrubbed(event), { event, removed: NOTHING });
});

test('the whole answer to a small event', () => {
  const event = '{"user": {"name": "Ada", "email": "ada@example.org"}, "Api-Key": "k", "from": "192.0.2.7"}';
  const expected =
    '{"event":{"Api-Key":"[secret]","from":"[ip]","user":{"email":"[email]","name":"Ada"}},' +
    '"removed":{"card":0,"email":1,"ip":1,"secret":1,"token":0}}';
  assert.equal(scrub(event), expected);
});

test('the same event gives the same bytes, however it was written', () => {
  const spaced = scrub('{ "b" : [ 1 , 2 ] ,\n "a" : "\\u0041" }');
  assert.equal(spaced, scrub('{"a":"A","b":[1,2]}'));
});

test('secrets go by the name of their member', () => {
  for (const name of ['password', 'PASSWORD', 'client_secret', 'Set-Cookie', 'apiKey', 'x-api-key', 'card_number']) {
    const { event, removed } = scrubbed({ [name]: { deep: ['x'] } });
    assert.deepEqual(event, { [name]: '[secret]' });
    assert.deepEqual(removed, { ...NOTHING, secret: 1 });
  }
  assert.deepEqual(scrubbed({ password: null, tokens: 3 }).event, { password: null, tokens: 3 });
});

test('texts lose what identifies people', () => {
  const cases = [
    ['mail ada.l+x@mail.example.org, now', 'mail [email], now', 'email'],
    ['at 203.0.113.9:80', 'at [ip]:80', 'ip'],
    ['card 4111 1111 1111 1111.', 'card [card].', 'card'],
    ['Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_9', 'Bearer [token]', 'token'],
    ['push with ghp_0123456789abcdefABCDEF', 'push with [token]', 'token'],
  ];
  for (const [text, expected, kind] of cases) {
    const { event, removed } = scrubbed({ text });
    assert.equal(event.text, expected);
    assert.deepEqual(removed, { ...NOTHING, [kind]: 1 });
  }
});

test('names of members are texts too', () => {
  assert.deepEqual(scrubbed({ 'ada@example.org': 'admin' }).event, { '[email]': 'admin' });
});

test('what only looks similar stays', () => {
  for (const text of ['4111 1111 1111 1112', '300.1.1.1', 'version 1.2.3', 'a@b', 'eyJ', '2026-01-02 10:11:12']) {
    assert.deepEqual(scrubbed({ text }), { event: { text }, removed: NOTHING });
  }
});

test('a member called __proto__ is a member', () => {
  assert.equal(scrub('{"__proto__":{"token":"x"}}').includes('"__proto__":{"token":"[secret]"}'), true);
});

test('what is no event is refused', () => {
  refused('', 400, 'JSON');
  refused('{"a":}', 400, 'JSON');
  refused('{"a":1} {"b":2}', 400, 'JSON');
  refused(new Uint8Array([0x22, 0xff, 0x22]), 400, 'UTF-8');
});

test('numbers that would change are refused', () => {
  refused('{"id":9007199254740993}', 422, 'whole number');
  refused('[1e999]', 422, 'too large');
  assert.equal(scrub('["9007199254740993",9007199254740991,0.1]').includes('9007199254740991,0.1'), true);
  assert.equal(scrub('["\\"9007199254740993"]').includes('9007199254740993'), true);
});

test('nesting is bounded', () => {
  const nested = (levels) => '['.repeat(levels) + ']'.repeat(levels);
  assert.doesNotThrow(() => scrub(nested(DEPTH_MAX)));
  refused(nested(DEPTH_MAX + 2), 422, 'nested');
  refused(nested(100_000), 422, 'nested');
});

test('hostile texts take no longer than others', () => {
  for (const piece of ['a.', '1 ', '1.', 'eyJ', 'eyJ-', 'eyJ.', 'a@', '@a.', 'ghp_-', '"', '\\"', 'a']) {
    const event = { text: piece.repeat(BODY_MAX_BYTES / 4 / piece.length) };
    const began = performance.now();
    scrubbed(event);
    assert.ok(performance.now() - began < 2000, piece);
  }
});
