import { actions } from '$lib/actions/index';
import { Problem } from '$lib/actions/problem';
import type { Entry, NodeId, SpaceId } from '$lib/actions/types';

/** Files that come with the names of the directories they are to be in. */
export interface Incoming {
  file: File;
  path: string[];
}

/** What was dropped, with all that is in dropped directories. */
export async function droppedFiles(transfer: DataTransfer): Promise<Incoming[]> {
  // The list is emptied as soon as the event is over: the entries are taken first.
  const entries = [...transfer.items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null);
  if (entries.length === 0) return [...transfer.files].map((file) => ({ file, path: [] }));
  const found: Incoming[] = [];
  for (const entry of entries) await walk(entry, [], found);
  return found;
}

async function walk(entry: FileSystemEntry, path: string[], found: Incoming[]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    found.push({ file, path });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A reader hands over a hundred at a time, and nothing at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return;
    for (const child of some) await walk(child, [...path, entry.name], found);
  }
}

/** What was picked; a picked directory's files carry their path. */
export function pickedFiles(files: Iterable<File>): Incoming[] {
  return [...files].map((file) => ({ file, path: file.webkitRelativePath.split('/').slice(0, -1) }));
}

/** Finds or makes the directories that files come with, each once, and groups the files by them. */
export async function placed(
  space: SpaceId,
  parent: NodeId,
  incoming: readonly Incoming[],
): Promise<Map<NodeId, File[]>> {
  const known = new Map<string, NodeId>([['', parent]]);
  const grouped = new Map<NodeId, File[]>();
  for (const { file, path } of incoming) {
    let at = parent;
    for (let depth = 0; depth < path.length; depth += 1) {
      const key = JSON.stringify(path.slice(0, depth + 1));
      at = known.get(key) ?? (await directory(space, at, path[depth] ?? ''));
      known.set(key, at);
    }
    grouped.set(at, [...(grouped.get(at) ?? []), file]);
  }
  return grouped;
}

async function directory(space: SpaceId, parent: NodeId, name: string): Promise<NodeId> {
  try {
    const { results } = await actions.files.edit(space, [{ do: 'makeDirectory', parent, name }]);
    const made = results[0];
    if (made) return made.id;
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'conflict') throw error;
  }
  const there = await existing(space, parent, name);
  if (there?.kind === 'directory') return there.id;
  throw new Problem('conflict', `there is something else called ${name}`);
}

async function existing(space: SpaceId, parent: NodeId, name: string): Promise<Entry | undefined> {
  let found: Entry | undefined;
  const take = (entries: Entry[]): void => {
    found ??= entries.find((entry) => entry.name === name);
  };
  await actions.files.children(space, parent, take, new AbortController().signal);
  return found;
}
