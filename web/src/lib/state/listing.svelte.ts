import { actions } from '$lib/actions/index';
import { wasAborted } from '$lib/actions/problem';
import type { Entry, NodeId, Place, SpaceId } from '$lib/actions/types';
import { comparator, sortInSlices, SortKeys, type Order } from './order';

/** What a directory holds, as it comes in and as it is shown. */
export class Listing {
  /** In the order that is shown. */
  entries = $state.raw<readonly Entry[]>([]);
  place = $state.raw<Place | undefined>();
  /** Whether all of it is there. */
  complete = $state(false);
  error = $state.raw<unknown>();
  order = $state.raw<Order>({ by: 'name', down: false });

  readonly space: SpaceId;
  readonly node: NodeId;
  readonly #all = new Map<NodeId, Entry>();
  readonly #keys = new SortKeys();
  #loading = new AbortController();
  #sorting = new AbortController();

  constructor(space: SpaceId, node: NodeId, order?: Order) {
    this.space = space;
    this.node = node;
    if (order) this.order = order;
  }

  /** Reads the directory, from the beginning. What was shown stays until the new state is there. */
  async load(): Promise<void> {
    this.#loading.abort();
    const loading = (this.#loading = new AbortController());
    this.error = undefined;
    const seen = new Map<NodeId, Entry>();
    const again = this.complete;
    try {
      const place = actions.files.place(this.space, this.node).then((known) => (this.place = known));
      const listed = actions.files.children(
        this.space,
        this.node,
        (pieces) => {
          for (const entry of pieces) seen.set(entry.id, entry);
          // The first pieces show at once; a second look must not make the list flicker.
          if (!again) this.#take(seen);
        },
        loading.signal,
      );
      await Promise.all([place, listed]);
      this.#take(seen);
      this.complete = true;
    } catch (error) {
      if (!wasAborted(error) && !loading.signal.aborted) this.error = error;
    }
  }

  /** Shows it in another order. */
  sortBy(order: Order): void {
    this.order = order;
    this.#show();
  }

  /** Shows a change at once that the server was only just asked for. Returns how to take it back. */
  patch(removed: readonly NodeId[], put: readonly Entry[]): () => void {
    const before = new Map(this.#all);
    for (const id of removed) this.#all.delete(id);
    for (const entry of put) this.#all.set(entry.id, entry);
    this.#show();
    return () => {
      this.#all.clear();
      for (const [id, entry] of before) this.#all.set(id, entry);
      this.#show();
    };
  }

  get(id: NodeId): Entry | undefined {
    return this.#all.get(id);
  }

  named(name: string): Entry | undefined {
    for (const entry of this.#all.values()) if (entry.name === name) return entry;
    return undefined;
  }

  stop(): void {
    this.#loading.abort();
    this.#sorting.abort();
  }

  #take(seen: ReadonlyMap<NodeId, Entry>): void {
    this.#all.clear();
    for (const [id, entry] of seen) this.#all.set(id, entry);
    this.#show();
  }

  #show(): void {
    this.#sorting.abort();
    const sorting = (this.#sorting = new AbortController());
    const compare = comparator(this.order, this.#keys);
    const all = [...this.#all.values()];
    if (all.length <= SMALL) {
      this.entries = all.sort(compare);
      return;
    }
    void sortInSlices(all, compare, sorting.signal).then((sorted) => {
      if (sorted && !sorting.signal.aborted) this.entries = sorted;
    });
  }
}

/** Up to here sorting takes a millisecond or two, and need not wait. */
const SMALL = 2000;
