import { actions } from '$lib/actions/index';
import { explain } from '$lib/actions/explain';
import { MOST_EDITS, type Edit, type Entry, type NodeId, type SpaceId } from '$lib/actions/types';
import { t } from '$lib/i18n/index.svelte';
import type { Listing } from './listing.svelte';
import { tell } from './toasts.svelte';

/** What is done to entries of a listing. Most shows at once, and is taken back where the server refuses. */

/** Tells that something did not go well, and offers to try again where that may help. */
export function tellFailure(error: unknown, retry?: () => void): void {
  const told = explain(error);
  const action = retry ? { action: { label: t('try-again'), run: retry } } : {};
  tell(`${told.sentence} ${told.next}`, { tone: 'danger', ...action });
}

/** Does edits in as few requests as they fit into. */
async function editAll(space: SpaceId, edits: readonly Edit[]): Promise<void> {
  for (let at = 0; at < edits.length; at += MOST_EDITS) {
    await actions.files.edit(space, edits.slice(at, at + MOST_EDITS));
  }
}

export async function makeFolder(listing: Listing, name: string): Promise<NodeId | undefined> {
  const edit: Edit = { do: 'makeDirectory', parent: listing.node, name };
  const { results } = await actions.files.edit(listing.space, [edit]);
  const made = results[0];
  if (!made) return undefined;
  listing.patch([], [{ id: made.id, kind: 'directory', name: made.name, modifiedMs: Date.now() }]);
  return made.id;
}

export async function rename(listing: Listing, entry: Entry, name: string): Promise<void> {
  if (name === entry.name) return;
  const move = (to: string): Edit => ({ do: 'move', node: entry.id, parent: listing.node, name: to });
  // Not shown before it is true: the row would go to its new place with the field still in it.
  await actions.files.edit(listing.space, [move(name)]);
  listing.patch([], [{ ...entry, name }]);
  const undo = async (): Promise<void> => {
    await actions.files.edit(listing.space, [move(entry.name)]);
    listing.patch([], [entry]);
  };
  tell(t('renamed', { name }), { action: { label: t('undo'), run: () => undo().catch(tellFailure) } });
}

export async function remove(listing: Listing, entries: readonly Entry[]): Promise<void> {
  const undoPatch = listing.patch(
    entries.map((entry) => entry.id),
    [],
  );
  try {
    await editAll(
      listing.space,
      entries.map((entry) => ({ do: 'delete', node: entry.id })),
    );
  } catch (error) {
    undoPatch();
    tellFailure(error, () => void remove(listing, entries));
    return;
  }
  const undo = async (): Promise<void> => {
    const edits = entries.map((entry): Edit => ({ do: 'restore', node: entry.id }));
    await editAll(listing.space, edits);
    await listing.load();
  };
  tell(deletedText(entries), {
    action: { label: t('undo'), run: () => undo().catch(tellFailure) },
  });
}

function deletedText(entries: readonly Entry[]): string {
  const [only] = entries;
  return entries.length === 1 && only
    ? t('deleted-one', { name: only.name })
    : t('deleted', { count: entries.length });
}

/** Moves entries of the listing into another directory of the same space. */
export async function moveTo(
  listing: Listing,
  entries: readonly Entry[],
  parent: NodeId,
  where: string,
): Promise<void> {
  const moving = entries.filter((entry) => entry.id !== parent);
  if (parent === listing.node || moving.length === 0) return;
  const undoPatch = listing.patch(
    moving.map((entry) => entry.id),
    [],
  );
  const edits = (to: NodeId): Edit[] =>
    moving.map(({ id, name }) => ({ do: 'move', node: id, parent: to, name, onTaken: 'number' }));
  try {
    await editAll(listing.space, edits(parent));
  } catch (error) {
    undoPatch();
    tellFailure(error);
    return;
  }
  const undo = async (): Promise<void> => {
    await editAll(listing.space, edits(listing.node));
    undoPatch();
  };
  tell(t('moved', { count: moving.length, where }), {
    action: { label: t('undo'), run: () => undo().catch(tellFailure) },
  });
}

export async function copyTo(
  listing: Listing,
  entries: readonly Entry[],
  parent: NodeId,
  where: string,
): Promise<void> {
  try {
    await editAll(
      listing.space,
      entries.map(({ id, name }) => ({ do: 'copy', node: id, parent, name, onTaken: 'number' })),
    );
    if (parent === listing.node) await listing.load();
    tell(t('copied', { count: entries.length, where }));
  } catch (error) {
    tellFailure(error);
  }
}

/** Has the browser fetch them: one file as it is, anything else as a zip. */
export function download(space: SpaceId, entries: readonly Entry[]): void {
  const [only] = entries;
  if (!only) return;
  const link = document.createElement('a');
  if (entries.length === 1 && only.kind === 'file') {
    link.href = actions.files.contentUrl(space, only.id, { download: true });
    link.download = only.name;
  } else {
    link.href = actions.files.zipUrl(
      space,
      entries.map((entry) => entry.id),
    );
    link.download = '';
  }
  link.click();
}
