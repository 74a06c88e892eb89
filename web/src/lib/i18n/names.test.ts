import { expect, test } from 'vitest';
import { NAUGHTY_NAMES } from '$fake/samples';
import { t } from './index.svelte';
import { showable } from './showable';

test('what is not seen, or turns text around, is shown by its number', () => {
  expect(showable('invoice\u202Efdp.exe')).toBe('invoice⟨202E⟩fdp.exe');
  expect(showable('a\u0000b')).toBe('a⟨0000⟩b');
  expect(showable('x\u200b')).toBe('x⟨200B⟩');
});

test('emoji and scripts of the world stay as they are', () => {
  for (const name of ['👩‍👩‍👧‍👦 family', 'שלום', 'تقرير', 'Éclair', '日本語']) expect(showable(name)).toBe(name);
});

test('a name in a sentence is isolated, and fills in nothing itself', () => {
  for (const name of NAUGHTY_NAMES) {
    const text = t('deleted-one', { name });
    expect(text.at(0)).toBe('\u2068');
    expect(text.match(/[\u202a-\u202e\u2066\u2067]/u)).toBeNull();
    expect(text.match(/[\u2068\u2069]/gu)).toHaveLength(2);
  }
  expect(t('moved', { count: 2, where: '{count}' })).toContain('{count}');
});
