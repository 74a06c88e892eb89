import type { Entry } from '$lib/actions/types';

export type Column = 'name' | 'size' | 'modified' | 'kind';

export interface Order {
  by: Column;
  down: boolean;
}

/** How long sorting may keep the page from drawing at a time. */
const SLICE_MS = 6;
const RUN = 256;
const FIGURES = 12;

/**
 * What a name sorts by: without case and accents, and with numbers by their value. Made once for each
 * name, because a collator's comparison of 100,000 names takes a second.
 */
export function sortKey(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/\d+/g, (digits) => digits.padStart(FIGURES, '0'));
}

/** Makes and keeps the sort keys of entries. */
export class SortKeys {
  readonly #keys = new WeakMap<Entry, string>();

  of(entry: Entry): string {
    let key = this.#keys.get(entry);
    if (key === undefined) {
      key = sortKey(entry.name);
      this.#keys.set(entry, key);
    }
    return key;
  }
}

function ending(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : '';
}

/** Compares as a list shows: directories first, then by the column, then by name. */
export function comparator(order: Order, keys: SortKeys): (one: Entry, other: Entry) => number {
  const sign = order.down ? -1 : 1;
  const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  const byName = (a: Entry, b: Entry): number => byText(keys.of(a), keys.of(b)) || byText(a.name, b.name);
  const byColumn = (a: Entry, b: Entry): number => {
    if (order.by === 'size') return (a.size ?? -1) - (b.size ?? -1);
    if (order.by === 'modified') return (a.modifiedMs ?? 0) - (b.modifiedMs ?? 0);
    if (order.by === 'kind') return byText(ending(a.name), ending(b.name));
    return 0;
  };
  const rank = (entry: Entry): number => (entry.kind === 'directory' || entry.kind === 'attachment' ? 0 : 1);
  return (a, b) =>
    rank(a) - rank(b) || sign * byColumn(a, b) || (order.by === 'name' ? sign : 1) * byName(a, b);
}

/** Lets the page draw and answer before it goes on. */
export type Breathe = () => Promise<void>;

const breathe: Breathe = () => new Promise((resolve) => setTimeout(resolve));

/**
 * Sorts without keeping the page from drawing: short runs first, then merged pairwise, and a pause as
 * soon as a slice of time is over. Stable. Returns undefined when `signal` said stop.
 */
export async function sortInSlices<Item>(
  items: readonly Item[],
  compare: (one: Item, other: Item) => number,
  signal: AbortSignal,
  pause: Breathe = breathe,
): Promise<Item[] | undefined> {
  let until = performance.now() + SLICE_MS;
  const rest = async (): Promise<void> => {
    if (performance.now() < until) return;
    await pause();
    until = performance.now() + SLICE_MS;
  };

  let runs: Item[][] = [];
  for (let at = 0; at < items.length; at += RUN) {
    runs.push(items.slice(at, at + RUN).sort(compare));
    await rest();
    if (signal.aborted) return undefined;
  }
  while (runs.length > 1) {
    const merged: Item[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      const [left = [], right] = runs.slice(at, at + 2);
      merged.push(right ? await merge(left, right, compare, rest) : left);
      if (signal.aborted) return undefined;
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<Item>(
  left: readonly Item[],
  right: readonly Item[],
  compare: (one: Item, other: Item) => number,
  rest: () => Promise<void>,
): Promise<Item[]> {
  const merged: Item[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length && r < right.length) {
    const [one, other] = [left[l] as Item, right[r] as Item];
    if (compare(one, other) <= 0) {
      merged.push(one);
      l += 1;
    } else {
      merged.push(other);
      r += 1;
    }
    if (merged.length % RUN === 0) await rest();
  }
  while (l < left.length) merged.push(left[l++] as Item);
  while (r < right.length) merged.push(right[r++] as Item);
  return merged;
}
