import { expect, test } from 'vitest';
import { de } from './de';
import { en } from './en';
import { he } from './he';
import { pick, type Strings, type Text } from './index.svelte';

const all: Record<string, Strings> = { en, de, he };
const forms = (text: Text): string[] => (typeof text === 'string' ? [text] : Object.values(text));
const places = (text: string): string[] =>
  [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? '').sort();

test.each(Object.entries(all))('%s has every text, and no other', (_, strings) => {
  expect(Object.keys(strings).sort()).toEqual(Object.keys(en).sort());
  for (const [key, text] of Object.entries(strings)) {
    for (const form of forms(text)) expect(form.trim(), key).not.toBe('');
  }
});

test.each(Object.entries(all))('%s has a form for each of its plural categories', (language, strings) => {
  const wanted = new Intl.PluralRules(language).resolvedOptions().pluralCategories.sort();
  for (const [key, text] of Object.entries(strings)) {
    if (typeof text !== 'string') expect(Object.keys(text).sort(), key).toEqual(wanted);
  }
});

test.each(Object.entries(all))('%s fills in what English fills in', (_, strings) => {
  for (const [key, text] of Object.entries(strings) as [keyof typeof en, Text][]) {
    const wanted = [...new Set(forms(en[key]).flatMap(places))];
    // A form for one or two may say the number in words.
    for (const form of forms(text)) {
      const said = places(form);
      expect(wanted, key).toEqual(expect.arrayContaining(said));
      expect(said, key).toEqual(expect.arrayContaining(wanted.filter((place) => place !== 'count')));
    }
    const other = typeof text === 'string' ? text : (text.other ?? '');
    expect(places(other), key).toEqual([...wanted].sort());
  }
});

const sources = import.meta.glob<string>(
  ['../../**/*.{ts,svelte}', '!./{en,de,he}.ts', '!../../**/*.test.ts'],
  {
    query: '?raw',
    import: 'default',
    eager: true,
  },
);

test('every text is used somewhere', () => {
  const source = Object.values(sources).join('\n');
  expect(source).toContain('mount(App');
  const unused = Object.keys(en).filter((key) => !source.includes(`'${key}'`));
  expect(unused).toEqual([]);
});

test('Hebrew counts two in a form of its own', () => {
  const rules = new Intl.PluralRules('he');
  expect(pick(he.deleted, { count: 2 }, rules)).toContain('שני');
  expect(pick(he.deleted, { count: 11 }, rules)).toContain('{count}');
});
