import { describe, expect, test } from 'vitest';

import { hex } from '../bytes';
import {
  BOOL,
  type Codec,
  INTEGER,
  decode,
  encode,
  fixed,
  list,
  octets,
  optional,
  struct,
  text,
  uint,
  variants,
  word,
} from './codec';
import { Reader } from './reader';

const LIMIT = 100;
const bytes = (hexadecimal: string): Uint8Array => Uint8Array.from(Buffer.from(hexadecimal, 'hex'));

function read<T>(codec: Codec<T>, hexadecimal: string): T {
  return decode(codec, bytes(hexadecimal), LIMIT);
}

describe('numbers', () => {
  // RFC 8949, appendix A.
  test.each([
    [0, '00'],
    [23, '17'],
    [24, '1818'],
    [100, '1864'],
    [255, '18ff'],
    [256, '190100'],
    [1000, '1903e8'],
    [65_535, '19ffff'],
    [65_536, '1a00010000'],
    [1_000_000, '1a000f4240'],
    [4_294_967_296, '1b0000000100000000'],
    [1_000_000_000_000, '1b000000e8d4a51000'],
    [Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'],
    [-1, '20'],
    [-100, '3863'],
    [-1000, '3903e7'],
    [Number.MIN_SAFE_INTEGER, '3b001ffffffffffffe'],
  ])('%d is %s and nothing else', (value, hexadecimal) => {
    expect(hex(encode(INTEGER, value))).toBe(hexadecimal);
    expect(read(INTEGER, hexadecimal)).toBe(value);
  });

  test.each(['1817', '1900ff', '1a0000ffff', '1b00000000ffffffff', '3817'])(
    '%s is not written shortest',
    (wrong) => {
      expect(() => read(INTEGER, wrong)).toThrow('shortest');
    },
  );

  test('that no number holds exactly are refused, and not written', () => {
    expect(() => read(INTEGER, '1b0020000000000000')).toThrow('too large');
    expect(() => read(INTEGER, '3b001fffffffffffff')).toThrow('no number');
    expect(() => encode(INTEGER, 0.5)).toThrow(RangeError);
    expect(() => encode(INTEGER, 2 ** 53)).toThrow(RangeError);
  });

  test('over their limit, or of another type, are refused', () => {
    expect(read(uint(10), '0a')).toBe(10);
    expect(() => read(uint(10), '0b')).toThrow('too large');
    expect(() => read(uint(), '20')).toThrow('another type');
    expect(() => read(uint(), '40')).toThrow('another type');
    expect(() => read(INTEGER, '40')).toThrow('no number');
  });
});

describe('items', () => {
  test('without a definite length are refused', () => {
    for (const wrong of ['5f', '7f', '9f', '1c', '1f']) {
      expect(() => read(octets(), wrong)).toThrow();
      expect(() => read(INTEGER, wrong)).toThrow();
      expect(() => read(list(INTEGER), `${wrong}ff`)).toThrow();
    }
  });

  test('that are cut off are refused', () => {
    expect(() => read(INTEGER, '')).toThrow('cut off');
    expect(() => read(INTEGER, '19ff')).toThrow('cut off');
    expect(() => read(octets(), '4301')).toThrow('cut off');
    expect(() => read(list(INTEGER), '8201')).toThrow('longer than what holds it');
  });

  test('that others follow are refused', () => {
    expect(() => read(INTEGER, '0000')).toThrow('another spelling');
  });

  test('of a wrong length are refused before they are held', () => {
    expect(hex(read(octets(2, 1), '420102'))).toBe('0102');
    expect(() => read(octets(2, 1), '43010203')).toThrow('wrong length');
    expect(() => read(octets(2, 1), '40')).toThrow('wrong length');
    expect(() => read(fixed(2), '4101')).toThrow('wrong length');
    expect(read(text(2), '62c3a4')).toBe('ä');
    expect(() => read(text(2), '63616161')).toThrow('too long');
    expect(() => read(text(9), '61ff')).toThrow('UTF-8');
    expect(() => read(list(INTEGER, 1), '820102')).toThrow('over its limit');
    expect(() => new Reader(bytes('9a7fffffff')).array()).toThrow('longer than what holds it');
  });

  test('that are neither true nor false are refused', () => {
    expect([read(BOOL, 'f4'), read(BOOL, 'f5')]).toEqual([false, true]);
    for (const wrong of ['f6', 'f7', '00']) expect(() => read(BOOL, wrong)).toThrow('neither');
  });

  test('are words out of a few', () => {
    const role = word(['owner', 'editor']);
    expect([read(role, '00'), read(role, '01')]).toEqual(['owner', 'editor']);
    expect(() => read(role, '02')).toThrow('unknown word');
  });
});

describe('structures', () => {
  const some = struct({ a: uint(), b: optional(uint()), c: optional(uint()) });

  test('leave absent fields off at their end, and nowhere else', () => {
    expect(hex(encode(some, { a: 1, b: null, c: null }))).toBe('8101');
    expect(hex(encode(some, { a: 1, b: 2, c: null }))).toBe('820102');
    expect(hex(encode(some, { a: 1, b: null, c: 3 }))).toBe('8301f603');
    expect(read(some, '8301f603')).toEqual({ a: 1, b: null, c: 3 });
    expect(read(some, '8101')).toEqual({ a: 1, b: null, c: null });
    for (const wrong of ['8201f6', '8301f6f6']) expect(() => read(some, wrong)).toThrow('another spelling');
  });

  test('have all fields that must be there, and no others', () => {
    expect(() => read(some, '80')).toThrow('no field a');
    expect(() => read(some, '8401020304')).toThrow('unknown fields');
    expect(() => read(some, '01')).toThrow('another type');
  });

  test('of several forms say which they have', () => {
    const forms = variants({ one: [1, struct({ x: uint() })], two: [7, struct({})] });
    expect(read(forms, '82018105')).toEqual({ kind: 'one', x: 5 });
    expect(read(forms, '820780')).toEqual({ kind: 'two' });
    expect(hex(encode(forms, { kind: 'one', x: 5 }))).toBe('82018105');
    expect(() => read(forms, '820280')).toThrow('unknown variant');
    expect(() => read(forms, '8101')).toThrow('no variant');
  });
});
