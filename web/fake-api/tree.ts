import { Problem } from '$lib/actions/problem';
import type { Author, Edit, Entry, NodeId, PathStep, SpaceId } from '$lib/actions/types';

export interface FakeNode {
  entry: Entry;
  parent: NodeId | null;
  deletedMs?: number;
  bytes?: Blob;
  versions: FakeVersion[];
}

export interface FakeVersion {
  version: string;
  size: number;
  timeMs: number;
  bytes?: Blob | undefined;
  by: Author;
}

let counter = 0;

/** Ids look like those of Hythe: 26 characters of Crockford's base 32. */
export function freshId(): string {
  counter += 1;
  return `0${counter.toString(32).padStart(25, '0')}`;
}

/** One space's nodes, in memory. */
export class FakeTree {
  readonly nodes = new Map<NodeId, FakeNode>();
  readonly #below = new Map<NodeId, Set<NodeId>>();
  readonly root: NodeId = freshId();
  cursor = 1;

  constructor(readonly space: SpaceId) {
    this.#put({ entry: { id: this.root, kind: 'directory', name: '' }, parent: null, versions: [] });
  }

  get(node: NodeId): FakeNode {
    const found = this.nodes.get(node);
    if (!found) throw new Problem('not-found');
    return found;
  }

  children(node: NodeId): FakeNode[] {
    return [...(this.#below.get(node) ?? [])].map((id) => this.get(id)).filter((child) => !child.deletedMs);
  }

  child(parent: NodeId, name: string): FakeNode | undefined {
    return this.children(parent).find((node) => node.entry.name === name);
  }

  path(node: NodeId): PathStep[] {
    const steps: PathStep[] = [];
    for (let at = this.get(node); at.parent !== null; at = this.get(at.parent)) {
      steps.unshift({ id: at.entry.id, name: at.entry.name });
    }
    return steps;
  }

  add(parent: NodeId, entry: Omit<Entry, 'id'>, bytes?: Blob): FakeNode {
    const node: FakeNode = { entry: { id: freshId(), ...entry }, parent, versions: [] };
    if (bytes) this.write(node, bytes, entry.modifiedMs ?? Date.now());
    this.#put(node);
    return node;
  }

  write(node: FakeNode, bytes: Blob, modifiedMs: number): void {
    const version = freshId();
    node.bytes = bytes;
    node.entry = { ...node.entry, version, size: bytes.size, modifiedMs };
    node.versions.unshift({
      version,
      size: bytes.size,
      timeMs: modifiedMs,
      bytes,
      by: { name: 'Noa Levi', you: true, device: 'Laptop' },
    });
  }

  /** Applies all edits, or none: it tries them on a copy of what they touch first. */
  apply(edits: Edit[], nowMs: number): { id: NodeId; name: string }[] {
    for (const edit of edits) this.#check(edit);
    this.cursor += 1;
    return edits.map((edit) => this.#do(edit, nowMs));
  }

  #check(edit: Edit): void {
    if ('parent' in edit && this.get(edit.parent).entry.kind !== 'directory') throw new Problem('conflict');
    if ('node' in edit) this.get(edit.node);
    if ('name' in edit && (edit.name === '' || edit.name.includes('/'))) throw new Problem('other');
    if (!('name' in edit) || edit.onTaken === 'number') return;
    const taken = this.child(edit.parent, edit.name);
    const itself = 'node' in edit && edit.do === 'move' && taken?.entry.id === edit.node;
    if (taken && !itself) throw new Problem('conflict', 'the name is taken');
  }

  #do(edit: Edit, nowMs: number): { id: NodeId; name: string } {
    switch (edit.do) {
      case 'makeDirectory': {
        const name = this.freeName(edit.parent, edit.name);
        const made = this.add(edit.parent, { kind: 'directory', name, modifiedMs: nowMs });
        return { id: made.entry.id, name };
      }
      case 'move':
        return this.#move(edit.node, edit.parent, this.freeName(edit.parent, edit.name, edit.node));
      case 'copy':
        return this.#copy(this.get(edit.node), edit.parent, this.freeName(edit.parent, edit.name));
      case 'delete':
        return this.#mark(edit.node, nowMs);
      case 'restore':
        return this.#restore(edit.node);
      case 'restoreVersion': {
        const node = this.get(edit.node);
        const bytes = node.versions.find((version) => version.version === edit.version)?.bytes;
        if (!bytes) throw new Problem('not-found');
        this.write(node, bytes, nowMs);
        return { id: node.entry.id, name: node.entry.name };
      }
    }
  }

  /** The name, or `name (2).ext` where it is taken by another node. */
  freeName(parent: NodeId, name: string, mine?: NodeId): string {
    const taken = (tried: string): boolean => {
      const there = this.child(parent, tried);
      return there !== undefined && there.entry.id !== mine;
    };
    if (!taken(name)) return name;
    const dot = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length;
    for (let number = 2; ; number += 1) {
      const tried = `${name.slice(0, dot)} (${number})${name.slice(dot)}`;
      if (!taken(tried)) return tried;
    }
  }

  #put(node: FakeNode): void {
    this.nodes.set(node.entry.id, node);
    if (node.parent === null) return;
    const below = this.#below.get(node.parent) ?? new Set();
    below.add(node.entry.id);
    this.#below.set(node.parent, below);
  }

  #move(id: NodeId, parent: NodeId, name: string): { id: NodeId; name: string } {
    const node = this.get(id);
    if (this.path(parent).some((step) => step.id === id)) throw new Problem('conflict', 'into itself');
    if (node.parent !== null) this.#below.get(node.parent)?.delete(id);
    node.parent = parent;
    node.entry = { ...node.entry, name };
    this.#put(node);
    return { id, name };
  }

  #copy(node: FakeNode, parent: NodeId, name: string): { id: NodeId; name: string } {
    const { id: _, ...entry } = node.entry;
    const copy = this.add(parent, { ...entry, name });
    if (node.bytes) copy.bytes = node.bytes;
    copy.versions = node.versions.slice(0, 1);
    for (const child of this.children(node.entry.id)) this.#copy(child, copy.entry.id, child.entry.name);
    return { id: copy.entry.id, name };
  }

  #mark(id: NodeId, nowMs: number): { id: NodeId; name: string } {
    const node = this.get(id);
    node.deletedMs = nowMs;
    return { id, name: node.entry.name };
  }

  #restore(id: NodeId): { id: NodeId; name: string } {
    const node = this.get(id);
    delete node.deletedMs;
    const name = this.freeName(node.parent ?? this.root, node.entry.name, id);
    node.entry = { ...node.entry, name };
    return { id, name };
  }
}
