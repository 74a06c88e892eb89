import { describe, expect, test } from 'vitest';

import { approvalText, parseApproval } from './approval';
import { base64url, fromBase64url, hex, utf8 } from './bytes';
import { deviceUrl, parseConnectUrl } from './invite';
import { parseRecovery, recoveryText } from './recovery';
import { openUnder, sealUnder } from './seal';
import { filled, repositoryFile, repositoryText } from './testing/golden';

const COUNTED = Uint8Array.from({ length: 20 }, (_, index) => index);
const COUNTED_TEXT = '000G-40R4-0M30-E209-185G-R38E-1W81-24GK-RV';

describe('recovery codes', () => {
  test('have the text that docs/format/keys.md shows', () => {
    expect(recoveryText(COUNTED)).toBe(COUNTED_TEXT);
  });

  test.each([
    COUNTED_TEXT,
    COUNTED_TEXT.toLowerCase(),
    COUNTED_TEXT.replaceAll('-', ' '),
    ` ${COUNTED_TEXT.replaceAll('-', '')}\n`,
    COUNTED_TEXT.replaceAll('0', 'o').replaceAll('1', 'l'),
    COUNTED_TEXT.replaceAll('0', 'O').replaceAll('1', 'I'),
  ])('are read however they are typed: %j', (typed) => {
    expect(hex(parseRecovery(typed) as Uint8Array)).toBe(hex(COUNTED));
  });

  test('with a slip of the pen say so', () => {
    expect(parseRecovery(COUNTED_TEXT.replace('G', 'H'))).toBe('check');
    expect(parseRecovery(COUNTED_TEXT.replace('RV', 'RW'))).toBe('check');
  });

  test.each(['', '000G', `${COUNTED_TEXT}0`, COUNTED_TEXT.replace('G', 'U'), COUNTED_TEXT.replace('G', 'ß')])(
    'are no other text: %j',
    (typed) => {
      expect(parseRecovery(typed)).toBe('form');
    },
  );
});

describe('approval codes', () => {
  test('are read as they are written', () => {
    const code = COUNTED.subarray(0, 12);
    const text = approvalText(code);
    expect(text).toMatch(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){4}$/);
    expect(hex(parseApproval(text.toLowerCase())!)).toBe(hex(code));
    expect(parseApproval(text.slice(1))).toBeNull();
  });
});

describe('URLs that let somebody in', () => {
  const [invite, device] = repositoryText('crates/wire/tests/wire/golden/urls.txt').trim().split('\n');

  test('are read as Rust writes them', () => {
    const read = parseConnectUrl(invite!);
    expect(read).toEqual({ kind: 'invite', identity: '01'.repeat(32), token: filled(32, 2) });
    const offer = parseConnectUrl(device!);
    if (typeof offer === 'string' || offer.kind !== 'device') throw new Error('no device URL');
    expect(offer.account).toBe('03'.repeat(32));
    expect(deviceUrl('https://hythe.example:7443/', offer)).toBe(device);
  });

  test.each([
    ['', 'fragment'],
    ['https://hythe.example:7443/', 'fragment'],
    [invite!.slice(0, -4), 'fragment'],
    [invite!.replace('#i=', '#d='), 'fragment'],
    [device!.replace('#d=', '#i='), 'fragment'],
    [invite!.replace('#i=AQ', '#i=Ag'), 'version'],
  ])('are no other text: %j', (text, fault) => {
    expect(parseConnectUrl(text)).toBe(fault);
  });
});

describe('small secrets sealed under another', () => {
  const purpose = 'hythe 2026-11-22 content test: a purpose';
  const sealed = repositoryFile('crates/content/tests/golden/wrapped.bin');

  test('are the bytes that Rust writes', async () => {
    const made = await sealUnder(filled(32, 1), purpose, utf8('which'), filled(32, 5));
    expect(hex(made)).toBe(hex(sealed));
    const opened = await openUnder(filled(32, 1), purpose, utf8('which'), sealed);
    expect(hex(opened!)).toBe(hex(filled(32, 5)));
  });

  test('open with nothing else', async () => {
    expect(await openUnder(filled(32, 2), purpose, utf8('which'), sealed)).toBeNull();
    expect(await openUnder(filled(32, 1), `${purpose}.`, utf8('which'), sealed)).toBeNull();
    expect(await openUnder(filled(32, 1), purpose, utf8('other'), sealed)).toBeNull();
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = sealed.slice();
      changed[at]! ^= 1;
      expect(await openUnder(filled(32, 1), purpose, utf8('which'), changed), `byte ${at}`).toBeNull();
    }
  });
});

describe('base64url', () => {
  test('is read only as it is written', () => {
    for (let length = 0; length < 10; length += 1) {
      const bytes = filled(length, 0xfb);
      expect(hex(fromBase64url(base64url(bytes))!)).toBe(hex(bytes));
    }
    expect(fromBase64url('-_8')).not.toBeNull();
    for (const bad of ['-_9', '+/8', '-_8=', 'A']) expect(fromBase64url(bad)).toBeNull();
  });
});
