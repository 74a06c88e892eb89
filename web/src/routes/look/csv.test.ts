import { expect, test } from 'vitest';
import { parseRows, separatorOf } from './csv';
import { decode } from './decode';

test('quoted fields hold separators, quotes and line ends', () => {
  expect(parseRows('a,"b,""c""\nd"\r\ne,f\n', ',', 10)).toEqual([
    ['a', 'b,"c"\nd'],
    ['e', 'f'],
  ]);
});

test('no more rows are read than are wanted', () => {
  expect(parseRows('a\n'.repeat(1000), ',', 3)).toHaveLength(3);
});

test('the separator is found by the first line', () => {
  expect(separatorOf('a;b;c\n1,5;2;3')).toBe(';');
  expect(separatorOf('one column')).toBe(',');
});

test('what holds NUL is no text, UTF-16 with its mark is', () => {
  expect(decode(new Uint8Array([0x50, 0x4b, 3, 4, 0, 0]))).toBeNull();
  expect(decode(new Uint8Array([0xff, 0xfe, 0x61, 0]))).toBe('a');
});
