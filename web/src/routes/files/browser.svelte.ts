import type { Entry, NodeId, Space } from '$lib/actions/types';
import * as commands from '$lib/state/commands';
import { Listing } from '$lib/state/listing.svelte';
import { placed, type Incoming } from '$lib/state/incoming';
import type { Column } from '$lib/state/order';
import { go } from '$lib/state/router.svelte';
import { Selection } from '$lib/state/selection.svelte';
import { mayWrite } from '$lib/state/account.svelte';
import { uploads } from '$lib/state/uploads.svelte';
import { view } from './view.svelte';

export type Asking =
  { what: 'folder' } | { what: 'move' | 'copy'; entries: Entry[] } | { what: 'details'; entry: Entry };

/** What is being dragged: the browser gives a page no look at it before it is dropped. */
let dragged: { from: Browser; entries: Entry[] } | undefined;

/** One directory on the screen: what is in it, what is chosen, and what is being done. */
export class Browser {
  readonly selection = new Selection();
  readonly listing: Listing;
  renaming = $state<NodeId | undefined>();
  asking = $state.raw<Asking | undefined>();
  menu = $state.raw<{ x: number; y: number } | undefined>();
  /** The beginning of a name that is being looked for by its letters. */
  typed = { text: '', at: -Infinity };

  constructor(
    readonly space: Space,
    readonly node: NodeId,
  ) {
    this.listing = new Listing(space.id, node, view.order);
  }

  get writable(): boolean {
    return mayWrite(this.space);
  }

  get entries(): readonly Entry[] {
    return this.listing.entries;
  }

  get chosen(): Entry[] {
    return this.selection.of(this.entries);
  }

  open(entry: Entry): void {
    if (entry.kind === 'directory') go({ at: 'files', space: this.space.id, node: entry.id });
    else if (entry.kind === 'attachment' && entry.target) go({ at: 'files', space: entry.target });
    else go({ at: 'files', space: this.space.id, node: this.node, look: entry.id });
  }

  /** To the directory above, if there is one. */
  up(): void {
    const path = this.listing.place?.path ?? [];
    if (path.length === 0) return;
    const above = path.at(-2);
    go({ at: 'files', space: this.space.id, ...(above ? { node: above.id } : {}) });
  }

  sortBy(by: Column): void {
    const same = this.listing.order.by === by;
    // What is new or large is looked for first.
    const down = same ? !this.listing.order.down : by === 'modified' || by === 'size';
    view.order = { by, down };
    this.listing.sortBy(view.order);
    this.selection.at = -1;
  }

  async remove(): Promise<void> {
    const entries = this.chosen;
    if (entries.length === 0 || !this.writable) return;
    this.selection.clear();
    await commands.remove(this.listing, entries);
  }

  download(): void {
    commands.download(this.space.id, this.chosen);
  }

  startRename(): void {
    const [entry] = this.chosen;
    if (entry && this.writable) this.renaming = entry.id;
  }

  drag(index: number): Entry[] {
    const entry = this.entries[index];
    if (!entry) return [];
    if (!this.selection.has(entry.id)) this.selection.only(this.entries, index);
    dragged = { from: this, entries: this.chosen };
    return dragged.entries;
  }

  dragEnded(): void {
    dragged = undefined;
  }

  /** Whether what is being dragged may be let go over a directory of this space. */
  takes(transfer: DataTransfer | null, onto: NodeId): 'move' | 'copy' | undefined {
    if (!this.writable || !transfer) return undefined;
    if (transfer.types.includes('Files')) return 'copy';
    if (!dragged || dragged.from.space.id !== this.space.id) return undefined;
    const itself = dragged.from.node === onto || dragged.entries.some((entry) => entry.id === onto);
    return itself ? undefined : 'move';
  }

  async dropOnto(node: NodeId, name: string, incoming: Promise<Incoming[]>): Promise<void> {
    if (dragged) {
      const { from, entries } = dragged;
      dragged = undefined;
      from.selection.clear();
      await commands.moveTo(from.listing, entries, node, name);
      return;
    }
    await this.upload(node, await incoming);
  }

  async upload(node: NodeId, incoming: readonly Incoming[]): Promise<void> {
    try {
      for (const [parent, files] of await placed(this.space.id, node, incoming)) {
        uploads.add(this.space.id, parent, files);
      }
      if (incoming.some(({ path }) => path.length > 0)) await this.listing.load();
    } catch (error) {
      commands.tellFailure(error);
    }
  }
}
