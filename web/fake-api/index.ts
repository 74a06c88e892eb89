import { Problem } from '$lib/actions/problem';
import type {
  Actions,
  Device,
  DeviceActions,
  Entry,
  FileActions,
  Found,
  Me,
  NewUpload,
  Role,
  SearchFilter,
  SessionActions,
  Space,
  SpaceId,
  TrashItem,
  UploadActions,
  UploadDone,
} from '$lib/actions/types';
import { crowd, home, SAMPLE_NOW } from './samples';
import { freshId, FakeTree } from './tree';

/** How many entries one piece of a listing has, as it would come from the network. */
const PIECE = 2000;

interface FakeSpace {
  tree: FakeTree;
  space: Omit<Space, 'root'>;
}

interface FakeUpload extends NewUpload {
  space: SpaceId;
  parts: Blob[];
  offset: number;
}

export interface FakeOptions {
  /** How many entries the large directory has. */
  crowd?: number;
  signedIn?: boolean;
  now?: () => number;
}

/** What a test may tell the pretended server. */
export interface Fake extends Actions {
  /** Makes the next `times` calls of an action (`files.edit`) fail. */
  failNext(action: string, problem: Problem, times?: number): void;
  readonly trees: Map<SpaceId, FakeTree>;
  readonly calls: string[];
}

const ME: Me = {
  account: 'account-noa',
  device: 'device-browser',
  loginName: 'noa',
  displayName: 'Noa Levi',
  admin: true,
};

/** A server that is only pretended: in memory, and failing when it is told to. Marker: hythe-fake-api. */
export function makeFake(options: FakeOptions = {}): Fake {
  const marker = 'hythe-fake-api';
  const spaces = sampleSpaces(options.crowd ?? 100_000);
  const failures = new Map<string, Problem[]>();
  const calls: string[] = [marker];

  const called = (action: string): void => {
    calls.push(action);
    const problem = failures.get(action)?.shift();
    if (problem) throw problem;
  };
  const tree = (space: SpaceId): FakeTree => {
    const found = spaces.get(space);
    if (!found) throw new Problem('not-found');
    return found.tree;
  };
  const now = options.now ?? Date.now;

  return {
    calls,
    trees: new Map([...spaces].map(([id, space]) => [id, space.tree])),
    failNext(action, problem, times = 1) {
      failures.set(
        action,
        Array.from({ length: times }, () => problem),
      );
    },
    session: fakeSession(called, options.signedIn ?? true),
    devices: fakeDevices(called),
    spaces: {
      async list() {
        called('spaces.list');
        return [...spaces.values()].map(({ tree, space }) => ({ ...space, root: tree.root }));
      },
    },
    files: fakeFiles(called, tree, now),
    uploads: fakeUploads(called, tree),
  };
}

function sampleSpaces(count: number): Map<SpaceId, FakeSpace> {
  const make = (
    tree: FakeTree,
    name: string,
    role: Role,
    members: number,
    usedBytes: number,
    kind: Space['kind'] = 'open',
  ): [SpaceId, FakeSpace] => [
    tree.space,
    {
      tree,
      space: {
        id: tree.space,
        name,
        role,
        members,
        usedBytes,
        kind,
        personal: members === 0,
        invited: false,
      },
    },
  ];
  const family = new FakeTree('space-family');
  for (const name of ['Recipes', 'Birthdays', 'House', 'Holidays 2027']) {
    family.add(family.root, { kind: 'directory', name, modifiedMs: SAMPLE_NOW });
  }
  const club = new FakeTree('space-club');
  club.add(club.root, {
    kind: 'file',
    name: 'Minutes.pdf',
    size: 90_211,
    version: 'v1',
    modifiedMs: SAMPLE_NOW,
  });
  return new Map([
    make(home(), 'home', 'owner', 0, 51_203_441_200),
    make(family, 'Family', 'owner', 4, 8_120_551_000),
    make(club, 'Allotment club', 'viewer', 23, 1_204_551_000),
    make(new FakeTree('space-diary'), 'Diary', 'owner', 1, 81_204_000, 'sealed'),
    make(crowd(count), 'Archive', 'editor', 2, 412_000_000_000),
  ]);
}

function fakeSession(called: (action: string) => void, signedIn: boolean): SessionActions {
  let me: Me | null = signedIn ? ME : null;
  let recovery: string | null = null;
  const enter = (): Me => (me = ME);
  return {
    async current() {
      called('session.current');
      return me;
    },
    async welcome() {
      called('session.welcome');
      return { serverName: 'haven.example.org', registration: 'open' };
    },
    async signIn({ login, password, second }) {
      called('session.signIn');
      if (password === 'wrong') throw new Problem('login-wrong');
      if (login === 'two' && !second) throw new Problem('second-factor', 'passkey');
      return enter();
    },
    async signUp({ login }) {
      called('session.signUp');
      if (login === 'taken') throw new Problem('login-taken');
      recovery = 'K7QM-2XRT-9HBD-4WNE-P3VC-8JFA-5YSG-1ZK6';
      return enter();
    },
    async unconfirmedRecovery() {
      called('session.unconfirmedRecovery');
      return recovery;
    },
    async confirmRecovery() {
      called('session.confirmRecovery');
      recovery = null;
    },
    async recover() {
      called('session.recover');
      return enter();
    },
    async askApproval() {
      called('session.askApproval');
      const granted = new Promise<Me>(() => undefined);
      return { code: 'K7QM-2XRT-9HBD', granted, cancel: () => undefined };
    },
    async signOut() {
      called('session.signOut');
      me = null;
    },
  };
}

function fakeDevices(called: (action: string) => void): DeviceActions {
  const device = (id: string, name: string, platform: string, daysAgo: number, browser = false): Device => ({
    id,
    name,
    platform,
    version: '0.9.0',
    address: '192.0.2.17',
    createdMs: SAMPLE_NOW - 90 * 86_400_000,
    lastSeenMs: SAMPLE_NOW - daysAgo * 86_400_000,
    browser,
    current: id === ME.device,
  });
  let devices = [
    device('device-laptop', 'Laptop', 'Linux', 0.01),
    device('device-desk', 'Desk in the study', 'Linux', 3),
    device(ME.device, 'Firefox on Linux', 'Firefox', 0, true),
    device('device-phone', 'Phone of Noa', 'Chrome', 41, true),
  ];
  return {
    async list() {
      called('devices.list');
      return devices;
    },
    async remove(id) {
      called('devices.remove');
      devices = devices.filter((one) => one.id !== id);
    },
    async offer() {
      called('devices.offer');
      return {
        url: 'https://haven.example.org/#device-v1=7S2KQ0M4XG9T1RBH3ND8WVPEZC5YJ6AF2K7QM2XRT9HBD4WNEP3VC8JFA5YSG',
        expiresMs: SAMPLE_NOW + 3_600_000,
      };
    },
    async look(code) {
      called('devices.look');
      if (code.length < 4) throw new Problem('approval-ended');
      return { name: 'Tablet', platform: 'Linux', address: '192.0.2.30', askedMs: SAMPLE_NOW - 20_000 };
    },
    async approve() {
      called('devices.approve');
    },
  };
}

function fakeFiles(
  called: (action: string) => void,
  tree: (space: SpaceId) => FakeTree,
  now: () => number,
): FileActions {
  const bytesOf = (space: SpaceId, node: string, version?: string): Blob | undefined => {
    const found = tree(space).get(node);
    if (version === undefined) return found.bytes;
    return found.versions.find((one) => one.version === version)?.bytes;
  };
  const urls = new Map<Blob, string>();
  return {
    async place(space, node) {
      called('files.place');
      return { node: tree(space).get(node).entry, path: tree(space).path(node) };
    },
    async children(space, node, take, signal) {
      called('files.children');
      const entries = tree(space)
        .children(node)
        .map((child) => child.entry);
      for (let at = 0; at < entries.length; at += PIECE) {
        await Promise.resolve();
        signal.throwIfAborted();
        take(entries.slice(at, at + PIECE));
      }
      return { cursor: tree(space).cursor, count: entries.length };
    },
    async edit(space, edits) {
      called('files.edit');
      const results = tree(space).apply(edits, now());
      return { cursor: tree(space).cursor, results };
    },
    contentUrl(space, node, { version } = {}) {
      const bytes = bytesOf(space, node, version);
      if (!bytes) return '/nothing';
      const url = urls.get(bytes) ?? URL.createObjectURL(bytes);
      urls.set(bytes, url);
      return url;
    },
    async read(space, node, limit, _signal, version) {
      called('files.read');
      const bytes = bytesOf(space, node, version) ?? new Blob();
      return new Uint8Array(await bytes.slice(0, limit).arrayBuffer());
    },
    zipUrl: () => '/nothing.zip',
    async search(space, text, filter, take) {
      called('files.search');
      take(searched(tree(space), text, filter));
    },
    async versions(space, node) {
      called('files.versions');
      return tree(space)
        .get(node)
        .versions.map(({ bytes: _, ...version }) => version);
    },
    async trash(space) {
      called('files.trash');
      return { items: deletedOf(tree(space)) };
    },
  };
}

function deletedOf(tree: FakeTree): TrashItem[] {
  return [...tree.nodes.values()]
    .filter((node) => node.deletedMs !== undefined)
    .map((node) => ({
      entry: node.entry,
      path: tree
        .path(node.entry.id)
        .slice(0, -1)
        .map((step) => step.name),
      deletedMs: node.deletedMs ?? 0,
      by: { name: 'Jonas Berg', you: false, device: 'Desk in the study' },
    }))
    .sort((one, other) => other.deletedMs - one.deletedMs);
}

function searched(tree: FakeTree, text: string, filter: SearchFilter): Found[] {
  const wanted = text.toLocaleLowerCase();
  const fits = (entry: Entry): boolean =>
    entry.name.toLocaleLowerCase().includes(wanted) &&
    (filter.kind === undefined || filter.kind === entry.kind) &&
    (filter.minSize === undefined || (entry.size ?? 0) >= filter.minSize) &&
    (filter.maxSize === undefined || (entry.size ?? 0) <= filter.maxSize) &&
    (filter.afterMs === undefined || (entry.modifiedMs ?? 0) >= filter.afterMs) &&
    (filter.beforeMs === undefined || (entry.modifiedMs ?? 0) <= filter.beforeMs);
  return [...tree.nodes.values()]
    .filter((node) => node.parent !== null && node.deletedMs === undefined && fits(node.entry))
    .slice(0, 1000)
    .map((node) => ({
      entry: node.entry,
      path: tree
        .path(node.entry.id)
        .slice(0, -1)
        .map((step) => step.name),
    }));
}

function fakeUploads(called: (action: string) => void, tree: (space: SpaceId) => FakeTree): UploadActions {
  const uploads = new Map<string, FakeUpload>();
  const find = (id: string): FakeUpload => {
    const upload = uploads.get(id);
    if (!upload) throw new Problem('not-found');
    return upload;
  };
  const arrive = (space: SpaceId, upload: NewUpload, bytes: Blob): UploadDone => {
    const { parent, modifiedMs } = upload;
    const there = tree(space);
    const old = upload.onTaken === 'replace' ? there.child(parent, upload.name) : undefined;
    const name = old ? upload.name : there.freeName(parent, upload.name);
    if (old) there.write(old, bytes, modifiedMs);
    const node = old ?? there.add(parent, { kind: 'file', name, modifiedMs }, bytes);
    there.cursor += 1;
    return { id: node.entry.id, name, cursor: there.cursor };
  };
  return {
    async small(space, upload, bytes) {
      called('uploads.small');
      return arrive(space, upload, bytes);
    },
    async begin(space, upload) {
      called('uploads.begin');
      const id = freshId();
      uploads.set(id, { ...upload, space, parts: [], offset: 0 });
      return { upload: id, offset: 0 };
    },
    async send(_space, id, offset, bytes, signal) {
      called('uploads.send');
      signal.throwIfAborted();
      const upload = find(id);
      if (offset !== upload.offset) throw new Problem('conflict', 'not the place to go on');
      upload.parts.push(bytes);
      upload.offset += bytes.size;
      return upload.offset;
    },
    async offset(_space, id) {
      called('uploads.offset');
      return find(id).offset;
    },
    async finish(space, id) {
      called('uploads.finish');
      const upload = find(id);
      uploads.delete(id);
      return arrive(space, upload, new Blob(upload.parts));
    },
    async cancel(_space, id) {
      called('uploads.cancel');
      uploads.delete(id);
    },
  };
}
