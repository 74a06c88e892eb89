import { shownLocale } from './index.svelte';

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const;

/** A number of bytes, with three figures at most: `1.24 GB`. */
export function bytes(count: number): string {
  let unit = 0;
  let value = count;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return new Intl.NumberFormat(shownLocale(), {
    style: 'unit',
    unit: UNITS[unit] ?? 'byte',
    unitDisplay: unit === 0 ? 'long' : 'short',
    maximumSignificantDigits: 3,
    roundingPriority: 'auto',
  }).format(value);
}

/** A share of a whole, `42 %`. */
export function percent(share: number): string {
  return new Intl.NumberFormat(shownLocale(), { style: 'percent' }).format(share);
}

const DAY_MS = 86_400_000;

/** A moment as a column shows it: the time for today, else the day, with the year where it is not this one. */
export function moment(ms: number, now = Date.now()): string {
  const date = new Date(ms);
  const today = new Date(now);
  if (date.toDateString() === today.toDateString()) return format(date, { timeStyle: 'short' });
  if (date.getFullYear() === today.getFullYear()) return format(date, { day: 'numeric', month: 'short' });
  return format(date, { day: 'numeric', month: 'short', year: 'numeric' });
}

/** A moment in full, for where there is room. */
export function momentInFull(ms: number): string {
  return format(new Date(ms), { dateStyle: 'long', timeStyle: 'short' });
}

/** A moment with its day and time, for a narrow column. */
export function momentInShort(ms: number): string {
  return format(new Date(ms), { dateStyle: 'medium', timeStyle: 'short' });
}

/** The day of a moment, as a heading over what happened on it. */
export function day(ms: number, now = Date.now()): string {
  const days = Math.round((startOfDay(ms) - startOfDay(now)) / DAY_MS);
  if (days <= 0 && days > -2) {
    return new Intl.RelativeTimeFormat(shownLocale(), { numeric: 'auto' }).format(days, 'day');
  }
  return format(new Date(ms), { dateStyle: 'full' });
}

function startOfDay(ms: number): number {
  return new Date(ms).setHours(0, 0, 0, 0);
}

/** How long something still takes, in its largest unit. */
export function duration(seconds: number): string {
  const [value, unit] =
    seconds < 90
      ? ([Math.max(1, Math.round(seconds)), 'second'] as const)
      : seconds < 5400
        ? ([Math.round(seconds / 60), 'minute'] as const)
        : ([Math.round(seconds / 3600), 'hour'] as const);
  return new Intl.NumberFormat(shownLocale(), { style: 'unit', unit, unitDisplay: 'short' }).format(value);
}

// Formatters cost far more to make than to use, and a list makes hundreds.
const formatters = new Map<string, Intl.DateTimeFormat>();

function format(date: Date, options: Intl.DateTimeFormatOptions): string {
  const key = shownLocale() + JSON.stringify(options);
  let formatter = formatters.get(key);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat(shownLocale(), options);
    formatters.set(key, formatter);
  }
  return formatter.format(date);
}
