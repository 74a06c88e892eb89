/** Keys in IndexedDB, which stores keys that no script can read as what they are. */

import { type KeyStore, MemoryKeyStore, type Slots } from './keystore';

const DATABASE = 'hythe';
const VERSION = 1;
const STORE = 'keys';

/** The browser's store; one in memory where the browser keeps nothing, as in some private windows. */
export async function openKeyStore(): Promise<KeyStore> {
  try {
    return new IndexedDbKeyStore(await openDatabase());
  } catch {
    // Without a place for keys a login holds as long as the page does, which is what was asked for.
    return new MemoryKeyStore();
  }
}

class IndexedDbKeyStore implements KeyStore {
  readonly #database: IDBDatabase;

  constructor(database: IDBDatabase) {
    this.#database = database;
    // A newer page wants to change the store: it must not wait for this one.
    database.onversionchange = () => database.close();
  }

  async get<K extends keyof Slots>(slot: K): Promise<Slots[K] | null> {
    const transaction = this.#database.transaction(STORE, 'readonly');
    const found: unknown = await result(transaction.objectStore(STORE).get(slot));
    return (found as Slots[K] | undefined) ?? null;
  }

  async put<K extends keyof Slots>(slot: K, value: Slots[K]): Promise<void> {
    await this.#change((store) => store.put(value, slot));
  }

  async remove(...slots: (keyof Slots)[]): Promise<void> {
    await this.#change((store) => {
      for (const slot of slots) store.delete(slot);
    });
  }

  /** Done when it would survive a crash. */
  #change(work: (store: IDBObjectStore) => void): Promise<void> {
    const transaction = this.#database.transaction(STORE, 'readwrite', { durability: 'strict' });
    work(transaction.objectStore(STORE));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error('the store gave up'));
    });
  }
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, VERSION);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return result(request);
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the store did not answer'));
  });
}
