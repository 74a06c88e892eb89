import { actions } from '$lib/actions/index';
import { Problem, wasAborted } from '$lib/actions/problem';
import { SMALL_BYTES, type NewUpload, type NodeId, type SpaceId } from '$lib/actions/types';
import { Speed } from './speed';

export type UploadStatus = 'waiting' | 'sending' | 'pausing' | 'done' | 'failed';

/** How many files are on their way at once. */
const AT_ONCE = 3;
/** What one request sends: after it the server has it for good. */
const PIECE_BYTES = 8 * 1024 * 1024;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
const TRIES = 8;

/** One file on its way to a directory. */
export class Upload {
  status = $state<UploadStatus>('waiting');
  sent = $state(0);
  error = $state.raw<unknown>();
  readonly abort = new AbortController();
  /** The server's id of it, once it was begun: sending goes on where it broke off. */
  id: string | undefined;

  constructor(
    readonly space: SpaceId,
    readonly parent: NodeId,
    readonly file: File,
  ) {}

  get share(): number {
    return this.file.size === 0 ? (this.status === 'done' ? 1 : 0) : this.sent / this.file.size;
  }
}

/** All files that are on their way. */
export class UploadQueue {
  items = $state.raw<readonly Upload[]>([]);
  readonly speed = new Speed();
  /** Called when a file arrived in a directory. */
  onarrive: (space: SpaceId, parent: NodeId) => void = () => undefined;
  #running = 0;

  readonly #wait: (ms: number) => Promise<void>;

  constructor(wait: (ms: number) => Promise<void> = (ms) => new Promise((go) => setTimeout(go, ms))) {
    this.#wait = wait;
  }

  get active(): number {
    return this.items.filter((item) => ['waiting', 'sending', 'pausing'].includes(item.status)).length;
  }

  get failed(): number {
    return this.items.filter((item) => item.status === 'failed').length;
  }

  get totalBytes(): number {
    return this.items.reduce((sum, item) => sum + item.file.size, 0);
  }

  get sentBytes(): number {
    return this.items.reduce((sum, item) => sum + item.sent, 0);
  }

  add(space: SpaceId, parent: NodeId, files: readonly File[]): void {
    this.items = [...this.items, ...files.map((file) => new Upload(space, parent, file))];
    this.#fill();
  }

  retry(item: Upload): void {
    item.status = 'waiting';
    item.error = undefined;
    this.#fill();
  }

  /** Takes a file off the list, and back from the server what of it is there already. */
  remove(item: Upload): void {
    item.abort.abort();
    this.items = this.items.filter((other) => other !== item);
    if (item.id !== undefined && item.status !== 'done') {
      // What stays of it on the server ends by itself after a while.
      actions.uploads.cancel(item.space, item.id).catch(() => undefined);
    }
  }

  clearDone(): void {
    this.items = this.items.filter((item) => item.status !== 'done');
  }

  #fill(): void {
    for (const item of this.items) {
      if (this.#running >= AT_ONCE) return;
      if (item.status !== 'waiting') continue;
      this.#running += 1;
      item.status = 'sending';
      void this.#run(item).finally(() => {
        this.#running -= 1;
        this.#fill();
      });
    }
  }

  /** Sends a file, over breaks of the connection, until it is there or cannot be. */
  async #run(item: Upload): Promise<void> {
    for (let tried = 0; ; tried += 1) {
      const before = item.sent;
      try {
        await this.#send(item);
        item.status = 'done';
        this.onarrive(item.space, item.parent);
        return;
      } catch (error) {
        if (wasAborted(error) || item.abort.signal.aborted) return;
        // What got on starts counting anew: only a server that takes nothing any more is given up.
        if (item.sent > before) tried = 0;
        if (!(error instanceof Problem && error.passing) || tried >= TRIES) {
          item.status = 'failed';
          item.error = error;
          return;
        }
        item.status = 'pausing';
        await this.#wait(error.retryAfterMs ?? Math.min(FIRST_WAIT_MS * 2 ** tried, LONGEST_WAIT_MS));
        item.status = 'sending';
      }
    }
  }

  async #send(item: Upload): Promise<void> {
    const { space, parent, file, abort } = item;
    const { signal } = abort;
    const { name, size, lastModified: modifiedMs } = file;
    const wanted: NewUpload = { parent, name, size, modifiedMs, onTaken: 'number' };
    if (size <= SMALL_BYTES) {
      await actions.uploads.small(space, wanted, file, signal);
      item.sent = size;
      this.speed.add(size, performance.now());
      return;
    }
    if (item.id === undefined) {
      const begun = await actions.uploads.begin(space, wanted, signal);
      item.id = begun.upload;
      item.sent = begun.offset;
    } else {
      item.sent = await actions.uploads.offset(space, item.id, signal);
    }
    while (item.sent < file.size) {
      const from = item.sent;
      const piece = file.slice(from, from + PIECE_BYTES);
      const offset = await actions.uploads.send(space, item.id, from, piece, signal);
      if (offset <= from) throw new Problem('internal', 'the server took nothing');
      item.sent = offset;
      this.speed.add(offset - from, performance.now());
    }
    await actions.uploads.finish(space, item.id, signal);
  }
}

export const uploads = new UploadQueue();
