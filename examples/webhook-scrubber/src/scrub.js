// Takes personal data and secrets out of an event. No clock, no randomness, and nothing of the platform but JSON and
// text decoding: the same event gives the same bytes everywhere.

// Longest event, in bytes.
export const BODY_MAX_BYTES = 1024 * 1024;
// Deepest nesting of arrays and objects.
export const DEPTH_MAX = 64;

// Why an event was not scrubbed. The client is guilty.
export class Refusal extends Error {
  constructor(status, message, headers = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

// Names of members whose values are removed whatever they are, in lower case without `-` and `_`.
const SECRET_NAMES = new Set(
  `accesskey accesstoken apikey apitoken authorization cardnumber clientsecret cookie creditcard cvc cvv iban idtoken
   passphrase passwd password pin privatekey refreshtoken secret secretkey sessionid setcookie signature socialsecurity
   ssn token webhooksecret xapikey`.split(/\s+/),
);

// What is looked for inside of texts, in this order. Each expression runs in time linear in the text: it starts only where
// a run of its characters does, and no part of it can match the same characters in two ways. `check` decides about what
// an expression alone cannot.
const PATTERNS = [
  { kind: 'token', expression: /(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*/g },
  { kind: 'token', expression: /(?<![\w-])(?:gh[opsu]_|github_pat_|glpat-|sk_live_|xox[abprs]-)[\w-]{10,}/g },
  { kind: 'email', expression: /(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g },
  { kind: 'card', expression: /\b\d(?:[ -]?\d){12,18}\b/g, check: hasLuhnDigit },
  { kind: 'ip', expression: /\b\d{1,3}(?:\.\d{1,3}){3}\b/g, check: isIpv4 },
];

// Reads an event, scrubs it, and gives it back as JSON: members sorted by name, no white space.
export function scrubBody(bytes) {
  const text = decode(bytes);
  const event = parse(text);
  refuseInexactNumbers(text);
  const removed = { card: 0, email: 0, ip: 0, secret: 0, token: 0 };
  const scrubbed = write(event, removed, 0);
  return `{"event":${scrubbed},"removed":${JSON.stringify(removed)}}`;
}

function decode(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal(400, 'the event is not UTF-8');
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    // The engine's message may quote the event, and engines word it differently.
    throw new Refusal(400, 'the event is not JSON');
  }
}

// `JSON.parse` would change such a number without a word.
function refuseInexactNumbers(text) {
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g)) {
    const isWhole = /^-?\d+$/.test(token);
    if (isWhole && !Number.isSafeInteger(Number(token))) {
      throw new Refusal(422, 'the event has a whole number that JSON readers do not keep exactly (RFC 7493)');
    }
    if (!token.startsWith('"') && !Number.isFinite(Number(token))) {
      throw new Refusal(422, 'the event has a number that is too large');
    }
  }
}

function write(value, removed, depth) {
  if (depth > DEPTH_MAX) {
    throw new Refusal(422, `the event is nested too deeply: expected at most ${DEPTH_MAX} levels`);
  }
  if (typeof value === 'string') {
    return JSON.stringify(scrubText(value, removed));
  }
  if (Array.isArray(value)) {
    return `[${value.map((item) => write(item, removed, depth + 1)).join(',')}]`;
  }
  if (value === null || typeof value !== 'object') {
    return JSON.stringify(value);
  }
  const members = Object.keys(value).sort().map((name) => writeMember(name, value[name], removed, depth));
  return `{${members.join(',')}}`;
}

function writeMember(name, value, removed, depth) {
  // A name can be personal too, as in `{"ada@example.org": "admin"}`.
  const written = JSON.stringify(scrubText(name, removed));
  if (SECRET_NAMES.has(name.toLowerCase().replace(/[-_]/g, '')) && value !== null) {
    removed.secret += 1;
    return `${written}:"[secret]"`;
  }
  return `${written}:${write(value, removed, depth + 1)}`;
}

function scrubText(text, removed) {
  for (const { kind, expression, check } of PATTERNS) {
    text = text.replace(expression, (found) => {
      if (check && !check(found)) {
        return found;
      }
      removed[kind] += 1;
      return `[${kind}]`;
    });
  }
  return text;
}

// ISO/IEC 7812-1, annex B: every second digit from the right counts twice.
function hasLuhnDigit(text) {
  const digits = [...text.replace(/\D/g, '')].reverse().map(Number);
  const sum = digits.reduce((sum, digit, index) => {
    const counted = index % 2 === 1 ? digit * 2 : digit;
    return sum + (counted > 9 ? counted - 9 : counted);
  }, 0);
  return sum % 10 === 0;
}

function isIpv4(text) {
  return text.split('.').every((part) => Number(part) <= 255);
}
