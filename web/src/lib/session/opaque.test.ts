import { server as side, ready } from '@serenity-kit/opaque';
import { describe, expect, test } from 'vitest';

import { base64url, hex } from '../format/bytes';
import type { IdentityKey } from '../format/ids';
import { bytesOf, repositoryText } from '../format/testing/golden';
import { opaqueHere } from './opaque';
import { type Answered, type Thread, opaqueOn, perform } from './opaque-thread';

/** What the browsers' implementation made, and Rust opens as well. */
const VECTOR = JSON.parse(repositoryText('crates/wire/tests/wire/golden/opaque-browser.json')) as Record<
  'identity' | 'password' | 'credential' | 'server_setup' | 'record' | 'export_key',
  string
>;
const SERVER = VECTOR.identity as IdentityKey;

async function loginAt(identity: IdentityKey, password: string, opaque = opaqueHere) {
  await ready;
  const started = await opaque.startLogin(password);
  const { loginResponse } = side.startLogin({
    serverSetup: base64url(bytesOf(VECTOR.server_setup)),
    registrationRecord: base64url(bytesOf(VECTOR.record)),
    startLoginRequest: started.request,
    userIdentifier: VECTOR.credential,
    identifiers: { server: `hythe 1 ${SERVER}` },
  });
  return opaque.finishLogin(password, started.state, loginResponse, identity);
}

describe('OPAQUE', () => {
  test('gives the export key of the vector that Rust reads', async () => {
    const finished = await loginAt(SERVER, VECTOR.password);
    expect(hex(finished!.exportKey)).toBe(VECTOR.export_key);
  });

  test('takes a password however it is composed', async () => {
    const decomposed = VECTOR.password.normalize('NFD');
    expect(decomposed).not.toBe(VECTOR.password);
    expect(hex((await loginAt(SERVER, decomposed))!.exportKey)).toBe(VECTOR.export_key);
  });

  test('gives nothing for another password, and nothing at another server', async () => {
    expect(await loginAt(SERVER, `${VECTOR.password}.`)).toBeNull();
    expect(await loginAt('08'.repeat(32) as IdentityKey, VECTOR.password)).toBeNull();
  });
});

/** The two ends of a thread, on this one. */
function channel(): Thread {
  const thread: Thread = {
    onmessage: null,
    postMessage: (asked) => {
      const answer = (data: Answered): void => thread.onmessage?.({ data } as MessageEvent<Answered>);
      void perform(opaqueHere, structuredClone(asked)).then((answered) => answer(structuredClone(answered)));
    },
  };
  return thread;
}

describe('OPAQUE on a thread of its own', () => {
  test('does the same, with several steps at a time', async () => {
    const there = opaqueOn(channel);
    const both = [loginAt(SERVER, VECTOR.password, there), loginAt(SERVER, 'another', there)];
    const [right, wrong] = await Promise.all(both);
    expect(hex(right!.exportKey)).toBe(VECTOR.export_key);
    expect(wrong).toBeNull();
  });

  test('says so where a step or the thread fails', async () => {
    await expect(opaqueOn(channel).finishLogin('a', 'no state', 'no response', SERVER)).rejects.toThrow();
    const dead: Thread = { onmessage: null, postMessage: () => undefined };
    const waiting = opaqueOn(() => dead).startLogin('a');
    await Promise.resolve();
    dead.onerror?.({ message: 'no such file' } as ErrorEvent);
    await expect(waiting).rejects.toThrow('no such file');
  });
});
