import type { SearchFilter } from '$lib/actions/types';
import type { Key } from '$lib/i18n/index.svelte';

/** What is chosen of each filter, by the value of its option. */
export interface Chosen {
  kind: string;
  size: string;
  time: string;
}

const DAY_MS = 86_400_000;
const MB = 1_000_000;

export const SIZES: readonly (readonly [string, Key, Pick<SearchFilter, 'minSize' | 'maxSize'>])[] = [
  ['small', 'filter.size.small', { maxSize: MB }],
  ['medium', 'filter.size.medium', { minSize: MB, maxSize: 100 * MB }],
  ['large', 'filter.size.large', { minSize: 100 * MB }],
];

export const TIMES: readonly (readonly [string, Key, number])[] = [
  ['day', 'filter.time.day', 1],
  ['week', 'filter.time.week', 7],
  ['month', 'filter.time.month', 30],
  ['year', 'filter.time.year', 365],
];

export function filterOf(chosen: Chosen, nowMs: number): SearchFilter {
  const size = SIZES.find(([value]) => value === chosen.size);
  const time = TIMES.find(([value]) => value === chosen.time);
  return {
    ...(chosen.kind === 'file' || chosen.kind === 'directory' ? { kind: chosen.kind } : {}),
    ...size?.[2],
    ...(time ? { afterMs: nowMs - time[2] * DAY_MS } : {}),
  };
}
