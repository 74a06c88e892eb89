/** Devices of an account, browsers among them, against a real server: in, out, and in again. */

import { describe, expect, test } from 'vitest';

import {
  Api,
  approveDevice,
  askApproval,
  currentSession,
  cutOff,
  enterWithUrl,
  listDevices,
  lookAtDevice,
  offerDevice,
  signOut,
  signOutElsewhere,
  unconfirmedRecovery,
} from '../src/lib/session';
import { makeBrowserDevice, makeSeedDevice } from '../src/lib/session/device';
import {
  browser,
  connected,
  faultOf,
  founded,
  namesByCommand,
  onStage,
  signedIn,
  stage,
  withCookies,
} from './people';
import type { Stage } from './stage';

onStage();

describe('another device', () => {
  test('at the command line lets a browser in by its code', async () => {
    await founded('jo');
    await connected('jo', 'jos');
    const context = browser();
    const asking = await askApproval(context, 'by a code');
    const said = await stage.run('jos', ['devices', 'approve'], [asking.code, 'yes']);
    expect(said, said.err).toMatchObject({ code: 0 });
    await asking.join(new AbortController().signal);
    expect(await namesByCommand('jos')).toEqual(['Firefox on Linux', 'by a code', 'jos']);
    expect((await currentSession(context.api))?.loginName).toBe('jo');
  });

  test('in a browser lets the command line in, by its code and by a URL', async () => {
    const first = await founded('kim');
    const args = ['connect', stage.url, '--approve', '--device-name', 'kims'];
    const { child, said } = stage.begin('kims', args);
    const code = await spoken(child, /[0-9A-Z]{4}(-[0-9A-Z]{4}){4}/);
    expect(await lookAtDevice(first, code)).toMatchObject({ name: 'kims' });
    await approveDevice(first, code, stage.url);
    const ended = await said;
    expect(ended, ended.err).toMatchObject({ code: 0 });

    const offered = await offerDevice(first, stage.url);
    const url = ['connect', offered.url, '--device-name', 'by URL'];
    expect(await stage.run('by-url', url)).toMatchObject({ code: 0 });
    expect(await faultOf(enterWithUrl(browser(), offered.url, null))).toEqual({
      kind: 'spent',
    });
    expect(await namesByCommand('kims')).toEqual(['Firefox on Linux', 'by URL', 'kims']);
  });

  test('that shows no code is told so', async () => {
    const first = await founded('lea');
    for (const code of ['0000-0000-0000-0000-0000', 'none']) {
      expect(await faultOf(lookAtDevice(first, code))).toEqual({
        kind: 'wrongApprovalCode',
      });
    }
    const stopped = new AbortController();
    const asking = await askApproval(browser(), null);
    const joining = asking.join(stopped.signal);
    stopped.abort();
    await expect(joining).rejects.toThrow('abort');
  });
});

describe('signing out', () => {
  test('ends the session, and the browser forgets its keys', async () => {
    const context = await founded('may');
    await signOut(context, true);
    expect(await currentSession(context.api)).toBeNull();
    expect(await context.store.get('device')).toBeNull();
    expect(await context.store.get('left')).toBeNull();
    await signOut(context);
  });

  test('by itself, as a session does in time, leaves the device and its recovery code in place', async () => {
    const context = await founded('oz');
    const { device } = (await context.store.get('device'))!;
    const code = await unconfirmedRecovery(context.store);
    await signedIn('oz', { ...context, api: new Api(stage.url, withCookies()) });
    expect((await context.store.get('device'))!.device).toBe(device);
    expect(await unconfirmedRecovery(context.store)).toBe(code);
  });

  test.each([
    ['a key that no script can read', makeBrowserDevice],
    ['a seed', makeSeedDevice],
  ])('and in again is the same device, with %s', async (name, make) => {
    const login = `pam, with ${name}`;
    const context = await founded(login, browser({ make }));
    const before = (await context.store.get('device'))!;
    for (let times = 0; times < 2; times += 1) {
      await signOut(context);
      expect(await faultOf(signedIn(login, context, 'another'))).toEqual({
        kind: 'wrongPassword',
      });
      await signedIn(login, context);
      expect((await context.store.get('device'))!.device).toBe(before.device);
    }
    await signOut(context);
    expect(await faultOf(signedIn(login, context, 'another'))).toEqual({ kind: 'wrongPassword' });
    await signedIn(login, context);
    // It has all that a device has: it lets another one in.
    const offered = await offerDevice(context, stage.url);
    const other = browser();
    await enterWithUrl(other, offered.url, null);
    expect(await listDevices(context.api)).toHaveLength(2);
    await signOut(context);

    // Cut off meanwhile, it is a new one; and so it is with another account.
    await cutOff(other, [before.device]);
    await signedIn(login, context);
    expect((await context.store.get('device'))!.device).not.toBe(before.device);
    await signOut(context);
    await founded(`quin, with ${name}`, context);
    expect((await context.store.get('device'))!.account).not.toBe(before.account);
  });

  test('elsewhere cuts off the other browsers, and no other device', async () => {
    const first = await founded('ned');
    const second = await signedIn('ned');
    const third = await signedIn('ned');
    await connected('ned', 'neds');
    expect(await signOutElsewhere(first)).toBe(2);
    expect(await signOutElsewhere(first)).toBe(0);
    for (const other of [second, third]) {
      expect(await currentSession(other.api)).toBeNull();
      const gone = await faultOf(listDevices(other.api));
      expect(['signedOut', 'deviceRemoved']).toContain(gone.kind);
    }
    expect((await currentSession(first.api))?.loginName).toBe('ned');
    expect(await namesByCommand('neds')).toEqual(['Firefox on Linux', 'neds']);
    expect(await stage.run('neds', ['mkdir', ':/still here'])).toMatchObject({
      code: 0,
    });
  });
});

/** What a running command says that looks like this, on either of its streams. */
function spoken(child: ReturnType<Stage['begin']>['child'], pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const listen = (piece: unknown): void => {
      heard += String(piece);
      const found = pattern.exec(heard);
      if (found !== null) resolve(found[0]);
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('exit', () => reject(new Error(`it ended: ${heard}`)));
  });
}
