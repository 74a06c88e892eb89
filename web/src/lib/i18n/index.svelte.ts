import { en } from './en';
import { showable } from './showable';

/** What a text may be: one sentence, or one per plural category of its language. */
export type Text = string | Partial<Record<Intl.LDMLPluralRule, string>>;
export type Key = keyof typeof en;
export type Strings = Record<Key, Text>;
export type Values = Record<string, string | number>;
export type Language = 'en' | 'de' | 'he';

/** The languages by their own names, as whoever looks for theirs expects them. */
export const LANGUAGES: Record<Language, { name: string; direction: 'ltr' | 'rtl' }> = {
  en: { name: 'English', direction: 'ltr' },
  de: { name: 'Deutsch', direction: 'ltr' },
  he: { name: 'עברית', direction: 'rtl' },
};

const STORED = 'hythe.language';

const loaders: Record<Language, () => Promise<Strings>> = {
  en: () => Promise.resolve(en),
  de: async () => (await import('./de')).de,
  he: async () => (await import('./he')).he,
};

let strings = $state.raw<Strings>(en);
let language = $state<Language>('en');
const plurals = $derived(new Intl.PluralRules(language));

/** The language that is shown. */
export function shownLanguage(): Language {
  return language;
}

/** The shown language as it is written where its reader lives: `en-GB` writes 30 Oct, `en-US` Oct 30. */
export function shownLocale(): string {
  return navigator.languages.find((tag) => tag.split('-')[0] === language) ?? language;
}

function isLanguage(text: string | null | undefined): text is Language {
  return text !== null && text !== undefined && Object.hasOwn(LANGUAGES, text);
}

/** The language that was chosen, or else the first of the browser's that there is. */
export function preferredLanguage(): Language {
  const stored = readStored();
  if (isLanguage(stored)) return stored;
  const wanted = navigator.languages.map((tag) => tag.split('-')[0]);
  return wanted.find(isLanguage) ?? 'en';
}

function readStored(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // storage may be forbidden; then nothing was chosen
  }
}

/** Shows the app in a language, and remembers it where `chosen` by hand. */
export async function showLanguage(next: Language, chosen = false): Promise<void> {
  strings = await loaders[next]();
  language = next;
  document.documentElement.lang = next;
  document.documentElement.dir = LANGUAGES[next].direction;
  if (!chosen) return;
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // It then holds until the page is closed.
  }
}

/**
 * The text of a key. Numbers are written as the language writes them; other values are names and are
 * isolated, so that their direction does not disturb the sentence.
 */
export function t(key: Key, values: Values = {}): string {
  return fill(pick(strings[key], values, plurals), values, shownLocale());
}

/** The form of a text for its `count`. */
export function pick(text: Text, values: Values, rules: Intl.PluralRules): string {
  if (typeof text === 'string') return text;
  const count = Number(values['count'] ?? 0);
  return text[rules.select(count)] ?? text.other ?? '';
}

const FIRST_STRONG_ISOLATE = String.fromCodePoint(0x2068);
const POP_ISOLATE = String.fromCodePoint(0x2069);

function fill(text: string, values: Values, tag: string): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (typeof value === 'number') return value.toLocaleString(tag);
    return FIRST_STRONG_ISOLATE + showable(value) + POP_ISOLATE;
  });
}
