/**
 * What the app can do. Components know this interface and nothing of what is behind it: the server's
 * door, the daemon's, or a pretended server.
 */

export type SpaceId = string;
export type NodeId = string;
export type VersionId = string;

export type Role = 'owner' | 'editor' | 'viewer' | 'drop';

export interface Space {
  id: SpaceId;
  /** Not there where only its members' devices can read it and this one has not yet. */
  name?: string;
  kind: 'open' | 'sealed';
  role: Role;
  personal: boolean;
  root: NodeId;
  invited: boolean;
  members: number;
  usedBytes: number;
}

export interface Entry {
  id: NodeId;
  kind: 'file' | 'directory' | 'symlink' | 'attachment';
  name: string;
  /** The name's bytes in base64url, where they are no UTF-8. */
  raw?: string;
  size?: number;
  modifiedMs?: number;
  changedMs?: number;
  version?: VersionId;
  executable?: boolean;
  /** The space of an attachment, the text of a symlink. */
  target?: string;
}

export interface PathStep {
  id: NodeId;
  name: string;
}

export interface Place {
  /** Not there for the root. */
  node?: Entry;
  /** From the root's child down to the node itself. */
  path: PathStep[];
}

export interface Listed {
  cursor: number;
  count: number;
}

export type OnTaken = 'number';

export type Edit =
  | { do: 'makeDirectory'; parent: NodeId; name: string; onTaken?: OnTaken }
  | { do: 'move'; node: NodeId; parent: NodeId; name: string; onTaken?: OnTaken }
  | { do: 'delete'; node: NodeId }
  | { do: 'restore'; node: NodeId }
  | { do: 'copy'; node: NodeId; parent: NodeId; name: string; onTaken?: OnTaken }
  | { do: 'restoreVersion'; node: NodeId; version: VersionId };

/** How many edits one request takes. */
export const MOST_EDITS = 1000;

export interface EditsDone {
  cursor: number;
  results: { id: NodeId; name: string }[];
}

export interface Found {
  entry: Entry;
  /** Names of the directories above it, from the root down. */
  path: string[];
}

export interface SearchFilter {
  kind?: 'file' | 'directory';
  minSize?: number;
  maxSize?: number;
  afterMs?: number;
  beforeMs?: number;
}

/** Who did something. */
export interface Author {
  name?: string;
  /** Whether it is the account that asks. */
  you: boolean;
  device?: string;
}

export interface Version {
  version: VersionId;
  size?: number;
  timeMs: number;
  by: Author;
  /** By what way it came, where that was no device of a member. */
  through?: 'link' | 'server' | 'inbox';
}

export interface TrashItem {
  entry: Entry;
  /** Names of the directories above it, from the root down. */
  path: string[];
  deletedMs: number;
  by: Author;
}

export interface TrashPage {
  items: TrashItem[];
  next?: string;
}

/** Up to here a file goes in one request. */
export const SMALL_BYTES = 1024 * 1024;

export interface NewUpload {
  parent: NodeId;
  name: string;
  size: number;
  modifiedMs: number;
  onTaken: 'replace' | 'number';
}

export interface UploadState {
  upload: string;
  offset: number;
}

export interface UploadDone {
  id: NodeId;
  name: string;
  cursor: number;
}

export interface SpaceActions {
  list(): Promise<Space[]>;
}

export interface FileActions {
  place(space: SpaceId, node: NodeId): Promise<Place>;
  /** Hands over what is in a directory in pieces, as they come, in no order. */
  children(
    space: SpaceId,
    node: NodeId,
    take: (entries: Entry[]) => void,
    signal: AbortSignal,
  ): Promise<Listed>;
  /** All or nothing, at most a thousand at once. */
  edit(space: SpaceId, edits: Edit[]): Promise<EditsDone>;
  /** Where the content is, for an element of the page to fetch. */
  contentUrl(space: SpaceId, node: NodeId, options?: { version?: VersionId; download?: boolean }): string;
  /** The beginning of a file, at most `limit` bytes of it. */
  read(
    space: SpaceId,
    node: NodeId,
    limit: number,
    signal: AbortSignal,
    version?: VersionId,
  ): Promise<Uint8Array>;
  zipUrl(space: SpaceId, nodes: NodeId[]): string;
  search(
    space: SpaceId,
    text: string,
    filter: SearchFilter,
    take: (found: Found[]) => void,
    signal: AbortSignal,
  ): Promise<void>;
  versions(space: SpaceId, node: NodeId): Promise<Version[]>;
  trash(space: SpaceId, after?: string): Promise<TrashPage>;
}

export interface UploadActions {
  /** Sends a file whole, at most {@link SMALL_BYTES} of it. */
  small(space: SpaceId, upload: NewUpload, bytes: Blob, signal: AbortSignal): Promise<UploadDone>;
  begin(space: SpaceId, upload: NewUpload, signal: AbortSignal): Promise<UploadState>;
  /** Sends bytes that belong at `offset`; returns how far the server has the file. */
  send(space: SpaceId, upload: string, offset: number, bytes: Blob, signal: AbortSignal): Promise<number>;
  offset(space: SpaceId, upload: string, signal: AbortSignal): Promise<number>;
  finish(space: SpaceId, upload: string, signal: AbortSignal): Promise<UploadDone>;
  cancel(space: SpaceId, upload: string): Promise<void>;
}

/** Who uses the page. */
export interface Me {
  account: string;
  device: string;
  loginName: string;
  displayName: string;
  admin: boolean;
}

/** How one may come in here. */
export interface Welcome {
  serverName: string;
  /** Whether anybody may make an account, or only who was invited. */
  registration: 'open' | 'invite' | 'closed';
}

export interface SignIn {
  login: string;
  password: string;
  /** Where the account asks for it: the authenticator's code, or a passkey, which the browser asks for. */
  second?: { code: string } | 'passkey';
}

export interface SignUp {
  login: string;
  password: string;
  /** The fragment of the invite's address. */
  invite?: string;
}

/** Another device is asked to let this one in. */
export interface Approval {
  /** What a device of the account has to be told. */
  code: string;
  /** Resolves when the other device said yes. */
  granted: Promise<Me>;
  cancel(): void;
}

export interface SessionActions {
  /** Who is signed in; null for nobody. */
  current(): Promise<Me | null>;
  welcome(): Promise<Welcome>;
  /** Throws `second-factor` where one is asked for; its detail is `passkey` where that may be one. */
  signIn(given: SignIn): Promise<Me>;
  /** Makes an account, and with it a recovery code. */
  signUp(given: SignUp): Promise<Me>;
  /** The recovery code that its owner has still to keep and type back. */
  unconfirmedRecovery(): Promise<string | null>;
  confirmRecovery(code: string): Promise<void>;
  /** Opens the account with its recovery code, and sets a new password. */
  recover(code: string, password: string): Promise<Me>;
  askApproval(): Promise<Approval>;
  signOut(): Promise<void>;
}

export interface Device {
  id: string;
  name: string;
  platform: string;
  version: string;
  address: string | null;
  createdMs: number;
  lastSeenMs: number | null;
  browser: boolean;
  /** Whether it is this one. */
  current: boolean;
}

/** A device that shows a code and asks to be let in. */
export interface Asker {
  name: string;
  platform: string;
  address: string | null;
  askedMs: number;
}

export interface DeviceActions {
  list(): Promise<Device[]>;
  /** Cuts a device off, with its keys. */
  remove(id: string): Promise<void>;
  /** The secret address with which one more device comes in. */
  offer(): Promise<{ url: string; expiresMs: number }>;
  /** Who shows this code. */
  look(code: string): Promise<Asker>;
  approve(code: string): Promise<void>;
}

export interface Actions {
  session: SessionActions;
  devices: DeviceActions;
  spaces: SpaceActions;
  files: FileActions;
  uploads: UploadActions;
}
