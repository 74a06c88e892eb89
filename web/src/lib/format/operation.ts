/** What a change set can do. Clear: a server reads all of it without any key. */

import {
  ACCOUNT_GENESIS,
  ADD_DEVICE,
  AUTHORISE_ONE_TIME,
  KEM_GENERATION,
  REMOVE_DEVICE,
  SET_KEYHOLDER,
} from './account/operation';
import { BOOL, type Value, optional, struct, uint, variants, word } from './cbor/codec';
import {
  CAME_FROM,
  END_SPACE,
  JOIN,
  MEMBER,
  MOVED_OUT,
  MOVE_OUT,
  NAME_SPACE,
  NEW_EPOCH,
  OFFER_JOIN,
  RESTORED,
  SPACE_GENESIS,
  STAY_HERE,
  WITHDRAW_JOIN,
} from './governance';
import { CHUNK_ID, NAME_TAG, NODE_ID, VERSION_ID, words } from './ids';

const KIND = word(['directory', 'file', 'symlink', 'attachment']);

const PLACE = struct({ parent: NODE_ID, tag: NAME_TAG });

const BODY_WRITE = struct({
  version: VERSION_ID,
  size: uint(),
  tree: BOOL,
  refs: words(CHUNK_ID),
});
export type BodyWrite = Value<typeof BODY_WRITE>;

const CREATE = struct({
  node: NODE_ID,
  nodeKind: KIND,
  place: PLACE,
  placeVersion: VERSION_ID,
  attributesVersion: VERSION_ID,
  body: optional(BODY_WRITE),
});

const PLACE_WRITE = struct({ expected: VERSION_ID, version: VERSION_ID, place: PLACE });
const ATTRIBUTES_WRITE = struct({ expected: VERSION_ID, version: VERSION_ID });
const BODY_UPDATE = struct({ expected: VERSION_ID, write: BODY_WRITE });

const UPDATE = struct({
  node: NODE_ID,
  place: optional(PLACE_WRITE),
  attributes: optional(ATTRIBUTES_WRITE),
  body: optional(BODY_UPDATE),
});

const DELETE = struct({ node: NODE_ID, place: VERSION_ID, body: optional(VERSION_ID) });

const RESTORE = struct({
  node: NODE_ID,
  expected: VERSION_ID,
  version: VERSION_ID,
  place: PLACE,
});

/** One operation, with its number. */
export const OPERATION = variants({
  spaceGenesis: [0, SPACE_GENESIS],
  member: [1, MEMBER],
  newEpoch: [2, NEW_EPOCH],
  restored: [3, RESTORED],
  nameSpace: [4, NAME_SPACE],
  offerJoin: [5, OFFER_JOIN],
  join: [6, JOIN],
  create: [8, CREATE],
  update: [9, UPDATE],
  delete: [10, DELETE],
  restore: [11, RESTORE],
  accountGenesis: [16, ACCOUNT_GENESIS],
  addDevice: [17, ADD_DEVICE],
  removeDevice: [18, REMOVE_DEVICE],
  kemGeneration: [19, KEM_GENERATION],
  authoriseOneTime: [20, AUTHORISE_ONE_TIME],
  setKeyholder: [21, SET_KEYHOLDER],
  moveOut: [30, MOVE_OUT],
  movedOut: [31, MOVED_OUT],
  stayHere: [32, STAY_HERE],
  cameFrom: [33, CAME_FROM],
  withdrawJoin: [34, WITHDRAW_JOIN],
  endSpace: [35, END_SPACE],
});
export type Operation = Value<typeof OPERATION>;

/** An operation of one kind. */
export type OperationOf<K extends Operation['kind']> = Extract<Operation, { kind: K }>;
