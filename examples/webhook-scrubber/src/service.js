// The scrubber behind `wasi:http/incoming-handler`: reads requests, writes answers, decides nothing about events.
import { BODY_MAX_BYTES, Refusal, scrubBody } from './scrub.js';

addEventListener('fetch', (event) => event.respondWith(answer(event.request)));

async function answer(request) {
  try {
    return await route(request);
  } catch (error) {
    if (error instanceof Refusal) {
      return json(error.status, { error: error.message }, error.headers);
    }
    // Our own mistake: the client learns that there was one, the log what it was.
    console.error(error);
    return json(500, { error: 'the scrubber failed' });
  }
}

async function route(request) {
  const { pathname } = new URL(request.url);
  if (pathname === '/health') {
    expectMethod(request, 'GET');
    return json(200, { status: 'ok' });
  }
  if (pathname === '/scrub') {
    expectMethod(request, 'POST');
    expectJson(request);
    return reply(200, scrubBody(await readBody(request)));
  }
  throw new Refusal(404, 'no such path: expected POST /scrub or GET /health');
}

function expectMethod(request, method) {
  if (request.method !== method) {
    throw new Refusal(405, `wrong method: expected ${method}`, { allow: method });
  }
}

function expectJson(request) {
  const type = (request.headers.get('content-type') ?? '').split(';')[0].trim().toLowerCase();
  if (type !== 'application/json' && !/^application\/[a-z0-9.+-]+\+json$/.test(type)) {
    throw new Refusal(415, 'content-type: expected application/json');
  }
}

// Never holds more than the limit and one piece.
async function readBody(request) {
  const pieces = [];
  let length = 0;
  const reader = request.body?.getReader();
  for (let read = await reader?.read(); read && !read.done; read = await reader.read()) {
    length += read.value.length;
    if (length > BODY_MAX_BYTES) {
      await reader.cancel();
      throw new Refusal(413, `the event is too long: expected at most ${BODY_MAX_BYTES} bytes`);
    }
    pieces.push(read.value);
  }
  const body = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    body.set(piece, offset);
    offset += piece.length;
  }
  return body;
}

function json(status, value, headers) {
  return reply(status, JSON.stringify(value), headers);
}

function reply(status, text, headers = {}) {
  return new Response(`${text}\n`, { status, headers: { 'content-type': 'application/json', ...headers } });
}
