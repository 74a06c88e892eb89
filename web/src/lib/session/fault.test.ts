import { describe, expect, test } from 'vitest';

import { Api } from './api';
import { describeBrowser, isBrowser } from './browser';
import { currentSession } from './current';
import { type Fault, SessionError } from './fault';
import { readAccount, serverInfo } from './server';
import type { AccountId } from '../format/ids';

function answering(status: number, body: unknown): Api {
  return new Api('', () => Promise.resolve(Response.json(body, { status })));
}

async function faultOf(api: Api): Promise<Fault> {
  try {
    await api.json('GET', '/server', null);
  } catch (error) {
    if (error instanceof SessionError) return error.fault;
    throw error;
  }
  throw new Error('it worked');
}

const problem = (code: string, more: object = {}) => ({ type: `urn:hythe:problem:${code}`, ...more });

describe('problems', () => {
  test.each<[number, unknown, Fault]>([
    [401, problem('login-wrong'), { kind: 'wrongPassword' }],
    [401, problem('token-spent'), { kind: 'spent' }],
    [401, problem('unauthenticated'), { kind: 'signedOut' }],
    [401, problem('device-removed'), { kind: 'deviceRemoved' }],
    [401, problem('passkey-copied'), { kind: 'passkeyCopied' }],
    [403, problem('account-suspended'), { kind: 'suspended' }],
    [403, problem('registration-closed'), { kind: 'closed' }],
    [403, problem('forbidden'), { kind: 'notAllowed' }],
    [403, problem('proof-needed'), { kind: 'proofNeeded' }],
    [404, problem('not-found'), { kind: 'notFound' }],
    [409, problem('login-taken'), { kind: 'loginTaken' }],
    [429, problem('rate-limited', { retry_after_ms: 4000 }), { kind: 'rateLimited', retryAfterMs: 4000 }],
    [503, problem('overloaded', { retry_after_ms: 5 }), { kind: 'busy', retryAfterMs: 5 }],
    [503, problem('unavailable'), { kind: 'busy', retryAfterMs: null }],
    [500, problem('internal', { instance: 'r1' }), { kind: 'serverFault', request: 'r1' }],
    [
      401,
      problem('second-factor', { there: { kind: 'second-factor', code: false, passkey: { publicKey: 1 } } }),
      { kind: 'secondFactorNeeded', code: false, passkey: { publicKey: 1 } },
    ],
    [401, problem('second-factor'), { kind: 'secondFactorNeeded', code: true, passkey: null }],
    [422, problem('invalid', { detail: 'why' }), { kind: 'refused', code: 'invalid', detail: 'why' }],
    [418, problem('of a newer server'), { kind: 'refused', code: 'of a newer server', detail: null }],
    [502, 'no JSON object', { kind: 'busy', retryAfterMs: null }],
    [500, null, { kind: 'serverFault', request: null }],
  ])('%i %j is a fault that somebody can act on', async (status, body, fault) => {
    expect(await faultOf(answering(status, body))).toEqual(fault);
  });

  test('without an answer mean that nobody is reached', async () => {
    const away = new Api('', () => Promise.reject(new TypeError('no route')));
    expect(await faultOf(away)).toEqual({ kind: 'offline' });
  });

  test('are not made of answers that are no JSON', async () => {
    const page = new Api('', () => Promise.resolve(new Response('<html>')));
    expect(await faultOf(page)).toEqual({ kind: 'serverFault', request: null });
    await expect(serverInfo(answering(200, { name: 'hythe' }))).rejects.toThrow('serverFault');
  });

  test('of a session that is over mean that nobody is signed in', async () => {
    expect(await currentSession(answering(401, problem('unauthenticated')))).toBeNull();
    await expect(currentSession(answering(500, problem('internal')))).rejects.toThrow('serverFault');
  });
});

describe('an account of which the server shows no whole log', () => {
  test.each([
    ['nothing', []],
    ['a frame that is cut off', [0xd8, 0x18, 0x58]],
    [
      'an end that was never reached',
      [0xd8, 0x18, 0x58, 0x27, 0x82, 0x01, 0x81, 0x82, 5, 0x58, 32, ...Array(32).fill(0)],
    ],
  ])('is not believed: %s', async (_, bytes) => {
    const api = new Api('', () => Promise.resolve(new Response(Uint8Array.from(bytes))));
    await expect(readAccount(api, '33'.repeat(32) as AccountId, null)).rejects.toThrow('unverified');
  });
});

describe('a browser', () => {
  const mozilla = 'Mozilla/5.0';
  test.each([
    [`${mozilla} (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0`, 'Firefox on Linux'],
    [
      `${mozilla} (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0`,
      'Edge on Windows',
    ],
    [
      `${mozilla} (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36`,
      'Chrome on Android',
    ],
    [
      `${mozilla} (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15`,
      'Safari on macOS',
    ],
    ['', 'Browser'],
  ])('that says %j', (userAgent, name) => {
    const info = describeBrowser(userAgent, '1.2');
    expect(info.name).toBe(name);
    expect(info.version).toBe('1.2');
    expect(isBrowser(info.platform)).toBe(true);
  });

  test('is no other device', () => {
    expect(isBrowser('linux x86_64')).toBe(false);
  });
});
