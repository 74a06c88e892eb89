import { describe, expect, test } from 'vitest';

import { type ChangeSet, decodeChangeSet } from './changeset';
import type { Header } from './header';
import type { Operation, OperationOf } from './operation';
import { checkStructure } from './structure';
import { goldenLines } from './testing/golden';
import { ROOT } from './ids';

const SPACE = goldenLines('space-log-1.hex').map(decodeChangeSet);
const MEMBERS = goldenLines('space-members-1.hex').map(decodeChangeSet);
const ACCOUNT = goldenLines('account-log-1.hex').map(decodeChangeSet);

/** An operation of one kind out of the golden logs, and the change set it is in. */
function sample<K extends Operation['kind']>(kind: K): [OperationOf<K>, ChangeSet] {
  for (const changeSet of [...SPACE, ...MEMBERS, ...ACCOUNT]) {
    const found = changeSet.operations.find((operation) => operation.kind === kind);
    if (found !== undefined) return [found as OperationOf<K>, changeSet];
  }
  throw new Error(`no ${kind} in the golden logs`);
}

function header(changes: Partial<Header> = {}, of = SPACE[1]!): Header {
  return { ...of.header, sealed: [], ...changes };
}

const [create] = sample('create');
const [update] = sample('update');
const [remove] = sample('delete');
const [member] = sample('member');
const [epoch] = sample('newEpoch');
const [generation] = sample('kemGeneration');
const [offer] = sample('offerJoin');
const [join] = sample('join');
const [genesis, genesisSet] = sample('spaceGenesis');

describe('operations stand together', () => {
  test('only where they are about one thing', () => {
    expect(() => checkStructure(header(), [member, epoch])).not.toThrow();
    expect(() => checkStructure(header(), [member, generation])).toThrow('stand together');
    expect(() => checkStructure(header(), [])).toThrow('no operations');
    expect(() => checkStructure(header(), [join, join])).toThrow('stands alone');
    expect(() => checkStructure(header({}, genesisSet), [genesis, genesis])).toThrow('stands alone');
  });

  test('with a header that fits', () => {
    expect(() => checkStructure(header({}, genesisSet), [genesis])).not.toThrow();
    expect(() => checkStructure(header(), [genesis])).toThrow('genesis');
    expect(() => checkStructure(header({}, genesisSet), [member])).toThrow('genesis');
    expect(() => checkStructure(header({ counter: 2 }, genesisSet), [genesis])).toThrow('genesis');
    expect(() => checkStructure(header({ keyEpoch: 1 }, genesisSet), [genesis])).toThrow('genesis');
  });
});

describe('an operation is refused', () => {
  const hash = SPACE[0]!.header.clear;
  const parts = (count: number): Header => header({ sealed: Array.from({ length: count }, () => hash) });

  test('on the root', () => {
    const wrong: Operation[] = [
      { ...create, node: ROOT },
      { ...update, node: ROOT },
      { ...remove, node: ROOT },
    ];
    for (const operation of wrong) expect(() => checkStructure(parts(3), [operation])).toThrow('root');
  });

  test('with a body that does not fit its kind', () => {
    const body = { version: create.placeVersion, size: 1, tree: false, refs: [] };
    const directory = { ...create, nodeKind: 'directory', body: null } as const;
    expect(() => checkStructure(parts(2), [directory])).not.toThrow();
    expect(() => checkStructure(parts(3), [{ ...directory, body }])).toThrow('body');
    expect(() => checkStructure(parts(2), [{ ...directory, nodeKind: 'file' }])).toThrow('body');
    expect(() => checkStructure(parts(3), [{ ...directory, nodeKind: 'attachment', body }])).toThrow('body');
    const tree = { ...directory, nodeKind: 'file', body: { ...body, tree: true } } as const;
    expect(() => checkStructure(parts(3), [tree])).toThrow('chunks');
  });

  test('with another number of sealed parts', () => {
    const directory = { ...create, nodeKind: 'directory', body: null } as const;
    expect(() => checkStructure(parts(1), [directory])).toThrow('sealed parts');
    const nothing = { ...update, place: null, attributes: null, body: null };
    expect(() => checkStructure(parts(0), [nothing])).toThrow('nothing');
  });

  test('that gives a key to who leaves, makes an owner by a link, or has no one order', () => {
    const wrap = { epoch: 1, generation: 1, wrapped: epoch.wraps[0]!.wrapped };
    expect(() => checkStructure(header(), [{ ...member, role: null, wrap }])).toThrow('nobody');
    expect(() => checkStructure(header(), [{ ...offer, role: 'owner' }])).toThrow('owner');
    const reversed = { ...epoch, wraps: epoch.wraps.toReversed() };
    expect(() => checkStructure(header(), [reversed])).toThrow('ascend');
    const twice = { ...generation, wraps: [generation.wraps[0]!, generation.wraps[0]!] };
    expect(() => checkStructure(header(), [twice])).toThrow('ascend');
  });
});
