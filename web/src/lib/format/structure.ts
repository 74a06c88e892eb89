/** The rules that a change set keeps by itself, whatever the state of its log. */

import { FormatError } from './cbor/error';
import type { Header } from './header';
import { HEAD_START, NO_LOG, NO_PREVIOUS, ROOT, sameHead } from './ids';
import { MAX_OPERATIONS, MAX_REFERENCES } from './limits';
import type { BodyWrite, Operation, OperationOf } from './operation';

/** What the operations of a change set are about: operations of one class only stand together. */
type Class = 'spaceGenesis' | 'accountGenesis' | 'space' | 'join' | 'nodes' | 'account';

const CLASS: Readonly<Record<Operation['kind'], Class>> = {
  spaceGenesis: 'spaceGenesis',
  accountGenesis: 'accountGenesis',
  member: 'space',
  newEpoch: 'space',
  restored: 'space',
  nameSpace: 'space',
  cameFrom: 'space',
  offerJoin: 'space',
  withdrawJoin: 'space',
  endSpace: 'space',
  join: 'join',
  create: 'nodes',
  update: 'nodes',
  delete: 'nodes',
  restore: 'nodes',
  moveOut: 'nodes',
  movedOut: 'nodes',
  stayHere: 'nodes',
  addDevice: 'account',
  removeDevice: 'account',
  kemGeneration: 'account',
  authoriseOneTime: 'account',
  setKeyholder: 'account',
};

/** Classes of which an operation stands alone. */
const ALONE: readonly Class[] = ['spaceGenesis', 'accountGenesis', 'join'];

/** Checks header and operations against each other. */
export function checkStructure(header: Header, operations: readonly Operation[]): void {
  const [first] = operations;
  if (first === undefined || operations.length > MAX_OPERATIONS) {
    throw new FormatError('no operations, or too many');
  }
  const kind = CLASS[first.kind];
  if (operations.some((operation) => CLASS[operation.kind] !== kind)) {
    throw new FormatError('operations that cannot stand together');
  }
  if (ALONE.includes(kind) && operations.length > 1) {
    throw new FormatError('an operation that stands alone');
  }
  operations.forEach(checkOperation);
  const starts = kind === 'spaceGenesis' || kind === 'accountGenesis';
  if (starts !== (header.space === NO_LOG) || (starts && !startsLog(header))) {
    throw new FormatError('a genesis that starts no log');
  }
  const parts = operations.reduce((sum, operation) => sum + partCount(operation), 0);
  if (parts !== header.sealed.length) throw new FormatError('another number of sealed parts');
}

function startsLog(header: Header): boolean {
  return (
    header.counter === 1 &&
    header.previous === NO_PREVIOUS &&
    sameHead(header.seen, HEAD_START) &&
    header.keyEpoch === 0 &&
    header.behalf === null
  );
}

/** How many sealed parts an operation has. */
function partCount(operation: Operation): number {
  switch (operation.kind) {
    case 'create':
      return operation.body === null ? 2 : 3;
    case 'update':
      return [operation.place, operation.attributes, operation.body].filter(Boolean).length;
    case 'restore':
      return 1;
    default:
      return 0;
  }
}

function checkOperation(operation: Operation): void {
  switch (operation.kind) {
    case 'create':
      return checkCreate(operation);
    case 'update':
      return checkUpdate(operation);
    case 'delete':
    case 'restore':
    case 'moveOut':
      return notRoot(operation.node);
    case 'member':
      // Who leaves gets no key.
      if (operation.role === null && operation.wrap !== null) throw new FormatError('a key for nobody');
      return;
    case 'offerJoin':
      // A link may be passed on: it never makes an owner.
      if (operation.role === 'owner') throw new FormatError('a link that makes an owner');
      return;
    case 'newEpoch':
      return ascending(operation.wraps.map((wrap) => wrap.account));
    case 'kemGeneration':
      return ascending(operation.wraps.map((wrap) => wrap.device));
    default:
  }
}

function checkCreate(create: OperationOf<'create'>): void {
  notRoot(create.node);
  const fits = {
    directory: create.body === null,
    file: create.body !== null,
    symlink: create.body !== null,
    attachment: create.body !== null && holdsNothing(create.body),
  }[create.nodeKind];
  if (!fits) throw new FormatError('a body that does not fit');
  if (create.body !== null) checkBody(create.body);
}

function checkUpdate(update: OperationOf<'update'>): void {
  notRoot(update.node);
  if (partCount(update) === 0) throw new FormatError('an update of nothing');
  if (update.body !== null) checkBody(update.body.write);
}

function holdsNothing(body: BodyWrite): boolean {
  return body.refs.length === 0 && !body.tree && body.size === 0;
}

function checkBody(body: BodyWrite): void {
  const fits = body.tree ? body.refs.length === 1 : body.refs.length <= MAX_REFERENCES;
  if (!fits) throw new FormatError('another number of chunks');
}

function notRoot(node: string): void {
  if (node === ROOT) throw new FormatError('the root is never written');
}

/** Strictly ascending: sorted and without doubles, so that a list has one encoding. */
function ascending(ids: readonly string[]): void {
  const fits = ids.every((id, index) => index === 0 || (ids[index - 1] ?? '') < id);
  if (!fits) throw new FormatError('ids that do not ascend');
}
