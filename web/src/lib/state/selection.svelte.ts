import type { Entry, NodeId } from '$lib/actions/types';

/** Which entries are chosen, and which one the keyboard is at. */
export class Selection {
  ids = $state.raw<ReadonlySet<NodeId>>(new Set());
  /** Index of the entry that the keyboard is at; −1 before it was anywhere. */
  at = $state(-1);
  /** Where a range begins. */
  #anchor = 0;

  has(id: NodeId): boolean {
    return this.ids.has(id);
  }

  get size(): number {
    return this.ids.size;
  }

  clear(): void {
    this.ids = new Set();
  }

  only(entries: readonly Entry[], index: number): void {
    const entry = entries[index];
    if (!entry) return;
    this.at = index;
    this.#anchor = index;
    this.ids = new Set([entry.id]);
  }

  toggle(entries: readonly Entry[], index: number): void {
    const entry = entries[index];
    if (!entry) return;
    const ids = new Set(this.ids);
    if (!ids.delete(entry.id)) ids.add(entry.id);
    this.ids = ids;
    this.at = index;
    this.#anchor = index;
  }

  /** From where the range began to here. */
  range(entries: readonly Entry[], index: number): void {
    const [from, to] = [Math.min(this.#anchor, index), Math.max(this.#anchor, index)];
    this.ids = new Set(entries.slice(Math.max(0, from), to + 1).map((entry) => entry.id));
    this.at = index;
  }

  all(entries: readonly Entry[]): void {
    this.ids = new Set(entries.map((entry) => entry.id));
  }

  /** The chosen ones that are still there, in the order that is shown. */
  of(entries: readonly Entry[]): Entry[] {
    return this.ids.size === 0 ? [] : entries.filter((entry) => this.ids.has(entry.id));
  }
}
